"""A cell ends the same way, whether Prefect's tasks or the direct runner run its steps."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import pytest

from fakes.sdk import Fault, Rule, Tool, order
from flows.sweep import sweep
from qhas.direct import run_direct
from qhas.runs.record import CellRecord
from qhas.site import load_site
from tests.flows.conftest import FakeLab, make_lab

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("server"),
]


class Struck(NamedTuple):
    """A fault that strikes one network, once or always."""

    tool: Tool
    fault: Fault
    times: int | None = None

    @property
    def network(self) -> str:
        return f"{self.tool.value}.{self.fault.value}.{self.times or 'always'}"


STRUCK = [
    Struck(Tool.PREPARE, Fault.SEGFAULT, 1),
    Struck(Tool.PREPARE, Fault.ERROR_EXIT),
    Struck(Tool.PREPARE, Fault.TWO_SCHEMATICS),
    Struck(Tool.NET_RUN, Fault.NO_LOG, 1),
    Struck(Tool.NET_RUN, Fault.STALE_LOG),
    Struck(Tool.NET_RUN, Fault.KILLED),
    Struck(Tool.VIEWER, Fault.EMPTY_TRACE, 1),
    Struck(Tool.VIEWER, Fault.NO_QHAS),
    Struck(Tool.VIEWER, Fault.TRUNCATED_QHAS),
]


@pytest.fixture(scope="module")
def ends(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, CellRecord]]:
    """The cells of the same faulty lab, run as tasks and directly, each by network."""
    labs = {way: _faulty_lab(tmp_path_factory, way) for way in ("tasks", "direct")}
    lab = labs["tasks"]
    asyncio.run(sweep(_spec(lab), site=str(lab.site_file), run_id="one", return_state=True))
    run_direct(_spec(labs["direct"]), load_site(labs["direct"].site_file), "one")
    return {
        way: {cell.cell.model.name: cell for cell in lab.run("one")[1].values()} for way, lab in labs.items()
    }


def _faulty_lab(tmp_path_factory: pytest.TempPathFactory, way: str) -> FakeLab:
    lab = make_lab(tmp_path_factory.mktemp(way), ["good", *(struck.network for struck in STRUCK)])
    order(lab.sdk, *(Rule(each.tool, each.fault, model=each.network, times=each.times) for each in STRUCK))
    return lab


def _spec(lab: FakeLab) -> Any:
    return lab.spec(socs=["sa8255"])


@pytest.mark.parametrize("network", ["good", *(struck.network for struck in STRUCK)])
def test_a_cell_ends_the_same_as_tasks_and_direct(
    ends: dict[str, dict[str, CellRecord]], network: str
) -> None:
    assert _told(ends["tasks"][network]) == _told(ends["direct"][network])


def _told(record: CellRecord) -> dict[str, Any]:
    """Return what a record says, except when, where and for how long it ran."""
    failure = record.failure
    return {
        "failure": failure and (failure.kind, failure.step, failure.hint),
        "attempts": [
            (attempt.step, attempt.number, attempt.failure, [tool.exit_code for tool in attempt.tools])
            for attempt in record.attempts
        ],
        "artifacts": [(artifact.name, artifact.path) for artifact in record.artifacts],
        "metrics": record.metrics and record.metrics.model_copy(update={"compile_seconds": None}),
        "origin": record.origin,
        "reused": record.prepared and record.prepared.reused,
    }
