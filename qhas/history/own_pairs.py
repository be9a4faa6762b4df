"""A lab's own pairs: the same DLC on the same SoC, simulated and measured on a device, in one cell or on two nights."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from qhas.history.reading import Where, read_history
from qhas.runs.record import Origin
from qhas.store import Store

_COLUMNS = (
    *("date", "finished_at", "network", "soc", "variant", "origin", "model_sha256"),
    *("time_us", "median_us", "estimated_us", "poor", "device"),
)


class OwnPair(NamedTuple):
    """The simulator's estimate and a device's median of warm latencies, in microseconds, each from its last night."""

    network: str
    soc: str
    variant: str
    device: str
    simulated_us: float
    simulated_on: date
    measured_us: float
    measured_on: date

    @property
    def ratio(self) -> float:
        """Measured over simulated time."""
        return self.measured_us / self.simulated_us


Key = tuple[str, str, str, str]


def own_pairs(store: Store) -> list[OwnPair]:
    """Return a pair for every DLC, SoC and variant that has both, by name. Raises StoreError.

    Latencies that should not be quoted are left out.
    """
    simulated, measured = dict[Key, Mapping[str, Any]](), dict[Key, Mapping[str, Any]]()
    for row in read_history(store, Where(), _COLUMNS).to_pylist():
        key = (row["network"], row["soc"], row["variant"], row["model_sha256"] or "")
        if row["origin"] == Origin.SIMULATOR and row["time_us"]:
            simulated[key] = row
        elif row["origin"] == Origin.DEVICE and row["median_us"] and not row["poor"]:
            measured[key] = row
            if row["estimated_us"]:
                simulated[key] = row | {"time_us": row["estimated_us"]}
    return [
        OwnPair(
            *key[:3],
            device=measured[key]["device"] or "",
            simulated_us=simulated[key]["time_us"],
            simulated_on=simulated[key]["date"],
            measured_us=measured[key]["median_us"],
            measured_on=measured[key]["date"],
        )
        for key in sorted(simulated.keys() & measured.keys())
    ]
