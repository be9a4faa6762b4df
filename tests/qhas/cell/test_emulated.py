"""The emulator's outputs for a graph and its inputs are stored, and reused when a run would compute the same."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import count
from pathlib import Path
from random import Random

import pytest

from fakes.dlc import make_dlc
from fakes.sdk import build_fake_sdk
from qhas.cell import emulated
from qhas.cell.prepared import EMULATED
from qhas.direct import run_direct
from qhas.failures import FailureKind, Step
from qhas.machine import process
from qhas.machine.digest import file_digest
from qhas.profile.metrics import Metrics
from qhas.runs import keys, progress
from qhas.runs.record import CellRecord
from qhas.runs.stored import load_run
from qhas.site import SdkRef, Site
from qhas.store import Store
from qhas.store.claims import Claim
from qhas.sweep.spec import SweepSpec

pytestmark = pytest.mark.xdist_group("emulated")  # these take long
NETWORK = str(resources.files("hostsdk").joinpath("trial.dlc"))
VALUES = 3 * 16 * 16


@dataclass(frozen=True)
class Bench:
    """A store of its own, and runs of a small network over a list of inferences."""

    folder: Path
    numbers: Iterator[int]

    def run(
        self, sdk: Path | None = None, perf_profile: str = "burst", soc: str = "sa8255", **changes: object
    ) -> CellRecord:
        """Run the next night, whose cell ends well."""
        record = self.attempt(sdk, perf_profile, soc, **changes)
        assert record.failure is None
        return record

    def attempt(
        self, sdk: Path | None = None, perf_profile: str = "burst", soc: str = "sa8255", **changes: object
    ) -> CellRecord:
        """Run the next night, however it ends."""
        run_id = f"night-{next(self.numbers)}"
        model = {"name": "net", "dlc": NETWORK, "inputs": str(self.folder / "list.txt")} | changes
        spec = SweepSpec.model_validate(
            {"name": "night", "models": [model], "socs": [soc], "run": {"perf_profile": perf_profile}}
        )
        run_direct(spec, Site(store=str(self.folder / "store"), sdk=SdkRef(root=sdk)), run_id)
        return self.record(run_id)

    def record(self, run_id: str) -> CellRecord:
        """The record of the run's only cell."""
        _, (record,) = load_run(Store(str(self.folder / "store")), run_id)
        return record

    def draw(self, seed: int, inferences: int = 1) -> None:
        """Write the input list and its files."""
        values = Random(seed)
        for number in range(inferences):
            (self.folder / f"{number}.raw").write_bytes(values.randbytes(VALUES * 4))
        lines = [f"{number}.raw\n" for number in range(inferences)]
        (self.folder / "list.txt").write_text("".join(lines))

    @property
    def kept(self) -> list[Path]:
        return sorted((self.folder / "store" / keys.PREPARED).rglob(EMULATED))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path, count())
    made.draw(seed=1)
    return made


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A bench after its first night, to be copied."""
    made = Bench(tmp_path_factory.mktemp("first"), count())
    made.draw(seed=1)
    made.run()
    return made


@pytest.fixture
def first(bench: Bench, run_once: Bench) -> CellRecord:
    """The record of the bench's first night, the only one so far."""
    shutil.copytree(run_once.folder / "store", bench.folder / "store")
    return bench.record(f"night-{next(bench.numbers)}")


def outputs(record: CellRecord) -> dict[str, str]:
    tensors = {each.path: each.sha256 for each in record.artifacts if each.name == "output_tensor"}
    assert tensors
    return tensors


def ran(record: CellRecord) -> list[bool]:
    """For each attempt that executes, whether it did."""
    executing = [each for each in record.attempts if each.step in (Step.NET_RUN, Step.OUTPUTS)]
    inferred = [any("--timeline_only" not in tool.argv for tool in each.tools) for each in executing]
    assert inferred == [not each.reused for each in executing]
    return inferred


def tools(record: CellRecord) -> int:
    """How many tools ran in attempts that execute."""
    return sum(len(each.tools) for each in record.attempts if each.step in (Step.NET_RUN, Step.OUTPUTS))


def figures(record: CellRecord) -> Metrics:
    """The cell's figures without the seconds that compiling took."""
    assert record.metrics
    return record.metrics.model_copy(update={"compile_seconds": None})


@pytest.mark.hostsdk
def test_the_same_graph_and_inputs_are_not_executed_again_and_leave_the_same(
    bench: Bench, first: CellRecord
) -> None:
    second = bench.run()
    assert (ran(first), ran(second)) == ([True], [False])
    assert tools(second) == 0
    assert outputs(second) == outputs(first)
    assert figures(second) == figures(first)
    assert {each.name for each in second.artifacts} >= {"chrometrace", "qhas", "log", "schematic"}


@pytest.mark.hostsdk
def test_other_inputs_are_executed(bench: Bench, first: CellRecord) -> None:
    bench.draw(seed=2)
    second = bench.run()
    assert ran(second) == [True]
    assert outputs(second) != outputs(first)


@pytest.mark.hostsdk
@pytest.mark.usefixtures("first")
def test_other_options_of_the_run_are_executed(bench: Bench) -> None:
    assert ran(bench.run(perf_profile="balanced")) == [True]
    assert ran(bench.run()) == [False]


@pytest.mark.hostsdk
@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04"], ids=["empty", "no zip", "cut"])
def test_a_kept_run_that_is_damaged_is_made_again(bench: Bench, first: CellRecord, content: bytes) -> None:
    for kept in bench.kept:
        kept.write_bytes(content)
    second = bench.run()
    assert ran(second) == [True]
    assert outputs(second) == outputs(first)
    assert ran(bench.run()) == [False]


