# the files of these tests are a few bytes
"""Phones behind the device contract: jobs, staging, what a glob finds, and what reaches the tool."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fakes.devices import AdbServer, DeviceFault, DeviceRule, Phone, phone
from fakes.sdk import build_fake_sdk
from qhas.devices.adb import AdbShell
from qhas.devices.remote import KnownDevices, RemoteDevice, _glob_pattern
from qhas.failures import DeviceFailed, FailureKind
from qhas.machine.process import ToolRun
from qhas.site import DeviceRef, Gate
from qhas.site.sdk import Sdk, SdkKind, Tool

NO_PHONE = phone.why_unavailable()
pytestmark = pytest.mark.xdist_group("shells")
GATE = Gate(free_mb=1, patience_seconds=0)


@pytest.mark.parametrize(
    ("glob", "names"),
    [
        ("*", ["a.log", "b.txt"]),
        ("*.log", ["a.log"]),
        ("?.txt", ["b.txt"]),
        ("output/Result_*/**/*", ["output/Result_0/x.raw", "output/Result_1/deep/y:0.raw"]),
        ("profilelogs/qnn-profiling-data*.log", ["profilelogs/qnn-profiling-data_0.log"]),
        ("a+b", []),
    ],
)
def test_a_glob_means_what_it_means_for_paths(tmp_path: Path, glob: str, names: list[str]) -> None:
    every = [
        "a.log",
        "b.txt",
        "output/Result_0/x.raw",
        "output/Result_1/deep/y:0.raw",
        "output/other/z.raw",
        "profilelogs/qnn-profiling-data_0.log",
        "profilelogs/qnn-profiling-data.txt",
    ]
    for name in every:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [name for name in every if re.fullmatch(_glob_pattern(glob), name)] == names
    found = (path for path in tmp_path.glob(glob) if path.is_file())
    assert sorted(str(path.relative_to(tmp_path)) for path in found) == names


@dataclass
class Bench:
    """A phone, and what is needed to open it as a device."""

    phone: Phone
    sdk: Sdk
    server: AdbServer
    folder: Path

    def device(self, known: KnownDevices | None = None, **changes: Any) -> RemoteDevice:
        row = {
            "name": "op13",
            "soc": "sm8750",
            "transport": "adb",
            "serial": self.phone.serial,
            "hexagon": "v79",
        }
        ref = DeviceRef.model_validate(row | changes)
        shell = AdbShell("op13", self.phone.serial, self.folder, 20, f"127.0.0.1:{self.server.port}")
        return RemoteDevice(ref, shell, self.sdk, GATE, {} if known is None else known)

    def pushed(self) -> list[str]:
        return [c.service for c in self.phone.commands() if c.service.startswith("push ")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdbServer]:
    if NO_PHONE:
        pytest.skip(NO_PHONE)
    with AdbServer.start(tmp_path_factory.mktemp("adb")) as server:
        yield server


@contextmanager
def bench_in(folder: Path, server: AdbServer) -> Iterator[Bench]:
    sdk = Sdk(build_fake_sdk(folder / "sdk"), "2.48.0", SdkKind.VENDOR)
    with Phone.start(folder / "phone") as fake:
        server.connect(fake)
        yield Bench(fake, sdk, server, folder)


@pytest.fixture
def bench(server: AdbServer, tmp_path: Path) -> Iterator[Bench]:
    with bench_in(tmp_path, server) as bench:
        yield bench


@pytest.fixture(scope="module")
def shared(
    server: AdbServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Bench, KnownDevices]]:
    """A phone for tests that leave it as they found it, and what is known of it so far."""
    with bench_in(tmp_path_factory.mktemp("shared"), server) as bench:
        yield bench, {}


@pytest.fixture
async def ready(bench: Bench) -> AsyncIterator[RemoteDevice]:
    device = bench.device()
    await device.make_ready(print)
    yield device
    await device.clean()


async def test_a_device_found_in_order_is_asked_only_what_changes(bench: Bench) -> None:
    known: KnownDevices = {}
    for _ in range(2):
        await bench.device(known).make_ready(print)
    checks = [c for c in bench.phone.commands() if "/sdk/" in c.service and "sha256sum" in c.service]
    assert len(checks) == 2  # before and after the one push


@pytest.mark.parametrize("name", ["./output/Result_0/../../../../evil", "./output/../x"])
async def test_a_device_that_lists_files_elsewhere_is_unfit(
    bench: Bench, ready: RemoteDevice, name: str
) -> None:
    find = bench.phone.settings.plan.root / "system/bin/find"
    find.unlink()
    find.write_text(f"#!/system/bin/sh\necho '4 1 {name}'\n")
    find.chmod(0o755)
    job = await ready.open_job()
    with pytest.raises(DeviceFailed, match="op13 lists an unusable file") as failed:
        await job.files("output/**/*")
    assert failed.value.kind is FailureKind.DEVICE_UNFIT


def lie(bench: Bench, tool: str, says: str) -> None:
    """Replace one of the phone's tools with a program that always prints `says`."""
    program = bench.phone.settings.plan.root / "system/bin" / tool
    program.unlink()
    program.write_text(f"#!/system/bin/sh\nprintf '%s\\n' '{says}'\n")
    program.chmod(0o755)


