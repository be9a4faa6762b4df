"""What a sweep will take before it is started: device time, what is prepared already, when it will end."""

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
from qhas.lab.duration import Expected, InStore, expect, least_seconds
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

    Without an SDK nobody can say what is prepared: `unknown` then tells why.
    """

    forecasts: Mapping[str, Forecast]
    known: frozenset[str]
    prepared: frozenset[str]
    unknown: str | None
    seconds: float
    """From start to end, if nothing else uses the lab and nothing fails: the least that it takes."""
    expected: Expected | None
    """What it takes in the order in which cells will start; None of more cells than are rehearsed."""

    @property
    def device_seconds(self) -> float:
        """Device time of all cells."""
        return sum(forecast.device for forecast in self.forecasts.values())


async def look_ahead(plan: Plan, site: Site) -> Outlook:
    """Ask the store and the SDK. Raises StoreError, UnknownSoc."""
    kind: SdkKind | None = None
    unknown: str | None = None
    made, prepared = set[str](), set[str]()
    try:
        async with open_lab(site, sdks=await asyncio.to_thread(sdks_of, site, plan.cells)) as lab:
            kind = lab.sdk.kind
            contents = _Contents(lab)
            for cell in plan.cells:
                if keys := await contents.keys_of(cell):
                    made |= {cell.key} if await contents.holds(keys.made) else set()
                    prepared |= {cell.key} if await contents.holds(keys.prepared) else set()
    except UnknownSoc:
        raise
    except InvalidInput as error:
        unknown = str(error)
    expected = await asyncio.to_thread(
        expectations, Store(site.store), plan.spec.name, plan.cells, kind, site.measured_socs()
    )
    forecasts = {cell.key: expected.of(cell) for cell in plan.cells}
    devices, cores = site.devices_by_soc(), site.host.cores or os.cpu_count() or 1
    known = frozenset(cell.key for cell in plan.cells if expected.knows(cell))
    stored = InStore(made, prepared, emulated=known & prepared if kind is SdkKind.HOST else ())
    return Outlook(
        forecasts=forecasts,
        known=known,
        prepared=frozenset(prepared),
        unknown=unknown,
        seconds=least_seconds(stored.left_of(forecasts, devices), devices, cores),
        expected=await asyncio.to_thread(expect, plan.cells, expected, stored, devices, cores),
    )


class _Keys(NamedTuple):
    """Content keys of what a cell's prepare takes and leaves."""

    made: str
    prepared: str


class _Contents:
    """What of the cells is in the lab's store. Each content is asked for once."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._graphs = PreparedGraphs(lab.store)
        self._calibrated = dict[str, str]()
        """Digests of calibration data by network."""
        self._held = dict[str, bool]()

    async def keys_of(self, cell: Cell) -> _Keys | None:
        """None where that cannot be told without fetching something, or is not to be told at all."""
        name, quantization = cell.model.name, cell.model.quantize
        if quantization and "://" in quantization.calibration:
            return None
        try:
            source, _ = await self._lab.model(cell.model)
            origin = await asyncio.to_thread(origin_digest, cell, source)
            if quantization and name not in self._calibrated:
                self._calibrated[name] = await asyncio.to_thread(_calibration_digest, cell.model, source.path)
        except (StepFailed, InvalidInput, OSError, ValueError):
            return None
        sdk = self._lab.sdk_of(cell)
        made = made_key(cell, sdk, origin, self._calibrated[name] if quantization else "")
        return _Keys(made, prepared_key(cell, sdk, made))

    async def holds(self, key: str) -> bool:
        """Whether the store has it."""
        if key not in self._held:
            self._held[key] = await asyncio.to_thread(self._graphs.holds, key)
        return self._held[key]


def _calibration_digest(model: ModelRef, network: Path) -> str:
    with TemporaryDirectory(prefix="qhas-calibration-") as scratch:
        folder = Path(scratch, "data")
        gather_calibration(model, read_onnx(network), folder)
        return calibration_digest(folder)
