# ruff: noqa: ASYNC240  # the files of these tests are a few bytes
"""The steps on a device, with a device double: what is staged, what arrives, and what counts as a log."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from fakes.records import MOMENT, model
from qhas.cell.net_run import ProfiledRun, collect_logs, net_run
from qhas.cell.prepare import Prepared
from qhas.devices import Device, JobFile
from qhas.devices.facts import DeviceFacts, Health, HealthFacts
from qhas.failures import FailureKind
from qhas.machine.process import ToolRun
from qhas.runs.record import Origin
from tests.qhas.cell.workbench import Bench, bench_of, kind_of


@dataclass
class StageDevice:
    """A device and its only job in one; the test sets what its run leaves."""

    logs: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    """Content and age in seconds, keyed by name."""
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
    """The device's own clock, far from the host's."""

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
    """Files that stand in for a prepared graph."""
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


@pytest.mark.parametrize("length", [0, 1, 2999])
async def test_a_transfer_that_is_cut_is_a_failure(listed: Bench, prepared: Prepared, length: int) -> None:
    device = StageDevice(GOOD, cut_to=length)
    run = await run_on(listed, prepared, device)
    assert await kind_of(collect_logs(listed.work, run, device)) is FailureKind.TRANSFER_CUT
