"""A run in a line of the index, and the lines that are known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from textwrap import shorten

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from qhas.naming import Name
from qhas.report.findings import Findings
from qhas.report.standing import Tone, standing
from qhas.report.summary import summary
from qhas.runs.record import CellRecord, Origin, SweepRecord, SweepState
from qhas.store import Store

_KNOWN = "reports/index.json"
_WORDS = 240
"""Characters of a run's summary: the page of many runs stays below 1 MB."""


class Entry(BaseModel):
    """A run in a line."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    run_id: Name
    name: str
    state: SweepState
    started_at: datetime
    finished_at: datetime | None = None
    cells: int
    good: int
    failed: int
    missing: int
    origins: list[Origin] = []
    networks: int
    socs: list[str]
    sdk: str = ""
    summary: str = ""
    worse: int = 0
    doubt: int = 0

    @property
    def minutes(self) -> str:
        """How long the run took, as in `12.4 min`; empty while it has not ended."""
        if self.finished_at is None:
            return ""
        return f"{(self.finished_at - self.started_at).total_seconds() / 60:,.1f} min"


_BY_KEY = TypeAdapter(dict[str, Entry])


def entry(run: SweepRecord, cells: list[CellRecord], findings: Findings) -> Entry:
    """The line of a run."""
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


def read_known(store: Store) -> Mapping[str, Entry]:
    """The lines of the runs that had a report when one was last written, by the keys of their objects."""
    content = store.read(_KNOWN)
    try:
        return _BY_KEY.validate_json(content) if content else {}
    except ValidationError:
        return {}


def write_known(store: Store, known: Mapping[str, Entry]) -> None:
    """Keep the lines, so that the next report reads none of them again."""
    store.write(_KNOWN, _BY_KEY.dump_json(dict(known)))
