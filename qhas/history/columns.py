"""The columns of the history: names, types, where each value comes from, and what it means.

Columns are added freely: in older files they read as null, and readers ignore columns they do not know. A change of
meaning raises `VERSION`, and readers refuse files of a newer version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

import pyarrow as pa

from qhas.devices.facts import Health, chip_celsius
from qhas.history.rerun import Rerun
from qhas.profile.figures import BY_COLUMN, Figure
from qhas.runs.condition import poor
from qhas.runs.record import CellRecord, SweepRecord

VERSION = 1
CONTROL = "control"
"""Tag of a model that never changes: if its latency moves, the device has moved."""


class Source(NamedTuple):
    """What a row is built from."""

    run: SweepRecord
    record: CellRecord
    rerun: Rerun | None = None


class Column(NamedTuple):
    """A column, and where its value is found in a Source: a path of attributes, or a function."""

    name: str
    type: pa.DataType
    read: str | Callable[[Source], Any]
    meaning: str

    def of(self, source: Source) -> Any:
        """Return the value for a row; None if the record has none."""
        if callable(self.read):
            return self.read(source)
        value: Any = source
        for name in self.read.split("."):
            value = getattr(value, name, None)
        return value


def night_of(run: SweepRecord) -> date:
    """Return the night a run belongs to: the UTC date on which it began, also for cells that finish or resume later."""
    return run.started_at.date()


def _health(when: str, read: Callable[[Health], Any]) -> Callable[[Source], Any]:
    def value(source: Source) -> Any:
        facts = source.record.health
        health: Health | None = getattr(facts, when) if facts else None
        return read(health) if health else None

    return value


def _around(name: str, kind: pa.DataType, read: Callable[[Health], Any], meaning: str) -> Iterator[Column]:
    for when in ("before", "after"):
        yield Column(f"{name}_{when}", kind, _health(when, read), f"{meaning}, {when} the runs")


_TEXT, _INT, _REAL, _TRUTH = pa.string(), pa.int64(), pa.float64(), pa.bool_()
_WORDS = pa.list_(pa.string())


def _of_record(figure: Figure) -> Callable[[Source], Any]:
    def value(source: Source) -> float | None:
        read = figure.read(source.record)
        return int(read) if figure.whole and read is not None else read

    return value


def _figures(*, noisy: bool) -> Iterator[Column]:
    """Yield the columns of figures that vary from run to run, or of those that do not."""
    for name, figure in BY_COLUMN.items():
        if figure.noisy is noisy:
            kind = _INT if figure.whole else _REAL
            yield Column(name, kind, _of_record(figure), figure.meaning)


COLUMNS: tuple[Column, ...] = (
    Column("date", pa.date32(), lambda source: night_of(source.run), "night of the run, UTC"),
    Column("network", _TEXT, "record.cell.model.name", "name of the model"),
    Column("soc", _TEXT, "record.cell.soc", "SoC it was prepared for"),
    Column("variant", _TEXT, "record.cell.variant", "variant of the sweep's grid"),
    Column("sweep", _TEXT, "run.spec.name", "name of the sweep"),
    Column("run_id", _TEXT, "run.run_id", "run"),
    Column("finished_at", pa.timestamp("us", "UTC"), "record.finished_at", "end of the cell"),
    Column("origin", _TEXT, "record.origin", "device: measured; simulator: estimated"),
    Column("control", _TRUTH, lambda source: CONTROL in source.record.cell.model.tags, "a control cell"),
    Column("status", _TEXT, "record.status", "complete or failed"),
    Column("failure", _TEXT, "record.failure.kind", "kind of the failure"),
    Column("perf_profile", _TEXT, "record.cell.run.perf_profile", "clocks requested from the runtime"),
    Column("sdk_kind", _TEXT, "record.sdk.kind", "vendor or host SDK"),
    Column("sdk_version", _TEXT, "record.sdk.version", "its version"),
    Column("model_sha256", _TEXT, "record.model.sha256", "digest of the un-cached DLC"),
    Column("prepared_key", _TEXT, "record.prepared.key", "content key of the prepared graph"),
    Column("prepared_sha256", _TEXT, "record.prepared.sha256", "digest of the prepared DLC"),
    Column(
        "graph_key",
        _TEXT,
        "record.prepared.graph",
        "content key that stays the same if the network is exported again",
    ),
    Column("device", _TEXT, "record.device.name", "the site's name of the device"),
    Column("serial", _TEXT, "record.device.address", "address of the device, including its serial"),
    Column("build", _TEXT, "record.device.build", "firmware, as the device reports it"),
    *_figures(noisy=True),
    Column(
        "poor",
        _WORDS,
        lambda source: poor(source.record.health, source.record.latency),
        "why the latency should not be quoted",
    ),
    Column("rerun_median_us", _REAL, "rerun.latency.median_us", "median latency of the re-run"),
    Column("rerun_serial", _TEXT, "rerun.device.address", "device of the re-run"),
    Column("rerun_device", _TEXT, "rerun.device.name", "its name"),
    Column("rerun_build", _TEXT, "rerun.device.build", "its firmware"),
    Column(
        "rerun_poor",
        _WORDS,
        lambda source: poor(source.rerun.health, source.rerun.latency) if source.rerun else None,
        "why the latency of the re-run should not be quoted",
    ),
    *_figures(noisy=False),
    *_around("thermal", pa.int16(), lambda health: health.thermal_status, "thermal status, 0 none to 6"),
    *_around("skin_celsius", _REAL, lambda health: health.skin_celsius, "temperature of the skin"),
    *_around("chip_celsius", _REAL, chip_celsius, "hottest sensor of CPU, GPU and NPU"),
    *_around("battery_percent", pa.int16(), lambda health: health.battery_percent, "battery"),
    *_around("charging", _TRUTH, lambda health: health.charging, "whether it was charging"),
    Column("waited_seconds", _REAL, "record.health.waited_seconds", "wait for a cool enough device"),
    Column("estimated_us", _REAL, "record.estimated.simulated_us", "simulated beside a device's figures"),
    Column("samples_us", pa.list_(pa.float32()), "record.latency.samples_us", "every timed inference"),
)
_KEY = COLUMNS[:7]

OP_COLUMNS: tuple[Column, ...] = (
    *_KEY,
    Column("op", _TEXT, "op.op", "op type of the network"),
    Column("cycles", _INT, "op.cycles", "sum over parallel threads"),
    Column("dominant_cycles", _INT, "op.dominant_cycles", "its part of the dominant path"),
    Column("dominant_percent", _REAL, "op.dominant_percent", "the same in percent of the path"),
)


def schema_of(columns: Iterable[Column]) -> pa.Schema:
    """Return the schema of a file with these columns."""
    return pa.schema([(column.name, column.type) for column in columns])


SCHEMA = schema_of(COLUMNS)
KEY_NAMES = tuple(column.name for column in _KEY)
"""Columns without which a row cannot be attributed to a cell."""
OP_SCHEMA = schema_of(OP_COLUMNS)


def cell_rows(run: SweepRecord, records: Iterable[CellRecord], reruns: Mapping[str, Rerun]) -> pa.Table:
    """Return one row per cell."""
    sources = [Source(run, record, reruns.get(record.cell.key)) for record in records]
    return pa.table(
        {column.name: pa.array(map(column.of, sources), column.type) for column in COLUMNS}, SCHEMA
    )


def op_rows(run: SweepRecord, records: Iterable[CellRecord]) -> pa.Table:
    """Return one row for each of the top ops of each cell."""
    rows = [
        {column.name: column.of(Source(run, record)) for column in _KEY} | op.model_dump()
        for record in records
        for op in (record.metrics.top_ops if record.metrics else ())
    ]
    return pa.Table.from_pylist(rows, OP_SCHEMA)
