"""The tables of docs/llm.md, made from the shipped figures and inserted between two marks there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.llm.pairs import by_runtime, calibrated, every_pair, near, outside
from qhas.llm.measured import known, simulated
from qhas.llm.pairs import pairs
from qhas.network.recipe import Attention
from qhas.truth.fit import LEAST

ROOT = Path(__file__).parents[2]
PAGE = Path("docs/llm.md")
START, END = "<!-- made by: python -m bench llm --write -->", "<!-- end of what is made -->"


def write() -> None:
    """Replace what is between the marks. Raises ValueError if there are no marks."""
    path = ROOT / PAGE
    path.write_text(put_into(path.read_text("utf-8"), tables()), encoding="utf-8")


def put_into(text: str, made: str) -> str:
    """Return the page with these tables."""
    before, _, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{PAGE} has no {START} followed by {END}")
    return f"{before}{START}\n\n{made}\n\n{END}{after}"


def tables() -> str:
    """Return everything that goes between the marks."""
    return "\n\n".join(_blocks())


def _blocks() -> Iterator[str]:
    chosen = {prefill: pairs(simulated(), prefill=prefill) for prefill in (False, True)}
    for title, prefill in (("Decode, tokens a second", False), ("Time to first token, ms", True)):
        found = chosen[prefill]
        yield f"### {title}"
        yield every_pair(found).markdown()
        if (ratios := by_runtime(found)).rows:
            yield ratios.markdown()
        counts = (
            (attention, *near([pair for pair in found if pair.made.attention == attention]))
            for attention in Attention
        )
        told = ", ".join(f"{held} of {of} {attention}" for attention, held, of in counts if of)
        yield f"Within 25 % of the nearer runtime: {told}."
    every = [*chosen[False], *chosen[True]]
    yield "### Expectation"
    architectures = {each.architecture for each in simulated()}
    yield f"{len(architectures)} of {len(known())} architectures that were measured are simulated."
    if (made := calibrated(every)).rows:
        yield made.markdown()
        yield "Outside the interval with their architecture left out:"
        yield outside(every).markdown()
    else:
        yield f"None is printed: no form of attention has {LEAST} architectures by a runtime."
