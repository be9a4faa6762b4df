"""The files that are registered, in a checkout and in the installed package."""

from __future__ import annotations

from pathlib import Path

POOL = "lab"
_HERE = Path(__file__).parent
POOL_TEMPLATE = _HERE / "work-pool.json"
AUTOMATIONS = _HERE / "automations"


def deployments_file() -> Path:
    """prefect.yaml."""
    return _of_checkout("prefect.yaml")


def nightly_file() -> Path:
    """The sweep file that `nightly-sweep` runs unless it is told another."""
    return _of_checkout("examples/nightly.yaml")


def _of_checkout(name: str) -> Path:
    """A file that stands at the root of a checkout; the wheel carries it beside this module."""
    carried = _HERE / name
    return carried if carried.exists() else _HERE.parents[1] / name
