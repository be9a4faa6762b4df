"""Verdicts on a night's figures, compared with the nights before: one per cell and figure, each with its sentence.

`judge.judge_run` appends a run to the history and judges it; the flow measures `judge.suspects` again on another
lease and judges a second time. docs/verdicts.md has the method, its sources, and how often it is right.
"""

from qhas.verdict.model import CellVerdict, Verdict, headlines

__all__ = ["CellVerdict", "Verdict", "headlines"]
