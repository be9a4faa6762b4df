"""What a page says about the profiled inferences and about what their time was spent on."""

from __future__ import annotations

from qhas.profile.figures import FORMAT_CHANGE_SHARE, FORMAT_CHANGES, REFERENCE_OPS, REFERENCE_SHARE, WARM
from qhas.runs.record import CellRecord, Origin
from qhas.units import count, megahertz, percent


def phases(record: CellRecord) -> list[str]:
    """Return the phases of all inferences in the order in which they begin; none for a simulator's only inference."""
    runtrace = record.runtrace
    if runtrace is None or record.origin is Origin.SIMULATOR:
        return []
    return list(dict.fromkeys(phase.name for inference in runtrace.inferences for phase in inference.phases))


def runtrace_note(record: CellRecord) -> str:
    """Describe what the table of inferences holds; empty without one."""
    runtrace = record.runtrace
    if runtrace is None or not runtrace.inferences:
        return ""
    first = runtrace.inferences[0]
    shown = len(runtrace.inferences)
    phrases = [
        f"{count(runtrace.count)} profiled inferences of {first.graph or 'the graph'} on core {first.core}"
    ]
    if shown < runtrace.count:
        phrases.append(f"the first {shown} of them below")
    phrases.append("the first one is cold; trace and QHAS show that one")
    if runtrace.warm_us is None:
        phrases.append("none of them is warm")
    else:
        clock = f" at {megahertz(runtrace.warm_clock_mhz)}" if runtrace.warm_clock_mhz else ""
        phrases.append(f"the median graph time of the warm ones is {WARM.text(runtrace.warm_us)}{clock}")
    return f"{'; '.join(phrases)}. With profiling on, none of them is a latency."


def costs(record: CellRecord) -> str:
    """State how much of the dominant path goes into format changes and reference ops; empty if there are none."""
    phrases = []
    for number, share in ((FORMAT_CHANGES, FORMAT_CHANGE_SHARE), (REFERENCE_OPS, REFERENCE_SHARE)):
        ops, part = number.read(record), share.read(record)
        if ops and part is not None:
            phrases.append(
                f"{count(ops)} {number.title_of(record.origin)} take {percent(part)} of the dominant path"
            )
    return f"{' and '.join(phrases)}." if phrases else ""
