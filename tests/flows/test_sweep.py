"""A sweep from end to end on the fake SDK: real Prefect, real processes, real store."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.states import Running

from fakes.sdk import Fault, Rule, Tool, order, read_calls
from flows.batch import batch_profile
from flows.nightly import nightly_sweep
from flows.profile import profile
from flows.sweep import sweep
from qhas.failures import FailureKind, InvalidInput
from qhas.runs.record import BudgetState, CellStatus, SweepState
from qhas.runs.stored import RunNotEnded
from qhas.store import StoreError
from qhas.sweep.spec import ModelRef, PerfProfile, Variants
from tests.flows.conftest import FakeLab, make_lab, run

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("server"),
    pytest.mark.usefixtures("prefect_server"),
]


@pytest.fixture(scope="module")
def good(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> FakeLab:
    """A lab whose sweep completed. Tests must not modify it."""
    lab = make_lab(tmp_path_factory.mktemp("good"), ["alpha", "beta"])
    assert asyncio.run(run(lab)).is_completed()
    return lab


def test_every_cell_of_a_good_sweep_is_published_with_all_its_artifacts(good: FakeLab) -> None:
    record, cells = good.run("one")
    assert record.state is SweepState.COMPLETE
    assert sorted(cells) == [f"{m}/{s}/default" for m in ("alpha", "beta") for s in ("qcs9100", "sa8255")]
    names = {
        "schematic",
        "log",
        "config",
        "chrometrace",
        "qhas",
        "qhas_html",
        "qhas_schema",
        "htp_graph",
        "runtrace",
        "output",
        "output_tensor",
        "timeline",
    }
    for cell in cells.values():
        assert {artifact.name for artifact in cell.artifacts} == names
        assert cell.metrics is not None
        assert cell.metrics.time_us > 0


def test_stored_traces_are_the_viewers_bytes(good: FakeLab) -> None:
    _, cells = good.run("one")
    cell = cells["alpha/sa8255/default"]
    trace = cell.artifact("chrometrace")
    assert trace is not None
    content = good.store.read(f"runs/one/{cell.cell.key}/{trace.path}")
    assert content is not None
    assert next(iter(json.loads(gzip.decompress(content)))) == "header"


def test_tools_are_called_once_a_cell_each_in_an_empty_directory_of_its_own(good: FakeLab) -> None:
    for tool in (Tool.PREPARE, Tool.NET_RUN, Tool.VIEWER):
        calls = read_calls(good.sdk, tool)
        assert len(calls) == 4
        assert len({call.cwd for call in calls}) == 4


async def test_a_second_run_prepares_nothing(lab: FakeLab) -> None:
    await run(lab, "one")
    await run(lab, "two")
    assert len(read_calls(lab.sdk, Tool.PREPARE)) == 4
    assert len(read_calls(lab.sdk, Tool.NET_RUN)) == 8
    _, cells = lab.run("two")
    assert all(cell.prepared and cell.prepared.reused for cell in cells.values())


@pytest.mark.slow
async def test_variants_that_differ_in_run_options_share_a_prepared_graph(lab: FakeLab) -> None:
    variants = Variants(perf_profile=[PerfProfile.BURST, PerfProfile.BALANCED])
    await run(lab, variants=variants, socs=["sa8255"])
    assert len(read_calls(lab.sdk, Tool.PREPARE)) == 2
    assert {call.option("perf_profile") for call in read_calls(lab.sdk, Tool.NET_RUN)} == {
        "burst",
        "balanced",
    }


async def test_the_same_id_again_runs_only_what_failed(lab: FakeLab) -> None:
    order(lab.sdk, Rule(Tool.NET_RUN, Fault.ERROR_EXIT, soc="qcs9100", model="alpha"))
    assert (await run(lab)).is_failed()
    order(lab.sdk)
    before = len(read_calls(lab.sdk, Tool.NET_RUN))
    assert (await run(lab)).is_completed()
    assert len(read_calls(lab.sdk, Tool.NET_RUN)) == before + 1
    assert lab.run("one")[0].state is SweepState.COMPLETE


@pytest.mark.slow
async def test_an_id_that_belongs_to_another_spec_is_refused(lab: FakeLab) -> None:
    await run(lab)
    state = await run(lab, socs=["sa8255"])
    with pytest.raises(InvalidInput, match="socs"):
        await state.aresult()


async def test_a_store_that_is_gone_when_the_run_ends_leaves_its_cells_and_the_way_to_complete_it(
    lab: FakeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise StoreError("The store is gone.")

    with monkeypatch.context() as away:
        away.setattr("flows.running.end_run", gone)
        state = await run(lab)
    assert state.is_failed()
    with pytest.raises(RunNotEnded, match=r"The store is gone\); --run-id one completes it\."):
        await state.aresult()
    assert lab.run("one")[0].state is SweepState.RUNNING
    before = len(read_calls(lab.sdk))
    assert (await run(lab)).is_completed()
    assert len(read_calls(lab.sdk)) == before


async def test_flow_runs_of_tries_whose_process_died_are_declared_crashed_by_the_next(lab: FakeLab) -> None:
    await run(lab)
    record, _ = lab.run("one")
    async with get_client() as client:
        dead = await client.create_flow_run(sweep, state=Running())
        stranger = await client.create_flow_run(sweep, state=Running())
        left = record.model_copy(update={"flow_runs": [*record.flow_runs, str(dead.id)]})
        lab.store.write("runs/one/sweep.json", left.model_dump_json().encode())
        assert (await run(lab)).is_completed()
        finished, crashed, this = [
            await client.read_flow_run(UUID(each)) for each in lab.run("one")[0].flow_runs
        ]
        assert [each.state_name for each in (finished, crashed, this)] == [
            "Completed",
            "Crashed",
            "Completed",
        ]
        assert crashed.state is not None
        assert crashed.state.message == f"Its process died; flow run {this.id} continues run one."
        assert (await client.read_flow_run(stranger.id)).state_name == "Running"
        await client.delete_flow_run(stranger.id)


@pytest.mark.slow
async def test_a_damaged_summary_leaves_its_chrometrace(lab: FakeLab) -> None:
    order(lab.sdk, Rule(Tool.VIEWER, Fault.TRUNCATED_QHAS))
    await run(lab, models=lab.spec().models[:1], socs=["sa8255"])
    (cell,) = lab.run("one")[1].values()
    assert cell.artifact("chrometrace") is not None
    assert cell.artifact("qhas") is not None


async def test_a_tool_that_hangs_is_ended_at_its_time_limit(lab: FakeLab) -> None:
    order(lab.sdk, Rule(Tool.NET_RUN, Fault.HANG_DEAF))
    await run(lab, models=lab.spec().models[:1], socs=["sa8255"], run={"timeout_seconds": 1})
    (cell,) = lab.run("one")[1].values()
    assert cell.failure is not None
    assert cell.failure.kind is FailureKind.TOOL_TIMED_OUT
    assert not _alive(lab)


async def test_cancelling_ends_the_tools_and_leaves_a_run_that_can_be_resumed(lab: FakeLab) -> None:
    order(lab.sdk, Rule(Tool.NET_RUN, Fault.HANG, model="beta"))
    running = asyncio.create_task(run(lab))
    while not any(
        call.under_way and time.time() - call.start > 1 for call in read_calls(lab.sdk, Tool.NET_RUN)
    ):
        await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not _alive(lab)
    record, cells = lab.run("one")
    assert record.state is SweepState.CANCELLED
    assert not any(key.startswith("beta") for key in cells)
    order(lab.sdk)
    assert (await run(lab)).is_completed()


async def test_a_network_that_cannot_be_found_stops_the_sweep_before_it_starts(lab: FakeLab) -> None:
    state = await run(lab, models=[ModelRef(name="gone", dlc=str(lab.folder / "gone.dlc"))])
    with pytest.raises(InvalidInput, match=r"gone\.dlc"):
        await state.aresult()
    assert read_calls(lab.sdk) == []


@pytest.mark.slow
async def test_an_input_file_that_is_missing_fails_its_cells_by_name(lab: FakeLab) -> None:
    (lab.folder / "list.txt").write_text("input:=nowhere.raw\n")
    models = [ModelRef(name="alpha", dlc=str(lab.folder / "alpha.dlc"), inputs=str(lab.folder / "list.txt"))]
    await run(lab, models=models, socs=["sa8255"])
    (cell,) = lab.run("one")[1].values()
    assert cell.failure is not None
    assert cell.failure.kind is FailureKind.INPUT_UNREADABLE
    assert "nowhere.raw" in cell.failure.message


@pytest.mark.slow
async def test_no_scratch_is_left_behind(
    lab: FakeLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    await run(lab)
    assert [path for path in scratch.iterdir() if path.name.startswith("qhas-")] == []


async def test_one_network_on_one_soc_is_a_run_too(lab: FakeLab) -> None:
    dlc = str(lab.folder / "alpha.dlc")
    state = await profile(dlc, "sa8255", site=str(lab.site_file), run_id="single", return_state=True)
    assert state.is_completed()
    assert list(lab.run("single")[1]) == ["alpha/sa8255/default"]


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize(
    ("flow", "given", "told"),
    [
        (profile, {"dlc": "/no/such.dlc", "soc": "sa8255"}, "There is no file /no/such.dlc"),
        (nightly_sweep, {"spec_file": "no/such.yaml"}, "cannot be read"),
        (
            batch_profile,
            {
                "models": [{"name": "a", "dlc": "a.dlc"}],
                "socs": ["sa8255"],
                "other_socs": ["sa8255"],
            },
            "socs must have different names",
        ),
    ],
    ids=lambda value: getattr(value, "name", None),
)
async def test_what_only_a_worker_can_see_fails_the_run_with_one_sentence(
    flow: Any, given: dict[str, Any], told: str
) -> None:
    state = await flow(**given, return_state=True)
    assert state.is_failed()
    assert told in str(state.message)
    assert "\n" not in str(state.message)


def _alive(lab: FakeLab) -> list[int]:
    """Return the processes whose command line names the fake SDK."""
    marker = str(lab.sdk).encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if marker in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


async def test_a_cell_over_budget_is_complete_and_the_run_ends_badly(lab: FakeLab) -> None:
    state = await run(lab, budgets={"alpha": {"time_us": 0, "socs": {"sa8255": {"time_us": 1_000_000}}}})
    record, cells = lab.run("one")
    assert state.is_failed()
    assert "4 of 4 cells good, 1 over budget" in str(state.message)
    assert (record.state, record.over_budget) == (SweepState.COMPLETE, 1)
    assert {key: [result.state for result in cell.budgets] for key, cell in cells.items()} == {
        "alpha/sa8255/default": [BudgetState.KEPT],
        "alpha/qcs9100/default": [BudgetState.OVER],
        "beta/sa8255/default": [],
        "beta/qcs9100/default": [],
    }
    assert {cell.status for cell in cells.values()} == {CellStatus.COMPLETE}
