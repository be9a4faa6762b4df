"""What bounds a network on a SoC, by experiment on the simulator: one thing is changed, and time and ops are looked at again."""
