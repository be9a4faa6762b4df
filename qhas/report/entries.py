"""The line of a run in the index: its report in brief."""

from __future__ import annotations

from textwrap import shorten

from qhas.report.findings import Findings
from qhas.report.standing import Tone, standing
from qhas.report.summary import summary
from qhas.runs.index import Entry
from qhas.runs.record import CellRecord, Origin, SweepRecord

_WORDS = 240
"""The most characters of a run's summary, so that the page of many runs stays below 1 MB."""


def entry(run: SweepRecord, cells: list[CellRecord], findings: Findings) -> Entry:
    """Return the index line of a run."""
    tones = [standing(cell, findings).tone for cell in cells]
    return Entry(
        run_id=run.run_id,
        name=run.spec.name,
        state=run.state,
        started_at=run.started_at,
        finished_at=run.finished_at,
        cells=run.cells,
        good=run.good,
        failed=run.failed,
        missing=run.missing,
        origins=[origin for origin in Origin if any(cell.origin is origin for cell in cells)],
        networks=len({cell.cell.model.name for cell in cells}),
        socs=list(dict.fromkeys(cell.cell.soc for cell in cells)),
        sdk=run.sdk.version if run.sdk else "",
        summary=shorten(" ".join(summary(run, cells, findings)), _WORDS, placeholder=" …"),
        worse=tones.count(Tone.WORSE),
        doubt=tones.count(Tone.DOUBT),
    )