@contextmanager
def honest_again(bench: Bench, *tools: str) -> Iterator[None]:
    """Put these tools of the phone back afterwards, whatever has replaced them."""
    folder = bench.phone.settings.plan.root / "system/bin"
    targets = {tool: (folder / tool).readlink() for tool in tools}
    try:
        yield
    finally:
        for tool, target in targets.items():
            (folder / tool).unlink()
            (folder / tool).symlink_to(target)


@pytest.mark.parametrize("says", ["²", "9" * 5000, "9" * 30, "-1", "1.5", "0x1f", "١٢", ""])
async def test_what_is_no_number_is_not_taken_for_one(
    shared: tuple[Bench, KnownDevices], tmp_path: Path, says: str
) -> None:
    bench, known = shared
    device = bench.device(known)
    await device.make_ready(print)
    job = await device.open_job()
    with honest_again(bench, "date", "stat", "find"):
        lie(bench, "date", says)
        lie(bench, "stat", says)
        with pytest.raises(DeviceFailed, match="where a number was expected"):
            await job.now()
        with pytest.raises(DeviceFailed, match="where a number was expected"):
            await job.fetch("a.log", tmp_path / "a.log")
        lie(bench, "find", f"{says} 1 ./a.log")
        assert await job.files("*") == []
    await device.clean()


async def test_a_file_that_has_no_room_here_is_not_begun(
    bench: Bench, ready: RemoteDevice, tmp_path: Path
) -> None:
    job = await ready.open_job()
    lie(bench, "stat", "9" * 18)
    with pytest.raises(
        DeviceFailed, match=r"op13 reports that a\.log has .* GB, but .* has room for"
    ) as failed:
        await job.fetch("a.log", tmp_path / "a.log")
    assert failed.value.kind is FailureKind.DISK


async def test_the_same_bytes_travel_once_a_lease_whatever_they_are_called(
    bench: Bench, ready: RemoteDevice, tmp_path: Path
) -> None:
    one, same = tmp_path / "one.raw", tmp_path / "with blank & 'quote'.raw"
    one.write_bytes(b"bytes")
    same.write_bytes(b"bytes")
    before = len(bench.pushed())
    jobs = [await ready.open_job() for _ in range(2)]
    for job in jobs:
        await job.stage(one, "inputs/0.raw")
        await job.stage(same, f"inputs/{same.name}")
        assert [file.name for file in await job.files("inputs/*")] == sorted(
            ["inputs/0.raw", f"inputs/{same.name}"]
        )
        await job.fetch(f"inputs/{same.name}", back := tmp_path / "back")
        assert back.read_bytes() == b"bytes"
    assert len(bench.pushed()) - before == 1