@pytest.mark.hostsdk
def test_a_kept_log_that_is_damaged_is_written_again_and_nothing_executed(
    bench: Bench, first: CellRecord
) -> None:
    (log,) = (kept for kept in bench.kept if b"profilelogs/" in kept.read_bytes())
    log.write_bytes(b"no zip")
    second = bench.run()
    assert (ran(second), tools(second)) == ([False], 1)
    assert outputs(second) == outputs(first)
    assert figures(second) == figures(first)
    assert tools(bench.run()) == 0


@pytest.mark.hostsdk
def test_a_soc_for_which_the_compiler_writes_the_same_program_needs_no_execution(
    bench: Bench, first: CellRecord
) -> None:
    shared = bench.run(soc="qcs9100")
    alone = Bench(bench.folder / "alone", count())
    alone.folder.mkdir()
    alone.draw(seed=1)
    executed = alone.run(soc="qcs9100")
    assert (ran(shared), ran(executed)) == ([False], [True])
    assert outputs(shared) == outputs(executed) == outputs(first)
    assert figures(shared) == figures(executed)
    assert {each.name for each in shared.artifacts} == {each.name for each in executed.artifacts}
    assert tools(bench.run(soc="qcs9100")) == 0


@pytest.mark.hostsdk
@pytest.mark.usefixtures("first")
def test_a_soc_with_another_program_is_executed(bench: Bench) -> None:
    assert ran(bench.run(soc="sa8797")) == [True]


@pytest.mark.hostsdk
@pytest.mark.usefixtures("first")
def test_a_kept_run_is_as_new_however_long_its_parts_took_to_come(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked = emulated._unpacked

    def unpacked_long_ago(folder: Path) -> dict[str, Path]:
        files = unpacked(folder)
        for file in files.values():
            os.utime(file, (0, 0))
        return files

    monkeypatch.setattr(emulated, "_unpacked", unpacked_long_ago)
    assert tools(bench.run()) == 0
    for kept in bench.kept:  # one of two parts is kept
        if b"profilelogs/" in kept.read_bytes():
            kept.write_bytes(b"no zip")
    assert tools(bench.run()) == 1


@pytest.mark.hostsdk
@pytest.mark.usefixtures("first")
def test_a_run_that_ended_on_a_full_disk_is_not_kept_for_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = bench.kept
    bench.draw(seed=2)
    with monkeypatch.context() as full:
        full.setattr(process, "_is_full", lambda _: True)
        failure = bench.attempt().failure
    assert failure
    assert (failure.kind, failure.step) == (FailureKind.DISK, Step.NET_RUN)
    assert bench.kept == kept
    assert ran(bench.run()) == [True]


@pytest.mark.hostsdk
@pytest.mark.usefixtures("first")
def test_a_cell_that_waits_for_another_host_says_for_whom(bench: Bench) -> None:
    for kept in bench.kept:
        shutil.rmtree(kept.parent)
        (kept.parents[1] / keys.MANIFEST).unlink()
        claim = Claim(owner="another", host="lab-3", expires=datetime.now(UTC) + timedelta(hours=1))
        (kept.parents[1] / keys.CLAIM).write_text(claim.model_dump_json())
    reasons = []

    def give_way(event: progress.Event) -> None:
        if isinstance(event, progress.Waiting):
            reasons.append(event.reason)
            for claimed in (bench.folder / "store" / keys.PREPARED).rglob(keys.CLAIM):
                claimed.unlink()

    with progress.listening(give_way):
        assert ran(bench.run()) == [True]
    assert reasons == ["waiting for lab-3, which is running the same program"]


def zipped(*names: str, compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as packed:
        for name in names:
            packed.writestr(name, b"0" * 1000)
    return buffer.getvalue()


def encrypted(content: bytes) -> bytes:
    """Set the flag that marks the archive's only member as encrypted, in its header and in the directory."""
    at = content.index(b"PK\x01\x02")
    return content[:6] + b"\x01" + content[7 : at + 8] + b"\x01" + content[at + 9 :]


OUTPUT = "output/Result_0/y.raw"


@pytest.mark.hostsdk
@pytest.mark.parametrize(
    "content",
    [
        zipped("../../../escaped.raw"),
        zipped(OUTPUT, compression=zipfile.ZIP_DEFLATED),
        encrypted(zipped(OUTPUT)),
        zipped("output", OUTPUT),
        zipped(OUTPUT)[:500] + zipped(OUTPUT)[900:],
        b"no zip",
    ],
    ids=["leads out", "packed", "encrypted", "a file and a folder", "cut in the middle", "none"],
)
@pytest.mark.usefixtures("first")
def test_a_kept_run_that_is_not_as_ours_are_is_not_used(bench: Bench, content: bytes) -> None:
    for kept in bench.kept:
        kept.write_bytes(content)
        manifest = kept.parents[1] / "manifest.json"
        document = json.loads(manifest.read_text())
        document["files"][0] |= {"sha256": file_digest(kept), "size": kept.stat().st_size}
        manifest.write_text(json.dumps(document))
    assert ran(bench.run()) == [True]
    assert not list(bench.folder.rglob("escaped.raw"))


def test_what_is_no_emulator_of_ours_is_run_every_time(bench: Bench) -> None:
    dlc = make_dlc(bench.folder / "net.dlc")
    sdk = build_fake_sdk(bench.folder / "sdk")
    records = [bench.run(sdk, dlc=str(dlc), inputs="random") for _ in range(2)]
    assert [ran(record) for record in records] == [[True], [True]]
    assert bench.kept == []
