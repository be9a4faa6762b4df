"""A tuning as Markdown. Names are data, so they are escaped."""

from __future__ import annotations

from collections.abc import Iterator

from qhas.markdown import as_text
from qhas.tune.effect_rows import TITLES, effect_rows
from qhas.tune.model import NOUN, Tried, Tuning
from qhas.units import microseconds, signed_percent, size


def page(tuning: Tuning) -> str:
    """Return the sentence, the block to paste, the effect of each option, and the alternatives."""
    return "\n".join(_lines(tuning)) + "\n"


def _lines(tuning: Tuning) -> Iterator[str]:
    yield f"# {as_text(tuning.network)} on {as_text(tuning.soc)}: options of graph-prepare\n"
    yield f"{as_text(tuning.sentence)}\n"
    yield f"```yaml\n{tuning.block}```\n"
    yield f"## What each option does to {NOUN[tuning.objective]}, simulated\n"
    yield f"| {' | '.join(TITLES)} |\n|---|---:|---:|---:|"
    for row in effect_rows(tuning):
        yield f"| {' | '.join(row)} |"
    yield "\n## Pareto front of time, DRAM and VTCM, simulated\n"
    yield "| options | time | DRAM | peak VTCM | context binary |\n|---|---:|---:|---:|---:|"
    for number in tuning.pareto:
        yield f"| {' | '.join(cells(tuning.tried[number]))} |"
    if tuning.decision and tuning.decision.timed:
        decision = tuning.decision
        yield f"\n## Measured on {as_text(decision.device)}, SDK {as_text(decision.sdk)}\n"
        yield "| options | median of the rounds | change | rounds |\n|---|---:|---:|---|"
        for number, each in enumerate(decision.timed):
            rounds = ", ".join(map(microseconds, each.rounds_us))
            change = signed_percent(decision.percent(number)) if number else ""
            yield f"| {each.words} | {microseconds(each.median_us)} | {change} | {rounds} |"
    yield f"\n{coverage(tuning)}"
    for refused in tuning.refused:
        yield f"- Not compiled: {as_text(str(refused.options))}: {as_text(refused.why)}"


def coverage(tuning: Tuning) -> str:
    """Return how much was tried, and how much of it compiled this time, as a sentence."""
    noun = "combination was" if len(tuning.tried) == 1 else "combinations were"
    return (
        f"{len(tuning.tried)} of {tuning.grid} {noun} tried, {tuning.compiled} compiled now, on SDK {tuning.sdk}; all figures "
        f"are simulated{', except those labelled measured' if tuning.decision and tuning.decision.timed else ''}."
    )


def cells(tried: Tried) -> list[str]:
    """Return a row of figures for display."""
    return [
        tried.options_text,
        microseconds(tried.time_us),
        size(tried.dram),
        size(tried.peak_vtcm),
        size(tried.context_bytes),
    ]
