"""The option `--against`: what changed in a run since another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from qhas.cli.screen import errors
from qhas.failures import InvalidInput
from qhas.runs.stored import read_run
from qhas.store import Store

if TYPE_CHECKING:
    from qhas.diff.model import RunDiff

BASELINE = "baseline"
"""Stands for the last finished run of the same sweep before this one."""
AgainstOption = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="RUN",
        help=f"Also show what changed since that run; `{BASELINE}` is the last finished run of the sweep before it.",
    ),
]


def require_other(store: Store, other: str | None) -> None:
    """Raise InvalidInput if the run to compare with does not exist."""
    if other not in (None, BASELINE) and read_run(store, other) is None:
        raise InvalidInput(
            f"The store {store.root} has no run {other} to compare with; `qhas runs` lists those it has."
        )


def against_run(store: Store, run_id: str, other: str | None) -> RunDiff | None:
    """Return what changed in a run since another one; None if no other is given. Raises StoreError.

    A run without a baseline, or with nothing in common with the other, is still good input: a warning is printed, and
    None is returned.
    """
    if other is None:
        return None
    from qhas.diff.runs import compare_runs  # comparing is half of what a command imports
    from qhas.runs.baseline import baseline_of

    try:
        base = baseline_of(store, run_id) if other == BASELINE else other
        return compare_runs(store, base, run_id) if base else None
    except InvalidInput as nothing:
        errors.print(f"qhas: {nothing}", style="yellow", markup=False, soft_wrap=True)
        return None
