"""Language models whose tokens per second were measured, set against the simulator."""
