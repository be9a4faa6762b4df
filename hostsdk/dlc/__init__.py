"""What a DLC holds: its records, and the simulator's timeline that this package adds to them."""
