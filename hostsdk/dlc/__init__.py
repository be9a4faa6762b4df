"""The contents of a DLC: its records, and the simulator's timeline that this package adds to them."""
