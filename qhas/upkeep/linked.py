"""What stored verdicts point to, which pruning keeps."""

from __future__ import annotations

from qhas.runs import keys
from qhas.runs.stored import run_ids
from qhas.store import Store
from qhas.verdict.model import Verdict
from qhas.verdict.stored import stored_verdicts


def linked_cells(store: Store) -> frozenset[str]:
    """Return the prefixes of the cells whose traces show a regression.

    That is the cell in the last run before it, in its first run, and in the run that reported it. A regression that
    persists does not link to every further night. Raises StoreError.
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
