"""If storage fails, goes away or is full, a sweep finishes, or stops cleanly and is resumed; no claim is false."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.resilience.lab import SweepLab, build_lab, ended_with_us
from bench.resilience.reader import Bucket, Folder, Objects, Reading, read_run
from fakes.s3 import Fault, MotoServer, Wire, WireRule
from tests.rack.rack import until
from tests.resilience.disk import SmallDisk, why_unavailable

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]
RUN = "one"
FIVE_IN_A_HUNDRED = (
    WireRule(Fault.SLOW_DOWN, chance=0.0125, times=None),
    WireRule(Fault.RESET_SENDING, method="PUT", chance=0.0125, times=None),
    WireRule(Fault.RESET_ANSWERING, method="GET", chance=0.025, times=None),
    WireRule(Fault.LOSE_ANSWER, chance=0.0125, times=None),
    WireRule(Fault.ERROR, chance=0.0125, times=None),
)
needs_disk = pytest.mark.skipif(bool(why_unavailable()), reason=why_unavailable() or "")


def require_good(lab: SweepLab, reading: Reading) -> None:
    """Check that every cell is complete and that its stored claims hold."""
    assert (reading.broken, reading.failed) == ([], {})
    assert sorted(reading.complete) == sorted(lab.cells)
    assert reading.state == "complete"
    assert [(state.holder, state.waiting) for state in lab.leases()] == [(None, [])] * 4
    assert lab.left_scratch() == []


# An object store that fails


def struck(wire: Wire) -> list[Fault]:
    """Return the faults that requests met."""
    return [fault for _, _, fault in wire.requests if fault]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("networks", "outage_seconds"),
    [(1, 2.0), pytest.param(24, 30.0, marks=pytest.mark.timeout(7200))],
)
def test_a_sweep_outlasts_failing_calls_and_an_outage(
    environment: Mapping[str, str],
    s3: MotoServer,
    wire: Wire,
    tmp_path: Path,
    networks: int,
    outage_seconds: float,
) -> None:
    bucket = s3.bucket()
    lab = build_lab(
        tmp_path, networks, {**environment, **s3.environ(wire.endpoint)}, store=f"s3://{bucket}/lab"
    )
    wire.order(*FIVE_IN_A_HUNDRED)
    objects = Bucket(s3.client(), bucket, "lab")
    with ended_with_us(lab.start(RUN)) as process:
        until(lambda: _manifests(objects) >= len(lab.cells) // 2 or process.poll() is not None, 1800)
        assert process.poll() is None
        wire.outage(outage_seconds)
        time.sleep(outage_seconds / 2)
        assert read_run(objects, RUN).broken == []
        assert process.wait(1800) == 0, lab.said(RUN)
    assert struck(wire)
    require_good(lab, read_run(objects, RUN))


def _manifests(objects: Objects) -> int:
    return sum(key.endswith("/manifest.json") for key in objects.keys(f"runs/{RUN}"))


# Full disks


@needs_disk
@pytest.mark.slow
def test_a_store_whose_disk_is_full_stops_the_sweep_and_is_resumed_when_there_is_space(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    with SmallDisk(tmp_path / "disk", 700_000) as disk:
        lab = build_lab(tmp_path, 3, environment, store=str(disk.folder / "store"), entrance=disk.entrance)
        objects = Folder(disk.seen / "store")
        assert lab.run(RUN) == 1, lab.said(RUN)
        stopped = read_run(objects, RUN)
        assert stopped.broken == []
        assert 0 < len(stopped.complete) < len(lab.cells)
        assert "Traceback" not in lab.said(RUN)
        disk.grow(50_000_000)
        assert lab.run(RUN) == 0, lab.said(RUN)
        resumed = read_run(objects, RUN)
        require_good(lab, resumed)
        assert {cell: resumed.complete[cell] for cell in stopped.complete} == stopped.complete


@needs_disk
@pytest.mark.slow
def test_a_scratch_disk_that_is_full_fails_cells_by_name_and_the_sweep_is_resumed(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    with SmallDisk(tmp_path / "disk", 150_000) as disk:
        lab = build_lab(tmp_path, 3, environment, scratch=disk.folder, entrance=disk.entrance)
        objects = Folder(lab.folder / "store")
        assert lab.run(RUN) == 1, lab.said(RUN)
        stopped = read_run(objects, RUN)
        assert stopped.broken == []
        # Even if a tool cannot write down why it fails.
        assert set(stopped.failed.values()) == {"disk"}
        assert "Traceback" not in lab.said(RUN)
        disk.grow(50_000_000)
        assert lab.run(RUN) == 0, lab.said(RUN)
        require_good(lab, read_run(objects, RUN))
