"""Two profiles of one network, with records beside them if a test provides them."""

from __future__ import annotations

from typing import Any

from fakes.records import model, record
from qhas.diff.circumstances import Evidence
from qhas.diff.compare import compare
from qhas.diff.model import CellDiff
from qhas.runs.record import CellRecord, ModelFacts, Origin
from qhas.sweep.spec import Cell, PrepareOptions
from tests.qhas.diff.summaries import Made, made

NETWORK = [Made(f"conv{number}") for number in range(6)] + [
    Made("add", "Add", kinds={"q::Add": 2}, hmx=False)
]


def diff(before: list[Made], after: list[Made], **changes: Any) -> CellDiff:
    return compare(Evidence(made(before, name="a.json")), Evidence(made(after, name="b.json", **changes)))


def cell_record(digest: str = "0" * 64, **changes: Any) -> CellRecord:
    facts = {"origin": Origin.DEVICE, "model": ModelFacts(dlc="net.dlc", sha256=digest, size=1)}
    return record(**(facts | changes))


def with_records(before: CellRecord, after: CellRecord, ops: list[Made] | None = None) -> CellDiff:
    return compare(Evidence(made(NETWORK), before), Evidence(made(ops or NETWORK), after))


def with_options(**options: Any) -> CellRecord:
    return cell_record(cell=Cell(model=model(), soc="sm8750", prepare=PrepareOptions(**options)))