async def test_a_cleaned_device_has_the_sdk_and_nothing_else(bench: Bench, tmp_path: Path) -> None:
    device = bench.device()
    await device.make_ready(print)
    await (await device.open_job()).stage(bench.sdk.root / "include/QNN/QnnSdkBuildId.h", "a.h")
    await device.clean()
    assert {name.split("/")[1] for name in bench.phone.files()} == {"sdk"}


ODD = 'it\'s a "test" with $HOME; `id`\nand a line'


async def test_variables_reach_the_tool_as_they_are(bench: Bench, tmp_path: Path) -> None:
    tool = bench.sdk.root / "bin/aarch64-android" / Tool.NET_RUN
    tool.write_text('#!/bin/sh\nprintf "[%s][%s][%s]" "$ODD" "$1" "$ADSP_LIBRARY_PATH"\n')
    device = bench.device(env={"ODD": ODD})
    await device.make_ready(print)
    run = await (await device.open_job()).run(
        [Tool.NET_RUN, ODD], output=tmp_path / "out", timeout_seconds=600
    )
    said = (tmp_path / "out").read_text()
    assert (run.exit_code, run.argv) == (0, [Tool.NET_RUN, ODD])
    assert said.startswith(f"[{ODD}][{ODD}][/data/local/tmp/qhas/sdk/")
    assert said.endswith(";/dsp;/vendor/dsp/cdsp;/vendor/lib/rfsa/adsp]")
    await device.clean()


@pytest.mark.parametrize(
    ("says", "code"),
    [
        ("CANNOT LINK EXECUTABLE: library libc++_shared.so not found", 1),
        ("snpe-net-run: Permission denied", 126),
    ],
)
async def test_a_device_that_cannot_run_the_sdks_tools_is_unfit_before_a_cell_is_spent(
    bench: Bench, says: str, code: int
) -> None:
    (bench.sdk.root / "bin/aarch64-android" / Tool.NET_RUN).write_text(
        f"#!/bin/sh\necho '{says}'\nexit {code}\n"
    )
    device = bench.device()
    with pytest.raises(DeviceFailed, match="snpe-net-run does not run on") as failed:
        await device.make_ready(print)
    assert failed.value.kind is FailureKind.DEVICE_UNFIT
    assert failed.value.evidence == says
    await device.clean()


@pytest.mark.parametrize(
    ("ends", "code", "killed_by"), [("exit 3", 3, None), ("kill -SEGV $$", 139, "SIGSEGV")]
)
async def test_how_a_tool_ended_is_known(
    bench: Bench, tmp_path: Path, ends: str, code: int, killed_by: str | None
) -> None:
    (bench.sdk.root / "bin/aarch64-android" / Tool.NET_RUN).write_text(
        f'#!/bin/sh\n[ "$1" != --version ] || exit 0\n{ends}\n'
    )
    device = bench.device()
    await device.make_ready(print)
    run: ToolRun = await (await device.open_job()).run(
        [Tool.NET_RUN], output=tmp_path / "out", timeout_seconds=600
    )
    assert (run.exit_code, run.killed_by, run.timed_out) == (code, killed_by, False)
    await device.clean()


async def test_a_log_damaged_on_the_way_is_noticed(bench: Bench, ready: RemoteDevice, tmp_path: Path) -> None:
    source = tmp_path / "source.log"
    source.write_bytes(bytes(2000))
    job = await ready.open_job()
    await job.stage(source, "source.log")
    bench.phone.order(DeviceRule("pull source.log", DeviceFault.CORRUPT_TRANSFER, after_bytes=1000))
    with pytest.raises(DeviceFailed, match=r"source\.log did not arrive intact from op13") as failed:
        await job.fetch("source.log", tmp_path / "back")
    assert failed.value.kind is FailureKind.TRANSFER_CUT
    await job.fetch("source.log", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == bytes(2000)


async def test_the_device_tells_its_own_time(ready: RemoteDevice, tmp_path: Path) -> None:
    job = await ready.open_job()
    before = await job.now()
    (tmp_path / "a.h").write_text("made now")
    await job.stage(tmp_path / "a.h", "a.h")
    after = await job.now()
    (file,) = await job.files("a.h")
    assert before - 1 <= file.modified <= after + 1  # as times are in whole seconds
