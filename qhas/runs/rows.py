"""A cell as a row for readers: the same words in the terminal, the report and the Prefect UI."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from qhas.profile.accuracy import Accuracy
from qhas.profile.diagview import spread_percent
from qhas.profile.figures import COSINE, DRAM, LATENCY, P90, PEAK_VTCM, SQNR, TIME, Figure
from qhas.profile.language_figures import DECODE, PREFILL
from qhas.profile.metrics import Latency, Metrics
from qhas.runs.condition import before_after, poor
from qhas.runs.expected import expected
from qhas.runs.record import BudgetState, CellRecord, Origin, SitePart
from qhas.truth.calibration import Expectation, Unknown, checked_networks
from qhas.truth.tables import device_of
from qhas.units import words

ORIGIN_TITLE = {
    Origin.DEVICE: "Measured on devices",
    Origin.SIMULATOR: "Simulated on a host, not measured",
}
UNSUPPORTED = "not supported by the vendor for this SoC"
POOR = "poor"
"""Marks a latency that should not be quoted; the row's note says why."""

HMX = "HMX"
"""Title of the share of the timeline in which the matrix engine works.

The vendor's utilisation also includes waits.
"""
_SOCS = "\0"
"""Placeholder for the SoC in a sentence; it occurs in no sentence."""
OVER = "over"
"""Marks a cell that is over its budget."""


@dataclass(frozen=True)
class Row:
    """The figures of a cell as text; empty if there are none."""

    network: str
    soc: str
    variant: str
    status: str
    device: str = ""
    median: str = ""
    p90: str = ""
    spread: str = ""
    mark: str = ""
    tokens: str = ""
    time: str = ""
    expected: str = ""
    hmx: str = ""
    dram: str = ""
    vtcm: str = ""
    cosine: str = ""
    sqnr: str = ""
    top_op: str = ""
    health: str = ""
    note: str = ""
    budget: str = ""


class Column(NamedTuple):
    """A field of a row under its title."""

    field: str
    title: str
    numeric: bool = False


def _column(field: str, figure: Figure) -> Column:
    return Column(field, figure.title_of(Origin.DEVICE), numeric=True)


_CELL = (
    Column("network", "network"),
    Column("soc", "SoC"),
    Column("variant", "variant"),
    Column("status", "status"),
    Column("budget", "budget"),
)
_QHAS = (
    Column("hmx", HMX, numeric=True),
    _column("dram", DRAM),
    _column("vtcm", PEAK_VTCM),
    Column("top_op", "top op, share of dominant path"),
)
_ACCURACY = (
    Column("cosine", COSINE.short_of(Origin.DEVICE), numeric=True),
    Column("sqnr", SQNR.short_of(Origin.DEVICE), numeric=True),
)
COLUMNS: dict[Origin, tuple[Column, ...]] = {
    Origin.DEVICE: (
        *_CELL,
        Column("device", "device"),
        Column("median", LATENCY.short_of(Origin.DEVICE), numeric=True),
        _column("p90", P90),
        Column("spread", "spread", numeric=True),
        Column("mark", "mark"),
        _column("time", TIME),
        *_ACCURACY,
        *_QHAS,
        Column("health", "before → after"),
    ),
    Origin.SIMULATOR: (
        *_CELL,
        Column("tokens", "tokens/s", numeric=True),
        Column("time", TIME.short_of(Origin.SIMULATOR), numeric=True),
        Column("expected", "expected ms", numeric=True),
        *_ACCURACY,
        *_QHAS,
    ),
}
"""The columns that a report shows for cells, by the origin of their figures. What may be quoted comes first."""


def row(record: CellRecord) -> Row:
    """Return the row of a finished cell."""
    cell = record.cell
    start = Row(
        network=cell.model.name,
        soc=cell.soc,
        variant=cell.variant,
        status=record.failure.kind if record.failure else record.status,
        device=_device(record),
        health=before_after(record.health) if record.health else "",
        budget=_budget(record),
        tokens=_tokens(record),
    )
    if record.failure:
        return replace(start, note=f"{record.failure.message} {record.failure.hint}")
    if record.metrics:
        start = _with_qhas(start, record.metrics)
        start = replace(start, expected=_expected(record))
    if record.accuracy:
        start = _with_accuracy(start, record.accuracy)
    return _with_latency(start, record, record.latency) if record.latency else start


