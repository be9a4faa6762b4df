"""What stored verdicts point to, which pruning leaves."""

from __future__ import annotations

from qhas.runs import keys
from qhas.runs.stored import run_ids
from qhas.store import Store
from qhas.verdict.model import Verdict
from qhas.verdict.stored import stored_verdicts


def linked_cells(store: Store) -> frozenset[str]:
    """Prefixes of the cells whose traces show a regression: the last before it, its first, and the one it was told of.

    A regression that is still there does not link to every further night. Raises StoreError.
    """
    regressions = [verdict for verdict in stored_verdicts(store, run_ids(store)) if verdict.verdict.regressed]
    places = {
        (run_id, regression.cell)
        for regression in regressions
        for run_id in (
            regression.before_run,
            regression.since_run,
            regression.run_id if regression.verdict is Verdict.NEW else None,
        )
        if run_id
    }
    return frozenset(f"{keys.run(run_id)}/{keys.whole_cell(cell)}" for run_id, cell in places)
