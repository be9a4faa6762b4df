"""The highest rates of a SoC's engines and DRAM, from small networks whose work is known from their shapes."""