def _budget(record: CellRecord) -> str:
    """State how the cell did against its budget; empty if it has none."""
    judged = [result for result in record.budgets if result.state is not BudgetState.NOT_JUDGED]
    if any(result.state is BudgetState.ACCEPTED for result in judged) and not record.over_budget:
        return "accepted"
    return OVER if record.over_budget else "kept" if judged else ""


def _tokens(record: CellRecord) -> str:
    """Return the tokens/s of the pass that a language model's graph belongs to."""
    return next(
        (each.text(rate) for each in (DECODE, PREFILL) if (rate := each.read(record)) is not None), ""
    )


def _device(record: CellRecord) -> str:
    """Name the device; for a failed cell, every device that it was tried on."""
    if record.origin is Origin.SIMULATOR:
        return ""
    tried = [attempt.device for attempt in record.attempts if attempt.device and attempt.failure]
    last = [record.device.name] if record.device else []
    return ", ".join(dict.fromkeys([*tried, *last] if record.failure else last))


def _with_qhas(start: Row, metrics: Metrics) -> Row:
    top = metrics.top_ops[0] if metrics.top_ops else None
    return replace(
        start,
        time=TIME.text(metrics.time_us),
        hmx=_of_the_timeline(metrics.hmx_cycles, metrics.timeline_cycles),
        dram=DRAM.text(metrics.dram_total),
        vtcm=PEAK_VTCM.text(metrics.peak_vtcm),
        top_op=f"{top.op} {top.dominant_percent:.0f}%" if top else "",
        note=_unsupported(start.soc) if metrics.estimate == "unsupported" else "",
    )


def _of_the_timeline(cycles: int | None, timeline: int) -> str:
    """Return the share in percent; empty if unknown, as for several cores, whose cycles are summed."""
    return f"{100 * cycles / timeline:.1f}%" if cycles is not None and cycles <= timeline else ""


def _with_accuracy(start: Row, accuracy: Accuracy) -> Row:
    texts = {
        "cosine": COSINE.text(accuracy.cosine) if accuracy.cosine is not None else "",
        "sqnr": SQNR.text(accuracy.sqnr_db) if accuracy.sqnr_db is not None else "",
    }
    return replace(start, **texts)


def _unsupported(soc: str) -> str:
    device = device_of(soc)
    networks = checked_networks(device) if device else 0
    return (
        f"{UNSUPPORTED}; checked against {networks} networks on {device.title}"
        if device and networks
        else UNSUPPORTED
    )


def _expected(record: CellRecord) -> str:
    match expected(record):
        case Expectation() as expectation:
            return expectation.text
        case Unknown():
            return "not known"
    return ""


def _with_latency(start: Row, record: CellRecord, latency: Latency) -> Row:
    reasons = poor(record.health, latency)
    return replace(
        start,
        median=LATENCY.text(latency.median_us),
        p90=P90.text(latency.p90_us),
        spread=f"{spread_percent(latency):.0f}%",
        mark=POOR if reasons else "",
        note=f"{', '.join(reasons)}: do not quote the latency" if reasons else start.note,
    )


def legend(records: list[CellRecord]) -> list[str]:
    """State what the times of these cells mean, each sentence once, and what their files say of their figures."""
    latencies = [record.latency for record in records if record.latency and record.good]
    counts = sorted({len(latency.samples_us) for latency in latencies})
    sentences = []
    if latencies:
        sentences.append(
            f"Latency: {' or '.join(map(str, counts))} inferences after the warm-ups, with op profiling off; "
            "spread is from the fastest to p90, in percent of the median."
        )
    if any(record.metrics and record.origin is Origin.DEVICE for record in records):
        sentences.append("QHAS time is that of the first, cold, profiled inference, never a latency.")
    return [
        *sentences,
        *scaled(records),
        *_accuracy_over(records),
        *expectations(records),
        *statements(records),
    ]


