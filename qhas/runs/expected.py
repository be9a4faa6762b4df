"""What is shown beside a cell's simulated time: the time expected of a device, and what the simulator does not see.

Both are derived from the record when it is shown. They are never stored, compared or judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from qhas.profile.figures import TIME
from qhas.profile.metrics import Metrics
from qhas.profile.origin import Origin
from qhas.runs.record import CellRecord
from qhas.socs import KNOWN_SOCS
from qhas.truth.blind_spots import Seen, blind_spots, describe
from qhas.truth.calibration import Expectation, Unknown, expectation
from qhas.truth.traits import Traits


def expected(record: CellRecord) -> Expectation | Unknown | None:
    """Return the time a device is expected to take for a simulated cell; None if it has no simulated time."""
    if record.origin is not Origin.SIMULATOR or not record.good or record.metrics is None:
        return None
    if record.language:
        return Unknown("the time is of the blocks that were compiled, not of the whole language model")
    traits = record.traits or Traits()
    kind = traits.kind if record.traits else None
    return expectation(record.cell.soc, record.metrics.time_us, traits.precision, kind)


def unseen(record: CellRecord) -> list[str]:
    """Return sentences, without a full stop, on what the simulator does not see of this cell.

    They cover ops for which it has no cost, and what it is known to get wrong, with the evidence.
    """
    if record.origin is not Origin.SIMULATOR or not record.good or not record.metrics:
        return []
    left_out = record.metrics.simulation.incomplete if record.metrics.simulation else ""
    return [*([left_out] if left_out else []), *(_known(record, record.metrics) if record.traits else ())]


def _known(record: CellRecord, metrics: Metrics) -> Iterator[str]:
    shares = {share.op: share.dominant_percent for share in metrics.top_ops}
    soc = KNOWN_SOCS.get(record.cell.soc)
    arch = int(soc.hexagon.removeprefix("v")) if soc and soc.hexagon else None
    seen = Seen(record.traits or Traits(), float(metrics.time_us), arch, shares)
    return (describe(spot) for spot in blind_spots(seen))


def unseen_of(records: Iterable[CellRecord]) -> dict[str, list[str]]:
    """Return the sentences of `unseen` for many cells: each sentence once, with the labels of its cells."""
    cells = dict[str, list[str]]()
    for record in records:
        for line in unseen(record):
            cells.setdefault(line, []).append(record.cell.label)
    return cells


def own_interval(record: CellRecord) -> str:
    """The simulator's own interval as text; empty if there is none."""
    simulation = record.metrics.simulation if record.metrics and record.good else None
    return simulation.interval if simulation else ""


def moved(record: CellRecord) -> str:
    """What the simulator moves between VTCM and DRAM for lack of room, as text; empty if it is not reported."""
    simulation = record.metrics.simulation if record.metrics and record.good else None
    return simulation.moved if simulation else ""


def estimated_too(record: CellRecord) -> str:
    """State what the simulator says of a measured cell, or why it says nothing; empty if it was not estimated.

    As in `The simulator says 1,070 µs (host SDK 2.51.0)`.
    """
    made = record.estimated
    if made is None:
        return ""
    if made.simulated_us is None:
        return f"No estimate: {made.why}"
    return f"The simulator says {TIME.text(made.simulated_us)} (host SDK {made.sdk}): kept as a pair for qhas truth, not a figure of this cell."


def sentence(record: CellRecord) -> str:
    """State the simulated and the expected time; empty for a measured cell.

    As in `1.07 ms simulated; 1.09 (0.90 to 1.30) ms expected on IQ-9075, from 34 networks`.
    """
    foreseen = expected(record)
    if foreseen is None or record.metrics is None:
        return ""
    return f"{TIME.text(record.metrics.time_us)} simulated; {foreseen.sentence}"


def change(before: CellRecord, after: CellRecord) -> str:
    """State how the expectation changes, or why there is none; empty for measured cells.

    As in `1.18 (0.99 to 1.40) ms before, 1.30 (1.09 to 1.55) ms after, expected on IQ-9075`.
    """
    sides = expected(before), expected(after)
    if None in sides:
        return ""
    for side in sides:
        if isinstance(side, Unknown):
            return side.sentence
    old, new = (side for side in sides if isinstance(side, Expectation))
    where = new.device if old.device == new.device else f"{old.device} and {new.device}"
    return f"{old.text} ms before, {new.text} ms after, expected on {where}"


def document(record: CellRecord) -> dict[str, Any] | None:
    """Return the expectation for programs: in milliseconds, or why there is none. None for a measured cell."""
    match expected(record):
        case None:
            return None
        case Unknown(why):
            return {"expected_ms": None, "why": why, "unseen": unseen(record)}
        case Expectation() as foreseen:
            return {
                "expected_ms": round(foreseen.ms, 4),
                "low_ms": round(foreseen.low_ms, 4),
                "high_ms": round(foreseen.high_ms, 4),
                "device": foreseen.device,
                "networks": foreseen.networks,
                "beyond": foreseen.beyond,
                "unseen": unseen(record),
            }
