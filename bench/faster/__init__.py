"""How far the ways to a faster network carry: tuning, bounds and advice on known networks, each answer kept as it is made."""
