"""What a profile says, read from its files; no store, no run."""
