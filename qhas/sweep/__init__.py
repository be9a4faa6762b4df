"""What to run: models x SoCs x variants, and what is expected of them."""