def scaled(records: list[CellRecord]) -> list[str]:
    """State what was compiled of language models and what was scaled, each sentence once."""
    return [
        f"Tokens/s are for the whole model, everything else for the graph as compiled: {sentence}."
        for sentence in dict.fromkeys(record.language.sentence for record in records if record.language)
    ]


def _accuracy_over(records: list[CellRecord]) -> list[str]:
    """State the inferences that accuracy covers, if there is more than one."""
    counts = {
        each.accuracy.over: each.accuracy.inferences
        for each in records
        if each.accuracy and not each.accuracy.why
    }
    scopes = " or ".join(sorted(counts, key=lambda over: counts[over]))
    return (
        [f"Accuracy is {scopes}, over all their values together."]
        if any(n > 1 for n in counts.values())
        else []
    )


def expectations(records: list[CellRecord]) -> list[str]:
    """State what the expected times of these cells are based on, or why there are none, each sentence once."""
    answers = [answer for record in records if (answer := expected(record))]
    bases = sorted({answer.basis for answer in answers if isinstance(answer, Expectation)})
    reasons = _each_once(
        (record.cell.soc, answer.sentence)
        for record in records
        if isinstance(answer := expected(record), Unknown)
    )
    sentences = (
        [f"Expected: {'; '.join(bases)}; in brackets: the range that holds 8 of 10 networks."]
        if bases
        else []
    )
    return sentences + [f"Expected times are not known: {sentence}." for sentence in reasons]


def statements(records: list[CellRecord]) -> list[str]:
    """Return what the files of these cells say of where their figures come from, each sentence once."""
    return _each_once((r.cell.soc, r.metrics.statement) for r in records if r.metrics and r.metrics.statement)


def _each_once(sentences: Iterable[tuple[str, str]]) -> list[str]:
    """Merge sentences that differ only in the SoC into one that names all of the SoCs."""
    socs: defaultdict[str, set[str]] = defaultdict(set)
    for soc, sentence in sentences:
        socs[re.sub(rf"\b{re.escape(soc.upper())}\b", _SOCS, sentence)].add(soc.upper())
    return sorted(sentence.replace(_SOCS, _listed(sorted(names))) for sentence, names in socs.items())


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def without_accuracy(records: Iterable[CellRecord]) -> dict[str, list[str]]:
    """Return why cells ran without accuracy though their networks have an ONNX, each reason with the cells' labels."""
    reasons: dict[str, list[str]] = {}
    for record in records:
        if record.accuracy and record.accuracy.why:
            reasons.setdefault(record.accuracy.why, []).append(record.cell.label)
    return reasons


def by_origin(records: list[CellRecord]) -> list[tuple[Origin, list[CellRecord]]]:
    """Group records that may share a table: simulated and measured figures never do."""
    groups = [(origin, [record for record in records if record.origin is origin]) for origin in Origin]
    return [(origin, group) for origin, group in groups if group]


_WHERE_THERE_ARE = ("mark", "tokens", "health", "budget", "cosine", "sqnr")


def columns(origin: Origin, records: list[CellRecord]) -> list[Column]:
    """Return the columns of a group: no variants if there is no choice, no marks if nothing is marked."""
    rows = [row(record) for record in records]
    idle = {"variant"} if all(line.variant == "default" for line in rows) else set[str]()
    idle |= {name for name in _WHERE_THERE_ARE if not any(getattr(line, name) for line in rows)}
    return [column for column in COLUMNS[origin] if column.field not in idle]


def site_table(parts: Iterable[SitePart]) -> list[dict[str, str]]:
    """Return a row per site, by column title.

    A flow run is given as its page in the Prefect UI, if that is known.
    """
    return [
        {
            "site": part.site,
            "state": words(part.state),
            "cells": str(part.cells),
            "good": str(part.good),
            "failed": str(part.failed),
            "missing": str(part.missing),
            "why": part.why or "",
            "flow run": part.flow_run_url or part.flow_run,
        }
        for part in parts
    ]
