"""The best options of graph-prepare for a network on a SoC, found on the simulator and checked on the emulator."""
