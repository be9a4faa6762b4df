"""What the command prints, as tables of rich."""
