"""Faults of the tools in a sweep: a passing one costs an attempt, a lasting one ends in its own failure kind."""

from __future__ import annotations

import asyncio

import pytest

from fakes.sdk import Fault, Rule, Tool, order
from qhas.failures import FailureKind
from qhas.runs.record import CellRecord, CellStatus, SweepState
from tests.flows.conftest import make_lab, run

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("server"),
    pytest.mark.usefixtures("prefect_server"),
]

TRANSIENT = [
    (Tool.PREPARE, Fault.SEGFAULT),
    (Tool.PREPARE, Fault.NO_SCHEMATIC),
    (Tool.NET_RUN, Fault.SEGFAULT),
    (Tool.NET_RUN, Fault.NO_LOG),
    (Tool.NET_RUN, Fault.STALE_LOG),
    (Tool.VIEWER, Fault.EMPTY_TRACE),
]


@pytest.fixture(scope="module")
def recovered(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, CellRecord]:
    """The cells of one sweep in which every passing fault strikes one network once."""
    lab = make_lab(tmp_path_factory.mktemp("recovered"), [_network(*struck) for struck in TRANSIENT])
    order(lab.sdk, *(Rule(tool, fault, model=_network(tool, fault), times=1) for tool, fault in TRANSIENT))
    assert asyncio.run(run(lab, socs=["sa8255"])).is_completed()
    return lab.run("one")[1]


@pytest.mark.parametrize(("tool", "fault"), TRANSIENT)
def test_a_fault_that_passes_costs_one_more_attempt(
    recovered: dict[str, CellRecord], tool: Tool, fault: Fault
) -> None:
    cell = recovered[f"{_network(tool, fault)}/sa8255/default"]
    assert [attempt.failure is None for attempt in cell.attempts].count(False) == 1


LASTING = [
    (Tool.PREPARE, Fault.ERROR_EXIT, FailureKind.MODEL_REJECTED),
    (Tool.PREPARE, Fault.KILLED, FailureKind.TOOL_KILLED),
    (Tool.PREPARE, Fault.SEGFAULT, FailureKind.TOOL_CRASHED),
    (Tool.PREPARE, Fault.NO_SCHEMATIC, FailureKind.SCHEMATIC_MISSING),
    (Tool.PREPARE, Fault.TWO_SCHEMATICS, FailureKind.SCHEMATIC_AMBIGUOUS),
    (Tool.PREPARE, Fault.NO_DLC, FailureKind.PREPARED_DLC_MISSING),
    (Tool.PREPARE, Fault.EMPTY_DLC, FailureKind.PREPARED_DLC_MISSING),
    (Tool.NET_RUN, Fault.NO_LOG, FailureKind.LOG_MISSING),
    (Tool.NET_RUN, Fault.EMPTY_LOG, FailureKind.LOG_EMPTY),
    (Tool.NET_RUN, Fault.STALE_LOG, FailureKind.LOG_STALE),
    (Tool.NET_RUN, Fault.TRUNCATED_LOG, FailureKind.LOG_UNREADABLE),
    (Tool.NET_RUN, Fault.ONLINE_PREPARE, FailureKind.PREPARED_ONLINE),
    (Tool.NET_RUN, Fault.INCOMPATIBLE_CACHE, FailureKind.PREPARED_ONLINE),
    (Tool.NET_RUN, Fault.PARTIAL_RESULTS, FailureKind.RESULTS_INCOMPLETE),
    (Tool.NET_RUN, Fault.SEGFAULT, FailureKind.TOOL_CRASHED),
    (Tool.NET_RUN, Fault.KILLED, FailureKind.TOOL_KILLED),
    (Tool.VIEWER, Fault.ERROR_EXIT, FailureKind.TOOL_FAILED),
    (Tool.VIEWER, Fault.NO_QHAS, FailureKind.QHAS_MISSING),
    (Tool.VIEWER, Fault.EMPTY_TRACE, FailureKind.TRACE_INVALID),
    (Tool.VIEWER, Fault.TRUNCATED_TRACE, FailureKind.TRACE_INVALID),
    (Tool.VIEWER, Fault.TRUNCATED_QHAS, FailureKind.QHAS_INVALID),
    (Tool.VIEWER, Fault.NO_VALID_SCHEMATICS, FailureKind.SCHEMATIC_MISMATCH),
]


@pytest.fixture(scope="module")
def faulty(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, CellRecord]:
    """The cells of one sweep in which every lasting fault strikes one network, on one of its two SoCs."""
    lab = make_lab(tmp_path_factory.mktemp("faulty"), [_network(tool, fault) for tool, fault, _ in LASTING])
    order(
        lab.sdk,
        *(Rule(tool, fault, soc="qcs9100", model=_network(tool, fault)) for tool, fault, _ in LASTING),
    )
    state = asyncio.run(run(lab))
    record, cells = lab.run("one")
    assert state.is_failed()
    assert (record.state, record.failed) == (SweepState.PARTIAL, len(LASTING))
    return cells


def _network(tool: Tool, fault: Fault) -> str:
    return f"{tool.value}.{fault.value}"


@pytest.mark.parametrize(("tool", "fault", "kind"), LASTING)
def test_a_fault_that_stays_ends_in_its_own_kind_with_evidence_kept(
    faulty: dict[str, CellRecord], tool: Tool, fault: Fault, kind: FailureKind
) -> None:
    bad = faulty[f"{_network(tool, fault)}/qcs9100/default"]
    assert bad.failure is not None
    assert (bad.failure.kind, bool(bad.failure.hint)) == (kind, True)
    assert any(artifact.name == "output" for artifact in bad.artifacts)


def test_a_cell_that_fails_harms_no_other(faulty: dict[str, CellRecord]) -> None:
    others = [cell for cell in faulty.values() if cell.cell.soc == "sa8255"]
    assert len(others) == len(LASTING)
    assert {cell.status for cell in others} == {CellStatus.COMPLETE}
