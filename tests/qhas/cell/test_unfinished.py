# ruff: noqa: ASYNC240  # the files of these tests are a few bytes
"""A file that may be truncated is stored under a name that says so, whatever truncated it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.sdk import Fault, Tool
from qhas.cell.artifacts import ARTIFACTS, UNFINISHED, ArtifactSpec, Whole
from qhas.cell.chrometrace import generate_chrometrace
from qhas.cell.net_run import collect_logs, net_run
from qhas.cell.prepare import prepare_graph
from qhas.cell.publish import publish_cell
from qhas.failures import DeviceFailed, FailureKind, Step, StepFailed
from qhas.machine import process
from qhas.runs import keys
from qhas.runs.record import CellRecord
from tests.qhas.cell.workbench import RUN, Bench, kind_of, log_of
from tests.qhas.objects import keys_named


def names(record: CellRecord) -> set[str]:
    return {artifact.name for artifact in record.artifacts}


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make the disk look full to every tool that finishes from now on."""
    return lambda: monkeypatch.setattr(process, "_is_full", lambda _: True)


async def test_half_a_trace_on_a_full_disk_is_no_chrometrace(bench: Bench) -> None:
    prepared, log = await log_of(bench)
    bench.suffer(Tool.VIEWER, Fault.CUT_TRACE)
    with pytest.raises(StepFailed) as failed:
        await generate_chrometrace(bench.work, prepared, log)
    bench.work.failure = failed.value.failure
    record = await publish_cell(bench.work)
    assert failed.value.failure.kind is FailureKind.DISK
    assert record.artifact("chrometrace") is None
    (half,) = [artifact for artifact in record.artifacts if artifact.name == UNFINISHED]
    assert (half.path, half.true_name) == ("unfinished/chrometrace.json.gz", "chrometrace.json")
    stored = bench.lab.store.read(f"{keys.cell(RUN, bench.work.cell)}/{half.path}") or b""
    assert gzip.decompress(stored) == (bench.folder(Step.CHROMETRACE, 1) / "chrometrace.json").read_bytes()
    assert {"schematic", "log", "output_tensor", "config"} <= names(record)


@pytest.mark.parametrize("spec", ARTIFACTS, ids=lambda spec: spec.name)
async def test_no_file_of_a_step_that_a_full_disk_ended_has_a_name_that_says_it_is_whole(
    bench: Bench, spec: ArtifactSpec
) -> None:
    """For every artifact, except those that get their name only once they are complete."""

    async def cut() -> None:
        async with bench.work.attempt(spec.step) as attempt:
            path = attempt.folder / spec.pattern.replace("**/", "").replace("*", "x")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")

    assert await kind_of(cut()) is FailureKind.DISK
    expected = spec.name if spec.whole is Whole.RENAMED else UNFINISHED
    assert names(await publish_cell(bench.work)) == {expected}


async def test_a_transfer_that_breaks_off_leaves_nothing_of_its_name(bench: Bench) -> None:
    prepared, _ = await log_of(bench)

    async def cut(_: str, target: Path) -> None:
        target.write_bytes(b"half")
        raise DeviceFailed(FailureKind.TRANSFER_CUT, "The cable was pulled.")

    async with bench.work.lease() as device:
        run = await net_run(bench.work, prepared, device)
        run.job.fetch = cut  # type: ignore[method-assign]
        assert await kind_of(collect_logs(bench.work, run, device)) is FailureKind.TRANSFER_CUT
    assert {"log", "output_tensor", UNFINISHED}.isdisjoint(names(await publish_cell(bench.work)))


async def test_on_a_full_disk_only_what_was_read_to_its_end_is_whole(
    bench: Bench, full: Callable[[], None]
) -> None:
    prepared, log = await log_of(bench)
    full()
    await generate_chrometrace(bench.work, prepared, log)
    record = await publish_cell(bench.work)
    assert {"chrometrace", "qhas", "timeline", "config", "schematic"} <= names(record)
    unread = {artifact.true_name for artifact in record.artifacts if artifact.name == UNFINISHED}
    assert "chrometrace_qnn_htp_analysis_summary.html" in unread


async def test_a_graph_that_was_prepared_on_a_full_disk_is_not_kept_for_others(
    bench: Bench, full: Callable[[], None]
) -> None:
    full()
    assert await kind_of(prepare_graph(bench.work)) is FailureKind.DISK
    assert keys_named(bench.lab.store, "prepared", "manifest.json") == []
