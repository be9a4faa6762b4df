"""How much tuning, bounds and advice achieve on known networks, with every answer kept as it is made."""
