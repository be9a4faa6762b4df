"""What a night's figures say against those of the nights before: a verdict a cell and figure, each with its sentence."""

from qhas.verdict.model import CellVerdict, Metric, Verdict, headlines

__all__ = ["CellVerdict", "Metric", "Verdict", "headlines"]
