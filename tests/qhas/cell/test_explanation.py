"""A sweep that requests what bounds a network gets it with the cell's figures; a failure to explain costs nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from qhas.cell import explanation
from qhas.cell.artifacts import EXPLANATION
from qhas.cell.explanation import explain_too
from qhas.cell.prepare import Prepared
from qhas.cell.publish import publish_cell, record_of
from qhas.cell.sequence import ONCE, profile_cell
from qhas.cell.work import CellWork
from qhas.explain.model import Explanation
from qhas.failures import FailureKind, InvalidInput, Step, StepFailed
from qhas.runs import keys
from qhas.runs.record import CellRecord
from tests.qhas.cell.workbench import RUN, Bench, kind_of
from tests.qhas.estimating import HostSdk

REFUSES = "print(json.dumps({'refusal': 'no cost model.'}), flush=True); continue"


@pytest.fixture
def host(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], HostSdk]:
    """Provide a host SDK that behaves as given."""

    def behaving(behaviour: str) -> HostSdk:
        made = HostSdk(tmp_path, behaviour)
        monkeypatch.setattr(explanation, "host_sdk", lambda: made.sdk)
        return made

    return behaving


async def test_the_answer_is_stored_with_the_cell_and_calls_itself_simulated(bench, host):
    host("cycles += 500 * (asked['options'].get('hvx_threads') == 2)")
    await explain_too(bench.work)
    record = await publish_cell(bench.work)
    (artifact,) = [each for each in record.artifacts if each.name == "explanation"]
    assert bench.lab.store.read(keys.file(record, artifact)) is not None
    answer = Explanation.model_validate_json((bench.folder(Step.EXPLAIN, 1) / EXPLANATION).read_text())
    assert "simulated at 1 µs" in answer.sentences[0]
    assert {finding.resource: finding.time_us for finding in answer.findings}["HVX threads"] == 1.5


async def test_asked_again_nothing_is_compiled(bench, host):
    made = host("pass")
    await explain_too(bench.work)
    asked = made.asked
    await explain_too(bench.work)
    assert made.asked == asked > 0


async def test_the_simulators_refusal_is_the_steps_failure(bench, host):
    host(REFUSES)
    assert await kind_of(explain_too(bench.work)) is FailureKind.EXPLANATION_MISSING


async def told(bench: Bench, failing: Callable[[CellWork], None]) -> CellRecord:
    """Return the record of a cell whose explanation is `failing` and whose other steps do nothing."""

    async def nothing(*_: object) -> None: ...

    async def prepare(work: CellWork) -> Prepared:
        return Prepared(work.directory / "none.dlc", work.directory / "none.bin")

    async def explain(work: CellWork) -> None:
        failing(work)

    async def publish(work: CellWork) -> CellRecord:
        return record_of(work, [])

    steps = dataclasses.replace(
        ONCE.each(lambda *_: nothing), prepare_graph=prepare, explain=explain, publish_cell=publish
    )
    cell = bench.work.cell.model_copy(update={"explain": True})
    return await profile_cell(cell, bench.lab, RUN, steps)


def refused(_: CellWork) -> None:
    raise StepFailed(FailureKind.EXPLANATION_MISSING, Step.EXPLAIN, "There is no cost model.")


def broken(_: CellWork) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("failing", "why"), [(refused, "There is no cost model."), (broken, "ZeroDivisionError.")]
)
async def test_an_explanation_that_fails_costs_the_cell_nothing(bench, failing, why):
    record = await told(bench, failing)
    assert record.good
    assert record.remarks == [f"What bounds the network is not known: {why}"]


async def test_without_a_host_sdk_the_reason_is_told(bench, monkeypatch):
    def none() -> None:
        raise InvalidInput("no host SDK.")

    monkeypatch.setattr(explanation, "host_sdk", none)
    with pytest.raises(StepFailed, match="no host SDK"):
        await explain_too(bench.work)
