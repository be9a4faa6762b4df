"""What bounds a network on a SoC, by experiments on the simulator: change one thing, then look at time and ops."""
