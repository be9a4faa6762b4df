"""A comparison as tasks: computed, and shown in the Prefect UI."""

from __future__ import annotations

import asyncio

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from qhas.diff import runs
from qhas.diff.markdown import cell_rows, explained
from qhas.diff.model import RunDiff
from qhas.diff.runs import Chosen
from qhas.markdown import as_text
from qhas.store import Store
from tasks.artifacts import artifact_key
from tasks.policy import step


@step("compare", "compare {after} with {before}")
async def compare_runs(
    store: Store, before: str, after: str, chosen: Chosen, threshold_percent: float
) -> RunDiff:
    """Compare every cell that both runs have."""
    return await asyncio.to_thread(
        runs.compare_runs, store, before, after, chosen=chosen, threshold_percent=threshold_percent
    )


@step("show comparison", "show {diff.after} against {diff.before}")
async def show_comparison(diff: RunDiff) -> None:
    """Create a table artifact with a row per cell, and a Markdown one that explains the cells whose time changed."""
    key = artifact_key(f"{diff.after}-against-{diff.before}")
    await acreate_table_artifact(
        key=f"{key}-cells", table=cell_rows(diff), description=as_text(diff.sentence)
    )
    await acreate_markdown_artifact(key=key, markdown=explained(diff), description=as_text(diff.sentence))
