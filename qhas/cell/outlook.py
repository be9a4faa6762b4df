"""The outlook of a sweep before it starts: its device time, what is already prepared, when it will finish."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from qhas.cell.calibration import calibration_digest, gather_calibration
from qhas.cell.conversion import made_key, origin_digest
from qhas.cell.prepared import PreparedGraphs, prepared_key
from qhas.failures import InvalidInput, StepFailed
from qhas.lab.duration import Expected, InStore, expect, least_seconds, shared_runs
from qhas.lab.lab import Lab, open_lab
from qhas.network.onnx_file import read_onnx
from qhas.runs.durations import expectations
from qhas.site import Site
from qhas.site.fit import UnknownSoc, sdks_of
from qhas.site.sdk import SdkKind
from qhas.store import Store
from qhas.sweep.forecast import Forecast
from qhas.sweep.plan import Plan
from qhas.sweep.spec import Cell, ModelRef


@dataclass(frozen=True)
class Outlook:
    """Forecasts by cell key, which of them rest on an earlier run, and the cells whose graph is in the store.

    Without an SDK it is unknown what is prepared: `unknown` then says why.
    """

    forecasts: Mapping[str, Forecast]
    known: frozenset[str]
    prepared: frozenset[str]
    unknown: str | None
    seconds: float
    """Seconds from start to end if nothing else uses the lab and nothing fails: the least that it takes."""
    expected: Expected | None
    """What it takes in the order in which cells will start; None if there are more cells than are rehearsed."""

    @property
    def device_seconds(self) -> float:
        """The device time of all cells together."""
        return sum(forecast.device for forecast in self.forecasts.values())


async def look_ahead(plan: Plan, site: Site) -> Outlook:
    """Work out the outlook from the store and the SDK. Raises StoreError, UnknownSoc."""
    kind: SdkKind | None = None
    unknown: str | None = None
    made, prepared = set[str](), set[str]()
    try:
        async with open_lab(site, sdks=await asyncio.to_thread(sdks_of, site, plan.cells)) as lab:
            kind = lab.sdk.kind
            contents = Contents(lab)
            for cell in plan.cells:
                found = await contents.found(cell)
                made |= {cell.key} if found.made else set()
                prepared |= {cell.key} if found.prepared else set()
    except UnknownSoc:
        raise
    except InvalidInput as error:
        unknown = str(error)
    expected = await asyncio.to_thread(
        expectations, Store(site.store), plan.spec.name, plan.cells, kind, site.measured_socs()
    )
    forecasts = {cell.key: expected.of(cell) for cell in plan.cells}
    cores = site.host.cores or os.cpu_count() or 1
    # A simulator may be listed as a device as well, but computes on this host.
    devices = {soc: count for soc, count in site.devices_by_soc().items() if soc in site.measured_socs()}
    known = frozenset(cell.key for cell in plan.cells if expected.knows(cell))
    stored = InStore(made, prepared)
    if kind is SdkKind.HOST:
        executed = {cell.key for cell in plan.cells if cell.model.executes}
        stored = InStore(made, prepared, executed & known & prepared | shared_runs(plan.cells, devices))
    return Outlook(
        forecasts=forecasts,
        known=known,
        prepared=frozenset(prepared),
        unknown=unknown,
        seconds=least_seconds(stored.left_of(forecasts, devices), devices, cores),
        expected=await asyncio.to_thread(expect, plan.cells, expected, stored, devices, cores),
    )


class Found(NamedTuple):
    """Whether the store has a cell's network ready to be prepared, and its graph; False if that is unknown."""

    made: bool = False
    prepared: bool = False


class Contents:
    """The networks and graphs of a lab's cells that its store already has. Each content is looked up once."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._graphs = PreparedGraphs(lab.store)
        self._calibrated = dict[str, str]()
        """Digests of calibration data by network name."""
        self._held = dict[str, bool]()

    async def found(self, cell: Cell) -> Found:
        """Look the cell up; report nothing as found if something would have to be fetched to know."""
        name, quantization, sdk = cell.model.name, cell.model.quantize, self._lab.sdk_of(cell)
        if quantization and "://" in quantization.calibration:
            return Found()
        try:
            source, _ = await self._lab.model(cell.model)
            origin = await asyncio.to_thread(origin_digest, cell, source)
            if quantization and name not in self._calibrated:
                self._calibrated[name] = await asyncio.to_thread(_calibration_digest, cell.model, source.path)
        except (StepFailed, InvalidInput, OSError, ValueError):
            return Found()
        made = made_key(cell, sdk, origin, self._calibrated[name] if quantization else "")
        return Found(await self._holds(made), await self._holds(prepared_key(cell, sdk, made)))

    async def _holds(self, key: str) -> bool:
        if key not in self._held:
            self._held[key] = await asyncio.to_thread(self._graphs.holds, key)
        return self._held[key]


def _calibration_digest(model: ModelRef, network: Path) -> str:
    with TemporaryDirectory(prefix="qhas-calibration-") as scratch:
        folder = Path(scratch, "data")
        gather_calibration(model, read_onnx(network), folder)
        return calibration_digest(folder)
