"""What stands beside the simulated rate of a language model's cell: what devices are expected to give. Made of the record when it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from qhas.llm.expected import Expected, expectations
from qhas.profile.language_figures import DECODE, FIRST_TOKEN
from qhas.runs.record import CellRecord
from qhas.truth.calibration import Unknown


def foreseen(record: CellRecord) -> tuple[Expected, ...] | Unknown | None:
    """By each runtime; None for a cell that says nothing of a whole language model."""
    language, model = record.language, record.cell.model.llm
    if language is None or model is None:
        return None
    return expectations(language.whole, record.cell.soc, language.context, model.recipe)


def sentence(record: CellRecord) -> str:
    """As in `43.3 tokens/s simulated; 41.6 (30.2 to 57.1) tokens/s expected on IQ-9075 by genie, from 9 architectures`; why nothing is
    expected; empty for what is no language model.
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
    """Of every graph of a language model, by its label."""
    return {record.cell.label: told for record in records if (told := sentence(record))}


def change(before: CellRecord, after: CellRecord) -> str:
    """Both sides, as in `41.6 (30.2 to 57.1) before, 35.1 (25.5 to 48.2) after, tokens/s expected on IQ-9075 by genie`; why there is nothing;
    empty for what is no language model.
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
    """For programs. None for what is no language model."""
    match foreseen(record):
        case None:
            return None
        case Unknown(why):
            return {"by_runtime": [], "why": why}
        case answer:
            return {"by_runtime": [each.document for each in answer]}
