"""A latency is read from the diagnostic log that a run leaves on its device."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fakes.records import model
from qhas.cell.artifacts import SAMPLES
from qhas.cell.latency import measure_latency
from qhas.cell.prepare import Prepared
from qhas.devices import Device, JobFile
from qhas.failures import Step
from qhas.profile.diagview import read_samples
from tests.qhas.cell.test_net_run import StageDevice
from tests.qhas.cell.workbench import Bench, bench_of, kind_of
from tests.qhas.profile.test_snpe_log import log


@dataclass
class TimedDevice(StageDevice):
    """A device whose run leaves a diagnostic log."""

    diagnostics: bytes = b""

    async def files(self, pattern: str) -> list[JobFile]:
        if "SNPEDiag" not in pattern:
            return await super().files(pattern)
        return [JobFile("output/SNPEDiag_0.log", len(self.diagnostics), self.clock + 1)]

    async def fetch(self, name: str, target: Path) -> None:
        await asyncio.to_thread(target.write_bytes, self.diagnostics)

    async def discard(self) -> None:
        pass


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    (tmp_path / "prepared.dlc").write_bytes(b"dlc")
    return Prepared(tmp_path / "prepared.dlc", tmp_path / "net_schematic.bin")


@pytest.fixture
async def bench(fake_sdk: Path, tmp_path: Path) -> AsyncIterator[Bench]:
    """A cell with an input list of one inference."""
    (tmp_path / "a.raw").write_bytes(b"raw")
    (tmp_path / "list.txt").write_text("a.raw\n")
    reference = model(dlc=str(tmp_path / "net.dlc"), inputs=str(tmp_path / "list.txt"))
    async with bench_of(fake_sdk, tmp_path, str(tmp_path / "store"), model=reference) as bench:
        yield bench


def leaving(content: bytes) -> Device:
    device: Device = TimedDevice(diagnostics=content, results=33)  # type: ignore[assignment]  # attributes in place of properties
    return device


async def test_the_log_is_read_without_the_vendors_tool(bench: Bench, prepared: Prepared) -> None:
    options = bench.work.cell.run
    count = options.warmups + options.repetitions
    await measure_latency(bench.work, prepared, leaving(log(*range(1000, 1000 + count))))
    found = bench.work.latency
    assert found
    assert found.samples_us == list(range(1000 + options.warmups, 1000 + count))
    assert found.source == "Total Inference Time of SNPEDiag at profiling level basic"
    kept = (bench.folder(Step.LATENCY, 1) / SAMPLES).read_text()
    assert len(read_samples(kept).values_us) == count
    assert not [tool for tool in bench.work.attempts[-1].tools if "diagview" in tool.argv[0]]


async def test_a_log_that_is_not_understood_is_the_vendors_tools(bench: Bench, prepared: Prepared) -> None:
    step = measure_latency(bench.work, prepared, leaving(log(9)))  # a log of one inference only
    await kind_of(step)
    assert bench.work.attempts[-1].tools[-1].argv[0].endswith("snpe-diagview")
