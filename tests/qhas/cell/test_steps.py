# ruff: noqa: ASYNC240  # the files of these tests are a few bytes
"""The steps of a cell on the fake SDK: each in a fresh directory, judged by what it leaves."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from fakes.dlc import make_dlc
from fakes.records import MOMENT, model
from fakes.sdk import Fault, Tool, read_calls
from qhas.cell.chrometrace import generate_chrometrace
from qhas.cell.net_run import ProfiledRun, collect_logs, net_run
from qhas.cell.prepare import Prepared, prepare_graph
from qhas.cell.publish import publish_cell
from qhas.cell.work import open_work
from qhas.devices import Device, JobFile
from qhas.devices.facts import DeviceFacts, Health, HealthFacts
from qhas.failures import FailureKind, Step, StepFailed
from qhas.machine.process import ToolRun
from qhas.profile.picture import Timeline, read_timeline
from qhas.runs import keys
from qhas.runs.record import CellStatus, Origin
from qhas.runs.sole_runner import RunTaken, sole_runner
from qhas.runs.stored import read_cell
from qhas.store.claims import Claims
from qhas.sweep.spec import Cell
from tests.qhas.cell.workbench import RUN, Bench, bench_of, kind_of, log_of
from tests.qhas.objects import keys_named


def contents(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# Prepare


async def test_prepare_leaves_a_dlc_and_the_schematic_of_the_same_run(bench: Bench) -> None:
    prepared = await prepare_graph(bench.work)
    assert contents(bench.folder(Step.PREPARE, 1)) == {"prepared.dlc", "net_schematic.bin"}
    assert prepared.dlc.parent == prepared.schematic.parent
    assert bench.work.prepared is not None
    assert not bench.work.prepared.reused


async def test_prepare_is_asked_for_one_soc_from_the_uncached_dlc(bench: Bench) -> None:
    await prepare_graph(bench.work)
    call = read_calls(bench.sdk, Tool.PREPARE)[-1]
    assert call.option("htp_socs") == "sm8750"
    assert call.option("profiling_level") == "qhas"
    assert Path(call.option("input_dlc") or "").name == "net.dlc"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.NO_SCHEMATIC, FailureKind.SCHEMATIC_MISSING),
        (Fault.TWO_SCHEMATICS, FailureKind.SCHEMATIC_AMBIGUOUS),
        (Fault.NO_DLC, FailureKind.PREPARED_DLC_MISSING),
        (Fault.EMPTY_DLC, FailureKind.PREPARED_DLC_MISSING),
        (Fault.KILLED, FailureKind.TOOL_KILLED),
        (Fault.SEGFAULT, FailureKind.TOOL_CRASHED),
    ],
)
async def test_a_faulty_prepare_is_a_failure_of_its_kind_and_stores_no_graph(
    bench: Bench, fault: Fault, kind: FailureKind
) -> None:
    bench.suffer(Tool.PREPARE, fault)
    assert await kind_of(prepare_graph(bench.work)) is kind
    assert bench.work.attempts[0].failure is kind
    assert keys_named(bench.lab.store, "prepared", "manifest.json") == []


async def test_every_attempt_has_a_fresh_directory_and_its_own_output(bench: Bench) -> None:
    bench.suffer(Tool.PREPARE, Fault.TWO_SCHEMATICS, times=1)
    await kind_of(prepare_graph(bench.work))
    prepared = await prepare_graph(bench.work)
    assert prepared.schematic.parent == bench.folder(Step.PREPARE, 2)
    assert len(list(prepared.schematic.parent.glob("*_schematic.bin"))) == 1
    assert [path.name for path in bench.work.outputs] == ["prepare-1.txt", "prepare-2.txt"]
    assert all("Success" in path.read_text() for path in bench.work.outputs)
    assert [(made.number, made.failure) for made in bench.work.attempts] == [
        (1, FailureKind.SCHEMATIC_AMBIGUOUS),
        (2, None),
    ]


async def test_a_prepared_graph_is_made_once_for_equal_content(bench: Bench) -> None:
    await prepare_graph(bench.work)
    before = len(read_calls(bench.sdk, Tool.PREPARE))
    async with open_work(bench.work.cell, bench.lab, RUN) as other:
        prepared = await prepare_graph(other)
        assert other.prepared == bench.work.prepared.model_copy(update={"reused": True})  # type: ignore[union-attr]
        assert prepared.schematic.name == "net_schematic.bin"
    assert len(read_calls(bench.sdk, Tool.PREPARE)) == before


@pytest.mark.parametrize("changes", [{"soc": "sm8650"}, {"prepare": {"vtcm_mb": 2}}])
async def test_another_soc_or_option_is_another_graph(bench: Bench, changes: dict[str, Any]) -> None:
    await prepare_graph(bench.work)
    cell = Cell.model_validate(bench.work.cell.model_dump() | changes)
    async with open_work(cell, bench.lab, RUN) as other:
        await prepare_graph(other)
        assert other.prepared is not None
        assert not other.prepared.reused


async def test_a_dlc_that_cannot_be_read_is_the_models_fault(bench: Bench) -> None:
    Path(bench.work.cell.model.dlc).unlink()
    assert await kind_of(prepare_graph(bench.work)) is FailureKind.MODEL_UNREADABLE


async def test_a_tool_that_went_missing_is_named(bench: Bench, tmp_path: Path) -> None:
    bench.lab.sdk = replace(bench.lab.sdk, root=tmp_path / "gone")
    assert await kind_of(prepare_graph(bench.work)) is FailureKind.TOOL_MISSING


async def test_a_store_that_refuses_is_a_store_failure_and_so_tried_again(
    fake_sdk: Path, tmp_path: Path, failing: set[str]
) -> None:
    async with bench_of(fake_sdk, tmp_path, "failing://steps") as bench:
        failing.add("put_file")
        assert await kind_of(prepare_graph(bench.work)) is FailureKind.STORE
        failing.clear()
        failing.add("cat_file")
        assert await kind_of(prepare_graph(bench.work)) is FailureKind.STORE


async def test_a_time_limit_is_kept(fake_sdk: Path, tmp_path: Path) -> None:
    async with bench_of(fake_sdk, tmp_path, str(tmp_path), run={"timeout_seconds": 1}) as bench:
        bench.suffer(Tool.PREPARE, Fault.HANG)
        assert await kind_of(prepare_graph(bench.work)) is FailureKind.TOOL_TIMED_OUT


# Run and logs, on a device of the test's own


@dataclass
class StageDevice:
    """A device and its only job in one; what its run leaves is told by the test."""

    logs: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    """Content and age in seconds by name."""
    results: int = 1
    says: str = "Successfully executed graph net"
    exit_code: int = 0
    cut_to: int | None = None
    staged: dict[str, bytes] = field(default_factory=dict)
    facts: DeviceFacts = field(
        default_factory=lambda: DeviceFacts(name="rack-1", soc="sm8750", transport="adb")
    )
    origin: Origin = Origin.DEVICE
    clock: float = 1_000_000.0
    """The device's own, far from the host's."""

    async def make_ready(self, waiting: Callable[[str], None]) -> HealthFacts:
        return HealthFacts(before=Health(taken_at=MOMENT, battery_percent=80))

    async def health(self) -> Health:
        return Health(taken_at=MOMENT, battery_percent=79)

    async def log_since(self, moment: float, target: Path) -> None:
        target.write_text("adsprpc : nothing to report")

    async def open_job(self) -> StageDevice:
        return self

    async def stage(self, source: Path, name: str) -> None:
        self.staged[name] = source.read_bytes()

    async def now(self) -> float:
        return self.clock

    async def run(self, argv: list[str], *, output: Path, timeout_seconds: float) -> ToolRun:
        output.write_text(self.says)
        return ToolRun(argv=argv, started_at=MOMENT, seconds=1, exit_code=self.exit_code)

    async def files(self, pattern: str) -> list[JobFile]:
        if pattern.startswith("output"):
            return [JobFile(f"output/Result_{n}/out.raw", 4, self.clock) for n in range(self.results)]
        return [
            JobFile(f"profilelogs/{name}", len(content), self.clock - age)
            for name, (content, age) in sorted(self.logs.items())
        ]

    async def fetch(self, name: str, target: Path) -> None:
        content = (
            self.logs[Path(name).name][0][: self.cut_to] if name.startswith("profilelogs") else b"\0" * 4
        )
        target.write_bytes(content)

    async def clean(self) -> None:
        self.staged.clear()


LOG = "qnn-profiling-data.log"
GOOD = {LOG: (b"log" * 1000, -1.0)}


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    """Files in place of a prepared graph."""
    (tmp_path / "prepared.dlc").write_bytes(b"dlc")
    (tmp_path / "net_schematic.bin").write_bytes(b"schematic")
    return Prepared(tmp_path / "prepared.dlc", tmp_path / "net_schematic.bin")


@pytest.fixture
async def listed(fake_sdk: Path, tmp_path: Path) -> AsyncIterator[Bench]:
    """A cell with an input list of one inference."""
    (tmp_path / "a.raw").write_bytes(b"raw")
    (tmp_path / "list.txt").write_text("a.raw\n")
    reference = model(dlc=str(tmp_path / "net.dlc"), inputs=str(tmp_path / "list.txt"))
    async with bench_of(fake_sdk, tmp_path, str(tmp_path / "store"), model=reference) as bench:
        yield bench


async def run_on(bench: Bench, prepared: Prepared, device: StageDevice) -> ProfiledRun:
    typed: Device = device  # type: ignore[assignment]  # attributes in place of properties
    return await net_run(bench.work, prepared, typed)


async def test_a_good_run_stages_all_and_names_its_log(listed: Bench, prepared: Prepared) -> None:
    device = StageDevice(GOOD)
    run = await run_on(listed, prepared, device)
    assert device.staged == {
        "prepared.dlc": b"dlc",
        "input_list.txt": b"inputs/0-a.raw\n",
        "inputs/0-a.raw": b"raw",
    }
    assert run.log.name == f"profilelogs/{LOG}"


@pytest.mark.parametrize(
    ("device", "kind"),
    [
        (StageDevice({}), FailureKind.LOG_MISSING),
        (StageDevice({LOG: (b"", -1.0)}), FailureKind.LOG_EMPTY),
        (StageDevice({LOG: (b"log", 3600.0)}), FailureKind.LOG_STALE),
        (StageDevice(GOOD, results=0), FailureKind.RESULTS_INCOMPLETE),
        (StageDevice(GOOD, exit_code=-9), FailureKind.TOOL_KILLED),
        (
            StageDevice(GOOD, says="No cache record in the DLC matches the target device"),
            FailureKind.PREPARED_ONLINE,
        ),
    ],
    ids=lambda value: value.value if isinstance(value, FailureKind) else "",
)
async def test_a_run_without_a_fresh_log_of_its_own_is_a_failure(
    listed: Bench, prepared: Prepared, device: StageDevice, kind: FailureKind
) -> None:
    assert await kind_of(run_on(listed, prepared, device)) is kind


async def test_clocks_of_device_and_host_need_not_agree(listed: Bench, prepared: Prepared) -> None:
    for clock in (5.0, time.time() + 1e9):
        assert (await run_on(listed, prepared, StageDevice(GOOD, clock=clock))).log.size == 3000


async def test_a_log_arrives_whole(listed: Bench, prepared: Prepared) -> None:
    device = StageDevice(GOOD)
    log = await collect_logs(listed.work, await run_on(listed, prepared, device), device)
    assert log.read_bytes() == GOOD[LOG][0]


@pytest.mark.parametrize(
    "name",
    ["output/Result_0/../../../evil", "output/Result_0/../x", "output/Result_0/a\nb", "output//Result_0/x"],
)
async def test_a_name_of_a_device_that_leads_elsewhere_is_not_followed(
    listed: Bench, prepared: Prepared, name: str
) -> None:
    device = StageDevice(GOOD)
    run = await run_on(listed, prepared, device)
    hostile = replace(run, outputs=[JobFile(name, 4, run.log.modified)])
    before = {path for path in listed.work.directory.parent.rglob("*") if path.is_file()}
    assert await kind_of(collect_logs(listed.work, hostile, device)) is FailureKind.DEVICE_UNFIT
    assert {path for path in listed.work.directory.parent.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("kind", ["link", "directory", "link on the way"])
async def test_what_arrives_is_a_file_of_its_own_or_refused(
    listed: Bench, prepared: Prepared, kind: str
) -> None:
    @dataclass
    class Sly(StageDevice):
        async def fetch(self, name: str, target: Path) -> None:
            if kind == "link":
                target.symlink_to("/etc/passwd")
            elif kind == "directory":
                target.mkdir()
            else:
                shutil.rmtree(target.parent)
                target.parent.symlink_to(listed.sdk)
                target.write_bytes(b"\0" * 4)

    device = Sly(GOOD)
    run = await run_on(listed, prepared, device)
    got = await kind_of(collect_logs(listed.work, run, device))
    assert got is (FailureKind.TRANSFER_CUT if kind == "directory" else FailureKind.DEVICE_UNFIT)


async def test_outputs_whose_names_are_alike_are_all_stored_with_their_true_names(bench: Bench) -> None:
    names = ["out:0", "out_0", "\u65e5\u672c", "\u4e2d\u56fd", "Out_0"]
    make_dlc(Path(bench.work.cell.model.dlc), outputs=dict.fromkeys(names, (1, 10)))
    await generate_chrometrace(bench.work, *await log_of(bench))
    outputs = [a for a in (await publish_cell(bench.work)).artifacts if a.name == "output_tensor"]
    assert len({artifact.path.lower() for artifact in outputs}) == len(names)
    assert {artifact.true_name for artifact in outputs} == {f"Result_0/{name}.raw" for name in names}
    for artifact in outputs:
        content = bench.lab.store.read(f"{keys.cell(RUN, bench.work.cell)}/{artifact.path}")
        source = bench.folder(Step.LOGS, 1) / str(artifact.true_name)
        assert gzip.decompress(content or b"") == source.read_bytes()


async def test_only_files_are_published(bench: Bench) -> None:
    await generate_chrometrace(bench.work, *await log_of(bench))
    folder = bench.folder(Step.LOGS, 1) / "Result_0"
    (folder / "folder.raw").mkdir()
    (folder / "link.raw").symlink_to("/etc/passwd")
    record = await publish_cell(bench.work)
    assert record.status is CellStatus.COMPLETE
    assert not [a.path for a in record.artifacts if "folder" in a.path or "link" in a.path]


@pytest.mark.parametrize("length", [0, 1, 2999])
async def test_a_transfer_that_is_cut_is_a_failure(listed: Bench, prepared: Prepared, length: int) -> None:
    device = StageDevice(GOOD, cut_to=length)
    run = await run_on(listed, prepared, device)
    assert await kind_of(collect_logs(listed.work, run, device)) is FailureKind.TRANSFER_CUT


# Viewer and publication, on the fake SDK


async def test_a_cell_that_went_well_is_published_with_its_figures_and_traces(bench: Bench) -> None:
    await generate_chrometrace(bench.work, *await log_of(bench))
    record = await publish_cell(bench.work)
    assert record.status is CellStatus.COMPLETE
    assert record.origin is Origin.SIMULATOR
    assert record.metrics is not None
    assert record.metrics.time_us > 0
    assert record.runtrace is not None
    assert record.runtrace.graph_us
    names = {artifact.name for artifact in record.artifacts}
    assert {"schematic", "log", "config", "chrometrace", "qhas", "output"} <= names
    assert read_cell(bench.lab.store, RUN, bench.work.cell) == record
    config = json.loads((bench.folder(Step.CHROMETRACE, 1) / "config.json").read_text())
    assert len(config["features"]) == 8


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.EMPTY_TRACE, FailureKind.TRACE_INVALID),
        (Fault.TRUNCATED_TRACE, FailureKind.TRACE_INVALID),
        (Fault.NO_QHAS, FailureKind.QHAS_MISSING),
        (Fault.TRUNCATED_QHAS, FailureKind.QHAS_INVALID),
        (Fault.NO_VALID_SCHEMATICS, FailureKind.SCHEMATIC_MISMATCH),
    ],
)
async def test_a_faulty_viewer_is_a_failure_and_what_there_is_is_kept(
    bench: Bench, fault: Fault, kind: FailureKind
) -> None:
    prepared, log = await log_of(bench)
    bench.suffer(Tool.VIEWER, fault)
    with pytest.raises(StepFailed) as failed:
        await generate_chrometrace(bench.work, prepared, log)
    assert failed.value.failure.kind is kind
    bench.work.failure = failed.value.failure
    record = await publish_cell(bench.work)
    assert record.status is CellStatus.FAILED
    assert (record.metrics is None) == (fault is not Fault.TRUNCATED_TRACE)
    names = {artifact.name for artifact in record.artifacts}
    assert {"schematic", "log", "output"} <= names
    assert ("chrometrace" in names) == (fault is not Fault.NO_VALID_SCHEMATICS)


async def test_what_a_later_viewer_writes_is_kept(bench: Bench) -> None:
    await generate_chrometrace(bench.work, *await log_of(bench))
    folder = bench.folder(Step.CHROMETRACE, 1)
    for name in ("chrometrace_htp_graph_before.json", "chrometrace_new_thing.csv"):
        (folder / name).write_text("{}")
    stored = {(a.name, a.path) for a in (await publish_cell(bench.work)).artifacts}
    assert ("htp_graph_before", "chrometrace_htp_graph_before.json.gz") in stored
    assert ("viewer_file", "chrometrace_new_thing.csv.gz") in stored
    assert sum(path.startswith("chrometrace_runtrace") for _, path in stored) == 1


async def test_an_odd_value_in_a_trace_costs_neither_cell_nor_figures(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A viewer's `nan` is named by its byte on the picture and in the record, and the trace is stored as it is."""
    prepared, log = await log_of(bench)

    def read_spoiled(path: Path, *context: Any) -> Timeline:
        path.write_text(path.read_text().replace('"Step Size": 0.0125', '"Step Size": nan', 1))
        return read_timeline(path, *context)

    monkeypatch.setattr("qhas.cell.chrometrace.read_timeline", read_spoiled)
    await generate_chrometrace(bench.work, prepared, log)
    record = await publish_cell(bench.work)
    assert record.status is CellStatus.COMPLETE
    assert record.metrics is not None
    picture = Timeline.model_validate_json((bench.folder(Step.CHROMETRACE, 1) / "timeline.json").read_text())
    assert picture.remarks[0].startswith("holds a number that is none (nan) at byte ")
    assert picture.clock_mhz
    assert record.remarks == [f"chrometrace.json {picture.remarks[0]}."]


