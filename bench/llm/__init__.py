"""Language models whose tokens per second were measured, compared with the simulator."""
