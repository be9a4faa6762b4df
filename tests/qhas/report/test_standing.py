"""A cell's standing at a glance: time decides whether it is slower, and any other figure that changed is named."""

from __future__ import annotations

import pytest

from fakes.records import record
from qhas.profile.figures import JUDGED
from qhas.report.findings import Findings
from qhas.report.standing import Standing, Tone, standing
from qhas.runs.record import Origin
from qhas.verdict.model import CellVerdict, Verdict

CELL = record(origin=Origin.SIMULATOR)


def stands(**verdicts: Verdict) -> Standing:
    """The standing of a cell with these verdicts on its figures."""
    told = [
        CellVerdict(
            run_id="nightly-1",
            cell=CELL.cell.key,
            metric=JUDGED[column],
            origin=Origin.SIMULATOR,
            verdict=verdict,
            value=1,
            sentence=f"{column} is {verdict}.",
        )
        for column, verdict in verdicts.items()
    ]
    return standing(CELL, Findings(verdicts={CELL.cell.key: told}))


def test_a_slower_cell_is_worse_in_one_word() -> None:
    one = stands(time_us=Verdict.NEW, format_changes=Verdict.NEW)
    assert (one.tone, one.word) == (Tone.WORSE, "new")


@pytest.mark.parametrize("kind", [Verdict.NEW, Verdict.SUSTAINED])
def test_a_faster_cell_with_more_format_changes_is_better_and_both_are_said(kind: Verdict) -> None:
    one = stands(time_us=Verdict.IMPROVED, format_changes=kind)
    assert (one.tone, one.word) == (Tone.BETTER, f"improved; {kind}: format changes")
    assert one.sentence == f"time_us is improved. format_changes is {kind}."


def test_a_cell_as_fast_as_before_says_which_figure_rose() -> None:
    one = stands(time_us=Verdict.STEADY, dram_read=Verdict.NEW)
    assert (one.tone, one.word) == (Tone.WORSE, "new: DRAM reads")
