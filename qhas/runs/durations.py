"""How long the cells of a sweep took last time: the forecast for its next run, and for other sweeps.

One small object per sweep, written when a run ends. It is only advice: nothing breaks if it is missing or old.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated

from pydantic import Field, ValidationError

from qhas.documents import Stored
from qhas.failures import Step
from qhas.profile.origin import Origin
from qhas.runs import keys
from qhas.runs.keys import network_of, soc_of
from qhas.runs.record import Attempt, CellRecord
from qhas.site.sdk import SdkKind
from qhas.store import Store
from qhas.sweep.expectation import Expectations
from qhas.sweep.forecast import NOTHING, Forecast, Seconds
from qhas.sweep.size import NetworkSize, sizes_of
from qhas.sweep.spec import Cell

_MOST_SWEEPS = 50
"""Number of other sweeps to learn from, the latest ones."""
CellKey = Annotated[str, Field(pattern="^[^/]+/[^/]+/[^/]+$")]
_ON_HOST = {
    Step.CONVERT: "convert",
    Step.QUANTIZE: "convert",
    Step.PREPARE: "prepare",
    Step.CHROMETRACE: "finish",
    Step.ACCURACY: "finish",
}
"""Parts of a forecast, keyed by the steps whose tools compute on this host."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Durations(Stored):
    """Seconds by cell key, the run they are from, and what other sweeps need to learn from them."""

    run_id: str
    seconds: dict[CellKey, tuple[Seconds, Seconds]]
    """Seconds of prepare and of the work on a device; 0 for what was in the store whenever the cell ran."""
    finish: dict[CellKey, Seconds] = Field(default={}, exclude_if=lambda finish: not finish)
    """Seconds of the viewer and of accuracy on this host, where known."""
    convert: dict[CellKey, Seconds] = Field(default={}, exclude_if=lambda convert: not convert)
    """Seconds of the network's conversion and quantisation, keyed by the cell that did it."""
    bytes: dict[str, Annotated[int, Field(ge=0, lt=1 << 50)]] = Field(
        default={}, exclude_if=lambda sizes: not sizes
    )
    """Size of each network's file, by network."""
    sdk: SdkKind | None = None
    measured: list[str] = []
    """SoCs whose cells ran on devices; the others are simulated."""

    @cached_property
    def forecasts(self) -> dict[str, Forecast]:
        """Forecasts by cell key."""
        more = (self.finish, self.convert)
        return {
            key: Forecast(*took, *(each.get(key, 0.0) for each in more)) for key, took in self.seconds.items()
        }

    def alike(self, key: CellKey, measured: Collection[str]) -> bool:
        """Whether the cell ran where it runs now: on a device, if its SoC is one of the `measured`, or simulated."""
        return (soc_of(key) in self.measured) == (soc_of(key) in measured)


def read_durations(store: Store, sweep: str) -> Durations:
    """Return what the sweep took, without any cell if it has not run yet. Raises StoreError."""
    return _durations(store.read(keys.durations(sweep)))


def expectations(
    store: Store,
    sweep: str,
    cells: Sequence[Cell],
    sdk: SdkKind | None,
    measured: Collection[str],
) -> Expectations:
    """Return what the cells of a sweep are expected to take.

    Based on its last run, the size of its networks, and what other sweeps took with an SDK of the same kind.
    `measured` are the SoCs that run on devices. Raises StoreError.
    """
    last = read_durations(store, sweep)
    known = {key: took for key, took in last.forecasts.items() if last.alike(key, measured)}
    if all(cell.key in known for cell in cells):
        return Expectations(known, measured=measured)
    sizes = sizes_of(cell.model for cell in cells)
    others = list(_others(store, sweep)) if sdk else []
    stored = {name: NetworkSize(size) for other in others for name, size in other.bytes.items()}
    expected = Expectations(known, stored | sizes, measured)
    for key, took in last.forecasts.items():
        if key not in known:
            expected.learn(key, took._replace(device=0.0))
    for other in others:
        if other.sdk is sdk:
            _learn(expected, other, sizes, measured)
    return expected


def _others(store: Store, sweep: str) -> Iterator[Durations]:
    others = [each for each in store.objects(keys.SWEEPS) if each.key != keys.durations(sweep)]
    latest = sorted(others, key=lambda each: each.modified or _LONG_AGO)[-_MOST_SWEEPS:]
    yield from map(_durations, store.read_all([each.key for each in latest]))


def _learn(
    expected: Expectations, other: Durations, sizes: Mapping[str, NetworkSize], measured: Collection[str]
) -> None:
    for key, took in other.forecasts.items():
        network = network_of(key)
        size = other.bytes.get(network)
        if size and size == sizes.get(network, NetworkSize(size)).bytes:  # else another network of that name
            expected.learn(key, took if other.alike(key, measured) else took._replace(device=0.0))


def _durations(content: bytes | None) -> Durations:
    try:
        return Durations.model_validate_json(content or b"")
    except ValidationError:
        return Durations(run_id="", seconds={})


def write_durations(store: Store, sweep: str, run_id: str, records: Sequence[CellRecord]) -> None:
    """Store what good cells took; for cells that failed or were not run, keep what is known. Raises StoreError."""
    last = read_durations(store, sweep)
    good = [record for record in records if record.good]
    ran = {record.cell.soc for record in good}
    measured = {soc for soc in last.measured if soc not in ran}
    measured |= {record.cell.soc for record in good if record.origin is Origin.DEVICE}
    before = {
        key: took if last.alike(key, measured) else took._replace(device=0.0)
        for key, took in last.forecasts.items()
    }
    took = before | {record.cell.key: _forecast(record, before) for record in good}
    now = Durations(
        run_id=run_id,
        seconds={key: each[:2] for key, each in took.items()},
        finish={key: each.finish for key, each in took.items() if each.finish},
        convert={key: each.convert for key, each in took.items() if each.convert},
        bytes=last.bytes | {record.cell.model.name: record.model.size for record in good if record.model},
        sdk=next((record.sdk.kind for record in good if record.sdk), last.sdk),
        measured=sorted(measured),
    )
    store.write(keys.durations(sweep), now.model_dump_json(indent=1).encode())


def _forecast(record: CellRecord, last: Mapping[str, Forecast]) -> Forecast:
    """Forecast a cell from what it took this time.

    A part that was in the store may not be there next time, so it gets its earlier forecast.
    """
    took = seconds_of(record.attempts, record.origin)
    if record.outputs_reused:
        took = took._replace(device=0.0)
    earlier = last.get(record.cell.key, NOTHING)
    return Forecast(*(round(now or before, 3) for now, before in zip(took, earlier, strict=True)))


def seconds_of(attempts: Iterable[Attempt], origin: Origin) -> Forecast:
    """Return what good attempts took, nothing for what was in the store.

    All work on a device counts. Work on this host counts by its tools, because attempts also wait for cores.
    """
    seconds = dict.fromkeys(Forecast._fields, 0.0)
    for attempt in _good(attempts):
        tools = sum(tool.seconds for tool in attempt.tools if not attempt.reused)
        if attempt.step.on_device:
            seconds["device"] += tools if origin is Origin.SIMULATOR else attempt.seconds or 0.0
        elif part := _ON_HOST.get(attempt.step):
            seconds[part] += tools
    return Forecast(**seconds)


def _good(attempts: Iterable[Attempt]) -> Iterator[Attempt]:
    return (each for each in attempts if each.failure is None and each.seconds is not None)
