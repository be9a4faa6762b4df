"""What to run: models x SoCs x variants, and what they are expected to take."""
