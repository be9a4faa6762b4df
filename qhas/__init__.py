"""Profile networks on Qualcomm Hexagon (HTP): what to run, how to run one step, and the results.

The names in `__all__` are what a notebook or a script may rely on, each imported on first use; docs/python.md shows
them. The library does not depend on Prefect; `tasks` and `flows` add policy and sequence around it.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qhas.archive import Archive, ArchivedCell, ArchivedRun, Comparison
    from qhas.archive import open_archive as open  # noqa: A004  # qhas.open
    from qhas.diff.runs import compare_runs
    from qhas.failures import FACTS, Failure, FailureKind, InvalidInput
    from qhas.history.reading import Where, read_history
    from qhas.profile.qhas_file import QhasFile, read_qhas
    from qhas.report.publish import publish_report
    from qhas.runs.record import CellRecord, SweepRecord
    from qhas.runs.stored import load_run
    from qhas.site import Site, load_site
    from qhas.store import Store, StoreError
    from qhas.sweep.spec import SweepSpec, load_sweep

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else ONNX Runtime 1.32 reports networks by name
os.environ.setdefault("DO_NOT_TRACK", "1")  # else Prefect reports what a new user does first

__version__ = "0.2.0"

__all__ = [
    "FACTS",
    "Archive",
    "ArchivedCell",
    "ArchivedRun",
    "CellRecord",
    "Comparison",
    "Failure",
    "FailureKind",
    "InvalidInput",
    "QhasFile",
    "Site",
    "Store",
    "StoreError",
    "SweepRecord",
    "SweepSpec",
    "Where",
    "__version__",
    "compare_runs",
    "load_run",
    "load_site",
    "load_sweep",
    "open",
    "publish_report",
    "read_history",
    "read_qhas",
]

_HOMES = {
    "qhas.archive": ("Archive", "ArchivedCell", "ArchivedRun", "Comparison", "open"),
    "qhas.diff.runs": ("compare_runs",),
    "qhas.failures": ("FACTS", "Failure", "FailureKind", "InvalidInput"),
    "qhas.history.reading": ("Where", "read_history"),
    "qhas.profile.qhas_file": ("QhasFile", "read_qhas"),
    "qhas.report.publish": ("publish_report",),
    "qhas.runs.record": ("CellRecord", "SweepRecord"),
    "qhas.runs.stored": ("load_run",),
    "qhas.site": ("Site", "load_site"),
    "qhas.store": ("Store", "StoreError"),
    "qhas.sweep.spec": ("SweepSpec", "load_sweep"),
}
"""The module that defines each name, as above for type checkers."""
_HOME = {name: home for home, names in _HOMES.items() for name in names}
_THERE = {"open": "open_archive"}
"""Names that differ in the module that defines them, where they would hide a builtin."""


def __getattr__(name: str) -> Any:
    """Import a public name on first access (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'qhas' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), _THERE.get(name, name))
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
