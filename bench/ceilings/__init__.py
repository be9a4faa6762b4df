"""What the engines and the DRAM of a SoC do at most, by small networks whose work is known from their shapes."""
