"""A cell as a row for people: the same words in the terminal, the report and the Prefect UI."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from qhas.record import CellRecord, Origin

ORIGIN_TITLE = {
    Origin.DEVICE: "Measured on devices",
    Origin.SIMULATOR: "Simulated on a host, not measured",
}
UNSUPPORTED = "not supported by the vendor for this SoC"


@dataclass(frozen=True)
class Row:
    """The figures of a cell as text; empty where there are none. `order` sorts rows by time."""

    network: str
    soc: str
    variant: str
    status: str
    time: str = ""
    utilization: str = ""
    dram: str = ""
    vtcm: str = ""
    top_op: str = ""
    order: int = 0
    note: str = ""


def row(record: CellRecord) -> Row:
    """The row of a finished cell."""
    cell, metrics = record.cell, record.metrics
    named = partial(Row, network=cell.model.name, soc=cell.soc, variant=cell.variant)
    if record.failure:
        return named(status=record.failure.kind, note=f"{record.failure.message} {record.failure.hint}")
    if not metrics:
        return named(status=record.status)
    top = metrics.top_ops[0] if metrics.top_ops else None
    return named(
        status=record.status,
        time=microseconds(metrics.time_us),
        utilization=f"{metrics.utilization_percent:.1f}%",
        dram=size(metrics.dram_total),
        vtcm=size(metrics.peak_vtcm),
        top_op=f"{top.op} {top.dominant_percent:.0f}%" if top else "",
        order=metrics.time_us,
        note=UNSUPPORTED if metrics.estimate == "unsupported" else "",
    )


def statements(records: list[CellRecord]) -> list[str]:
    """What the files of these cells say of where their figures come from, each once."""
    return sorted({r.metrics.statement for r in records if r.metrics and r.metrics.statement})


def microseconds(value: int) -> str:
    """A time for people, as in `1,371 µs`."""
    return f"{value:,} µs"


def size(count: int) -> str:
    """Bytes for people, in MB of 10^6 bytes, as in `26.4 MB`."""
    return f"{count / 1e6:.2f} MB" if count < 10e6 else f"{count / 1e6:.1f} MB"


def by_origin(records: list[CellRecord]) -> list[tuple[Origin, list[CellRecord]]]:
    """Records in groups that may share a table: simulated and measured figures never do."""
    groups = [(origin, [record for record in records if record.origin is origin]) for origin in Origin]
    return [(origin, group) for origin, group in groups if group]
