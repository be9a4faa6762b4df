"""How accurate the simulator is: its figures beside latencies measured on devices, and what follows from them.

A calibrated expectation is computed when it is shown and never stored: what is stored, compared and judged is the
simulator's own figure.
"""
