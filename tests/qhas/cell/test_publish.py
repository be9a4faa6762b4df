"""Traces and publication on the fake SDK: what a cell leaves in the store."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fakes.dlc import make_dlc
from fakes.sdk import Fault, Tool
from qhas.cell.chrometrace import generate_chrometrace
from qhas.cell.publish import publish_cell
from qhas.failures import FailureKind, Step, StepFailed
from qhas.profile.picture import Timeline, read_timeline
from qhas.profile.qhas_file import read_qhas
from qhas.runs import keys
from qhas.runs.record import CellStatus, Origin
from qhas.runs.sole_runner import RunTaken, sole_runner
from qhas.runs.stored import read_cell
from qhas.store import Store
from qhas.store.claims import Claims
from qhas.store.local import Local
from tests.qhas.cell.workbench import RUN, Bench, bench_of, kind_of, log_of


async def test_outputs_whose_names_are_alike_are_all_stored_with_their_true_names(bench: Bench) -> None:
    names = ["out:0", "out_0", "\u65e5\u672c", "\u4e2d\u56fd", "Out_0", "\xe9", "e\u0301", "x" * 96]
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
    """A `nan` from the viewer is reported with its byte offset in picture and record; the trace is stored as it is."""
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
    assert picture.remarks[0].startswith("contains an invalid number (nan) at byte ")
    assert picture.clock_mhz
    assert record.remarks == [f"chrometrace.json {picture.remarks[0]}."]


async def test_a_summary_is_read_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures and picture share it: in a small cell, only reading the trace takes longer."""
    read = list[Path]()
    monkeypatch.setattr("qhas.cell.chrometrace.read_qhas", lambda path: read.append(path) or read_qhas(path))
    await generate_chrometrace(bench.work, *await log_of(bench))
    assert len(read) == 1
    assert bench.work.metrics is not None
    picture = (bench.folder(Step.CHROMETRACE, 1) / "timeline.json").read_bytes()
    assert max(Timeline.model_validate_json(picture).dominant.busy) > 0


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


async def test_a_run_that_is_taken_over_while_files_are_stored_keeps_what_the_other_stored(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process can be stopped (SIGSTOP, a paused VM) at any moment, including between two files."""
    monkeypatch.setattr("qhas.runs.sole_runner.LOOK_SECONDS", 0.0)
    await generate_chrometrace(bench.work, *await log_of(bench))
    store, claim = bench.lab.store, f"runs/{RUN}/claim.json"
    put_bytes, others = Local.put_bytes, dict[str, bytes]()

    def put_and_be_overtaken(self: Local, content: bytes, key: str) -> str:
        digest = put_bytes(self, content, key)
        if not others:
            store.delete(claim)
            Claims(store, 60).take(claim)
            others.update(
                {key: b"the other's", f"{keys.cell(RUN, bench.work.cell)}/manifest.json": b"its record"}
            )
            for other, content in others.items():
                store.write(other, content)
        return digest

    monkeypatch.setattr(Local, "put_bytes", put_and_be_overtaken)
    async with sole_runner(store, RUN) as bench.lab.tenure:
        with pytest.raises(RunTaken):
            await publish_cell(bench.work)
    assert {key: store.read(key) for key in others} == others
    assert len(list(store.objects(keys.cell(RUN, bench.work.cell)))) == len(others)


async def test_a_record_that_another_stored_in_the_last_moment_stays(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, upload = f"{keys.cell(RUN, bench.work.cell)}/manifest.json", Store.upload

    def upload_and_be_overtaken(self: Store, *arguments: Any) -> Any:
        stored = upload(self, *arguments)
        self.write(manifest, b"its record")
        return stored

    monkeypatch.setattr(Store, "upload", upload_and_be_overtaken)
    with pytest.raises(RunTaken, match="in the meantime"):
        await publish_cell(bench.work)
    assert bench.lab.store.read(manifest) == b"its record"


async def test_a_directory_that_goes_while_publishing_leaves_the_cell_unfinished(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancelled cell loses its directory while the thread that publishes it is still at work."""
    await generate_chrometrace(bench.work, *await log_of(bench))
    delete = type(bench.lab.store).delete

    def delete_and_lose(self: Any, prefix: str) -> None:
        delete(self, prefix)
        shutil.rmtree(bench.work.directory)

    monkeypatch.setattr(type(bench.lab.store), "delete", delete_and_lose)
    with pytest.raises(StepFailed):
        await publish_cell(bench.work)
    assert read_cell(bench.lab.store, RUN, bench.work.cell) is None
