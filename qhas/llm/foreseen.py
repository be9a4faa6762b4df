"""Expectations of devices, shown beside the simulated rate of a language model's cell; computed from the record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from qhas.llm.expected import Expected, expectations
from qhas.profile.language_figures import DECODE, FIRST_TOKEN
from qhas.runs.record import CellRecord
from qhas.truth.calibration import Unknown


def foreseen(record: CellRecord) -> tuple[Expected, ...] | Unknown | None:
    """Return each runtime's expectation, or why there is none; None unless the cell covers a whole language model."""
    language, model = record.language, record.cell.model.llm
    if language is None or model is None:
        return None
    return expectations(language.whole, record.cell.soc, language.context, model.recipe)


def sentence(record: CellRecord) -> str:
    """Return the simulated figure and what is expected, or why nothing is; empty unless it is a language model.

    As in `43.3 tokens/s simulated; 41.6 (30.2 to 57.1) tokens/s expected on IQ-9075 by genie, from 9 architectures`.
    """
    answer = foreseen(record)
    if answer is None:
        return ""
    rate = DECODE.read(record)
    simulated = (
        f"{DECODE.text(rate)} tokens/s"
        if rate is not None
        else FIRST_TOKEN.text(FIRST_TOKEN.read(record) or 0)
    )
    ranges = [answer.sentence] if isinstance(answer, Unknown) else [each.sentence for each in answer]
    return "; ".join([f"{simulated} simulated", *ranges])


def sentences(records: Iterable[CellRecord]) -> dict[str, str]:
    """Return the sentences of all graphs of language models, keyed by label."""
    return {record.cell.label: told for record in records if (told := sentence(record))}


def change(before: CellRecord, after: CellRecord) -> str:
    """Return what is expected on both sides, or why nothing is; empty unless it is a language model.

    As in `41.6 (30.2 to 57.1) before, 35.1 (25.5 to 48.2) after, tokens/s expected on IQ-9075 by genie`.
    """
    old, new = foreseen(before), foreseen(after)
    for side in (old, new):
        if isinstance(side, Unknown):
            return side.sentence
    return "; ".join(_changes(old, new)) if isinstance(old, tuple) and isinstance(new, tuple) else ""


def _changes(old: tuple[Expected, ...], new: tuple[Expected, ...]) -> Iterator[str]:
    former = {each.runtime: each for each in old}
    for each in new:
        if each.runtime in former:
            where = f"{each.unit} expected on {each.device} by {each.runtime}"
            yield f"{former[each.runtime].text} before, {each.text} after, {where}"


def document(record: CellRecord) -> dict[str, Any] | None:
    """Return the expectations as plain data for programs; None unless it is a language model."""
    match foreseen(record):
        case None:
            return None
        case Unknown(why):
            return {"by_runtime": [], "why": why}
        case answer:
            return {"by_runtime": [each.document for each in answer]}
