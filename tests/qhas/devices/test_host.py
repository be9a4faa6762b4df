# ruff: noqa: ASYNC240  # the files of these tests are a few bytes
"""This machine as a device."""

from __future__ import annotations

from pathlib import Path

from qhas.devices.host import HostDevice
from qhas.machine.cores import Cores
from qhas.site import DeviceRef
from qhas.site.sdk import HOST_TARGET, Sdk, SdkKind, Tool


def host_device(folder: Path) -> HostDevice:
    return HostDevice(DeviceRef(name="sim", soc="sm8750"), Sdk(folder, "1", SdkKind.VENDOR), folder, Cores(1))


async def test_a_host_job_holds_what_was_staged_and_finds_what_was_left(tmp_path: Path) -> None:
    device = host_device(tmp_path)
    job = await device.open_job()
    (tmp_path / "a.raw").write_bytes(b"raw")
    await job.stage(tmp_path / "a.raw", "inputs/0.raw")
    output = tmp_path / "output.txt"
    script = (
        "mkdir -p logs; cat inputs/0.raw > logs/b.log; : > logs/a.log; mkdir logs/c.log; echo $HOSTSDK_SOC"
    )
    tool = tmp_path / "bin" / HOST_TARGET / Tool.NET_RUN
    tool.parent.mkdir(parents=True)
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    run = await job.run([Tool.NET_RUN], output=output, timeout_seconds=600)
    assert run.exit_code == 0
    assert output.read_text() == "sm8750\n"
    files = await job.files("logs/*.log")
    assert [(file.name, file.size) for file in files] == [("logs/a.log", 0), ("logs/b.log", 3)]
    assert abs(files[1].modified - await job.now()) < 60
    await job.fetch("logs/b.log", tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == b"raw"
    await device.clean()
    assert list(tmp_path.glob("job-*")) == []


async def test_two_jobs_of_a_device_share_nothing(tmp_path: Path) -> None:
    device = host_device(tmp_path)
    one, two = await device.open_job(), await device.open_job()
    (tmp_path / "x").touch()
    await one.stage(tmp_path / "x", "x")
    assert [len(await job.files("*")) for job in (one, two)] == [1, 0]
