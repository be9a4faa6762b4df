"""Predictions of `qhas plan` against actual durations, on fake phones with known tool times and on simulated SoCs."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.cases import fake_networks
from bench.failure import BenchFailed
from bench.job import Network
from bench.size import Size
from bench.studies.makespan.rack import Rack, rack_of
from bench.studies.makespan.sizes import drawn_sizes
from fakes.devices import AdbServer, Phone, phone
from fakes.sdk import build_fake_sdk, order
from hostsdk.samples.__main__ import NETWORKS
from qhas.cell.outlook import look_ahead
from qhas.cell.sequence import DIRECT, profile_cells
from qhas.lab.duration import Expected, InStore, expect
from qhas.lab.lab import open_lab
from qhas.machine.shared_directory import DIRECTORY_VARIABLE
from qhas.runs.durations import expectations, read_durations, write_durations
from qhas.site import DeviceRef, Host, SdkRef, Site, Transport
from qhas.site.sdk import SdkKind, host_sdk_root
from qhas.store import Store
from qhas.sweep.expectation import Expectations
from qhas.sweep.plan import Plan, plan_sweep
from qhas.sweep.spec import ModelRef, RunOptions, SweepSpec

_SEED = 1
_SLOTS = 2
_NETWORKS = {Size.QUICK: 3, Size.NORMAL: 8, Size.FULL: 16}
_BOUND_SECONDS = {Size.QUICK: 10, Size.NORMAL: 60, Size.FULL: 180}
_SAMPLES = {Size.QUICK: 2, Size.NORMAL: 4, Size.FULL: len(NETWORKS)}
_SIMULATED = ("sa8255", "qcs9100", "sa8797", "sar2230p")


@dataclass(frozen=True)
class Night:
    """A sweep with its predicted and its actual duration."""

    where: str
    night: str
    cells: int
    foretold: Expected
    took: float

    @property
    def share(self) -> float:
        """The actual duration over the predicted one."""
        return self.took / self.foretold.seconds


def measure(folder: Path, size: Size, console: Console) -> object:
    """Measure every night and print the table. Raises BenchFailed if a cell fails or a network cannot be made."""
    os.environ[DIRECTORY_VARIABLE] = str(folder / "leases")
    nights, left_out = list[Night](), phone.why_unavailable()
    if left_out:
        console.print(f"Fake phones are left out: {left_out}")
    else:
        nights += _on_phones(folder, size)
    nights += _simulated(folder, size)
    console.print(_table(nights))
    return {"nights": [asdict(night) for night in nights], "left_out": left_out}


def _on_phones(folder: Path, size: Size) -> Iterator[Night]:
    """Run other networks first, unreported; then the sweep, and once more as after a new build of the SDK."""
    sdk = build_fake_sdk(folder / "sdk")
    racks = {name: _rack(name, seed, size) for name, seed in (("others", _SEED + 1), ("sweep", _SEED))}
    cells = {key: of for rack in racks.values() for key, of in rack.cells.items()}
    order(sdk, waits=racks["sweep"].taking(cells).waits())
    sizes = drawn_sizes({key: of.prepare for key, of in cells.items()}, _SEED)
    with ExitStack() as stack:
        (adb := folder / "adb").mkdir()
        server = stack.enter_context(AdbServer.start(adb))
        socs = racks["sweep"].socs
        refs = [_boot(soc, folder, server, stack) for soc in socs]
        expected = Expectations(sizes=sizes, measured=socs)
        for night, name in (("", "others"), ("first", "sweep"), ("second", "sweep")):
            store = Store(str(folder / f"store-{night}"))
            site = Site(store=store.root, sdk=SdkRef(root=sdk), devices=refs, host=Host(cores=_SLOTS))
            plan = _sweep(name, fake_networks(folder / f"networks-{night}", racks[name].networks), socs)
            said = expect(plan.cells, expected, InStore(), site.devices_by_soc(), _SLOTS)
            took = asyncio.run(_profile(plan, site, expected))
            if night and said:
                yield Night("fake phones", night, len(plan.cells), said, took)
                expected = Expectations(read_durations(store, name).forecasts, sizes, socs)


def _rack(name: str, seed: int, size: Size) -> Rack:
    """Return a rack with one device per SoC, its networks prefixed with the name of their sweep."""
    rack = rack_of(seed, _NETWORKS[size], _SLOTS, devices=1).scaled_to(_BOUND_SECONDS[size])
    return rack.taking({f"{name}-{key}": of for key, of in rack.cells.items()})


def _boot(soc: str, folder: Path, server: AdbServer, stack: ExitStack) -> DeviceRef:
    booted = Phone.start(folder / "devices" / soc, soc)
    stack.callback(booted.stop)
    server.connect(booted)
    return DeviceRef(
        name=f"phone-{soc}",
        soc=soc,
        transport=Transport.ADB,
        serial=booted.serial,
        adb_server=f"127.0.0.1:{server.port}",
    )


def _sweep(name: str, networks: tuple[Network, ...], socs: tuple[str, ...]) -> Plan:
    models = [ModelRef(name=network.name, dlc=network.dlc, inputs=network.inputs) for network in networks]
    run = RunOptions(repetitions=1, warmups=1)
    return plan_sweep(SweepSpec(name=name, models=models, socs=list(socs), run=run))


def _simulated(folder: Path, size: Size) -> Iterator[Night]:
    """Run half of the samples, then the other half, then those with a different VTCM size.

    The last sweep is run again with everything in the store.
    """
    names = NETWORKS[: _SAMPLES[size]]
    _make_samples(names, folder / "samples")
    site = Site(store=str(folder / "simulated"), sdk=SdkRef(root=host_sdk_root()))
    half = len(names) // 2
    nights: tuple[tuple[str, str, tuple[str, ...], dict[str, int]], ...] = (
        ("of nothing known", "one", names[:half], {}),
        ("after other networks ran", "two", names[half:], {}),
        ("with another VTCM", "three", names[half:], {"vtcm_mb": 2}),
        ("again", "three", names[half:], {"vtcm_mb": 2}),
    )
    for night, sweep, networks, prepare in nights:
        models = [
            {
                "name": name,
                "onnx": str(folder / "samples" / f"{name}.onnx"),
                "quantize": {"calibration": str(folder / "samples" / f"{name}-calibration")},
            }
            for name in networks
        ]
        spec = SweepSpec.model_validate(
            {"name": sweep, "models": models, "socs": _SIMULATED, "prepare": prepare}
        )
        plan = plan_sweep(spec)
        outlook = asyncio.run(look_ahead(plan, site))
        expected = expectations(Store(site.store), sweep, plan.cells, SdkKind.HOST, ())
        took = asyncio.run(_profile(plan, site, expected))
        if outlook.expected:
            yield Night("simulated", night, len(plan.cells), outlook.expected, took)


def _make_samples(names: tuple[str, ...], folder: Path) -> None:
    argv = [
        *(sys.executable, "-m", "hostsdk.samples", "--float"),
        *("--networks", ",".join(names), "--output_dir", str(folder)),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchFailed(f"the sample networks: {done.stderr.strip()}")


async def _profile(plan: Plan, site: Site, expected: Expectations) -> float:
    """Run the plan's cells, write their durations to the store and return the seconds that they took in all."""
    run_id = f"{plan.spec.name}-{time.time_ns()}"
    async with open_lab(site) as lab:
        begun = time.monotonic()
        records = await profile_cells(plan.cells, lab, run_id, DIRECT, expected)
        took = time.monotonic() - begun
    for record in records:
        if not record.good:
            raise BenchFailed(f"{record.cell.label} failed: {record.failure}")
    write_durations(Store(site.store), plan.spec.name, run_id, records)
    return took


def _table(nights: list[Night]) -> Table:
    table = Table(box=SIMPLE)
    for name in ("where", "night", "cells", "predicted, s", "80 % range", "took, s", "took / predicted"):
        table.add_column(name, justify="left" if name in ("where", "night") else "right")
    for night in nights:
        seconds, low, high = night.foretold
        between = "" if low is None or high is None else f"{low:.1f} to {high:.1f}"
        table.add_row(
            night.where,
            night.night,
            str(night.cells),
            f"{seconds:.1f}",
            between,
            f"{night.took:.1f}",
            f"{night.share:.2f}",
        )
    return table
