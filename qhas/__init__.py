"""Profile networks on Qualcomm Hexagon (HTP): what to run, how to run one step, what came out.

The library knows nothing of Prefect; `tasks` and `flows` put policy and sequence around it.
"""

__version__ = "0.1.0"
