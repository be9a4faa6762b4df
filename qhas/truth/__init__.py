"""How true the simulator is: its figures beside latencies that were measured on devices, and what follows from them.

A calibrated expectation is computed where it is shown and is never stored: what is stored, compared and judged is the
simulator's own figure.
"""
