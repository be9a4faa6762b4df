"""What a sweep will take before it is started: device time, what is prepared already, when it will end."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from qhas.cell.conversion import made_key, origin_digest
from qhas.cell.prepared import PreparedGraphs, prepared_key
from qhas.failures import InvalidInput, StepFailed
from qhas.lab.lab import Lab, open_lab
from qhas.runs.durations import read_durations
from qhas.site import Site, Transport
from qhas.site.fit import UnknownSoc, sdks_of
from qhas.store import Store
from qhas.sweep.forecast import SIMULATED, Forecast
from qhas.sweep.plan import Plan
from qhas.sweep.spec import Cell


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
    """From start to end, if nothing else uses the lab and nothing fails: the larger of host and busiest devices."""

    @property
    def device_seconds(self) -> float:
        """Device time of all cells."""
        return sum(forecast.device for forecast in self.forecasts.values())


async def look_ahead(plan: Plan, site: Site) -> Outlook:
    """Ask the store and the SDK. Raises StoreError, UnknownSoc."""
    known = await asyncio.to_thread(read_durations, Store(site.store), plan.spec.name)
    real = {device.soc for device in site.devices if device.transport is not Transport.HOST}
    forecasts = {
        cell.key: known.get(cell.key) or (Forecast() if cell.soc in real else SIMULATED)
        for cell in plan.cells
    }
    unknown: str | None = None
    try:
        async with open_lab(site, sdks=await asyncio.to_thread(sdks_of, site, plan.cells)) as lab:
            prepared = frozenset([cell.key for cell in plan.cells if await _is_prepared(cell, lab)])
    except UnknownSoc:
        raise
    except InvalidInput as error:
        prepared, unknown = frozenset(), str(error)
    return Outlook(
        forecasts=forecasts,
        known=frozenset(key for key in forecasts if key in known),
        prepared=prepared,
        unknown=unknown,
        seconds=_least_seconds(plan, site, forecasts, prepared),
    )


async def _is_prepared(cell: Cell, lab: Lab) -> bool:
    try:
        source, _ = await lab.model(cell.model)
        origin = await asyncio.to_thread(origin_digest, cell, source)
    except (StepFailed, InvalidInput):
        return False
    if cell.model.quantize:  # its calibration data would have to be fetched to know
        return False
    sdk = lab.sdk_of(cell)
    key = prepared_key(cell, sdk, made_key(cell, sdk, origin))
    return await asyncio.to_thread(PreparedGraphs(lab.store).holds, key)


def _least_seconds(
    plan: Plan, site: Site, forecasts: Mapping[str, Forecast], prepared: frozenset[str]
) -> float:
    devices, busy = site.devices_by_soc(), defaultdict[str, float](float)
    host = sum(forecast.prepare for key, forecast in forecasts.items() if key not in prepared)
    for cell in plan.cells:
        if cell.soc in devices:
            busy[cell.soc] += forecasts[cell.key].device / devices[cell.soc]
        else:
            host += forecasts[cell.key].device  # the simulator computes here
    return max(host / (site.host.cores or os.cpu_count() or 1), *busy.values(), 0.0)
