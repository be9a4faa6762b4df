"""The files to register, in a checkout and in the installed package."""

from __future__ import annotations

from pathlib import Path

POOL = "lab"
_HERE = Path(__file__).parent
POOL_TEMPLATE = _HERE / "work-pool.json"
AUTOMATIONS = _HERE / "automations"


def deployments_file() -> Path:
    """Return the path of prefect.yaml."""
    return _of_checkout("prefect.yaml")


def nightly_file() -> Path:
    """Return the path of the sweep file that `nightly-sweep` runs by default."""
    return _of_checkout("examples/nightly.yaml")


def _of_checkout(name: str) -> Path:
    """Return the path of a file at the root of a checkout; the wheel carries it beside this module."""
    carried = _HERE / name
    return carried if carried.exists() else _HERE.parents[1] / name