async def test_publishing_again_leaves_nothing_of_the_earlier_try(bench: Bench) -> None:
    stale = f"{keys.cell(RUN, bench.work.cell)}/chrometrace.json.gz"
    bench.lab.store.write(stale, b"stale")
    await publish_cell(bench.work)
    assert not bench.lab.store.exists(stale)


async def test_a_store_that_refuses_the_record_leaves_the_cell_unfinished(
    fake_sdk: Path, tmp_path: Path, failing: set[str]
) -> None:
    async with bench_of(fake_sdk, tmp_path, "failing://publish") as bench:
        failing.add("pipe_file")
        assert await kind_of(publish_cell(bench.work)) is FailureKind.STORE
        failing.clear()
        assert read_cell(bench.lab.store, RUN, bench.work.cell) is None


async def test_a_run_that_another_process_took_over_gets_nothing_of_ours(bench: Bench) -> None:
    other = Claims(bench.lab.store, 60)
    async with sole_runner(bench.lab.store, bench.work.run_id) as bench.lab.tenure:
        record = await publish_cell(bench.work)
        claim = f"runs/{bench.work.run_id}/claim.json"
        bench.lab.store.delete(claim)
        other.take(claim)
        bench.work.outputs.clear()
        with pytest.raises(RunTaken):
            await publish_cell(bench.work)
    assert read_cell(bench.lab.store, RUN, bench.work.cell) == record


async def test_a_directory_that_goes_while_publishing_leaves_the_cell_unfinished(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancelled cell loses its directory while the thread that publishes it still works."""
    await generate_chrometrace(bench.work, *await log_of(bench))
    delete = type(bench.lab.store).delete

    def delete_and_lose(self: Any, prefix: str) -> None:
        delete(self, prefix)
        shutil.rmtree(bench.work.directory)

    monkeypatch.setattr(type(bench.lab.store), "delete", delete_and_lose)
    with pytest.raises(StepFailed):
        await publish_cell(bench.work)
    assert read_cell(bench.lab.store, RUN, bench.work.cell) is None


# Work


async def test_a_cells_directory_goes_with_its_work(bench: Bench) -> None:
    async with open_work(bench.work.cell, bench.lab, RUN) as work:
        (work.directory / "file").touch()
    assert not work.directory.exists()


async def test_an_operating_system_error_in_a_step_is_the_disks(bench: Bench) -> None:
    async def full() -> None:
        async with bench.work.attempt(Step.LOGS):
            raise OSError(28, os.strerror(28))

    assert await kind_of(full()) is FailureKind.DISK
    assert bench.work.attempts[-1].failure is FailureKind.DISK
