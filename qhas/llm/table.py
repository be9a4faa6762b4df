"""An answer as table rows for readers."""

from __future__ import annotations

from qhas.llm.expected import Expected
from qhas.llm.model import LlmAnswer, LlmFigures, Outlook
from qhas.llm.pairs import RUNTIMES
from qhas.profile.language import PassFigures
from qhas.truth.calibration import Unknown, figure
from qhas.units import mebibytes, rate, size

Rows = tuple[list[str], list[list[str]]]
"""Column titles, and rows of the same length."""
_MOST_PARTS = 8


def figure_rows(answer: LlmAnswer) -> Rows:
    """Return one row per SoC and context."""
    titles = [
        "SoC and context", "decode, tokens/s", "prefill, tokens/s", "first token", "DRAM a token", "weights", "cache", "rest",
        "of DRAM's peak", "peak VTCM", "context binary",
    ]  # fmt: skip
    return titles, [_figures(each) for each in answer.figures]


def _figures(each: LlmFigures) -> list[str]:
    decode, peak = each.decode, each.decode.of_dram_peak
    return [
        f"{each.soc} {each.context:,}",
        rate(each.decode_tokens_per_s),
        rate(each.prefill_tokens_per_s),
        f"{each.first_token_ms:,.0f} ms",
        size(decode.read + decode.written),
        size(decode.weights),
        size(decode.cache),
        size(decode.rest),
        "" if peak is None else f"{peak:.0f} %",
        mebibytes(max(decode.peak_vtcm, each.prefill.peak_vtcm)),
        size(each.context_bytes),
    ]


def expected_rows(answer: LlmAnswer) -> Rows:
    """Return one row per SoC, context and pass that has an expectation, with one column per runtime."""
    titles = ["expected (in brackets: the range that holds 8 of 10 architectures)", "simulated", *RUNTIMES]
    return titles, [_outlook(each, each.answer) for each in answer.expected if isinstance(each.answer, tuple)]


def _outlook(each: Outlook, expected: tuple[Expected, ...]) -> list[str]:
    decodes = each.whole.decodes
    what = "decode, tokens/s" if decodes else "first token, ms"
    simulated = each.whole.tokens_per_s if decodes else each.whole.time_us / 1000
    by_runtime = {
        expectation.runtime: f"{expectation.text}{'*' if expectation.beyond else ''}"
        for expectation in expected
    }
    title = f"{expected[0].device} ({each.soc}) {each.context:,} {what}"
    return [title, figure(simulated), *(by_runtime.get(name, "") for name in RUNTIMES)]


def expected_sentences(answer: LlmAnswer) -> list[str]:
    """Say what expectations are based on, and why others are missing, each sentence once."""
    known = [
        expectation
        for each in answer.expected
        if isinstance(each.answer, tuple)
        for expectation in each.answer
    ]
    bases = dict.fromkeys(
        f"{'decode' if expectation.decodes else 'first token'} by {expectation.runtime} from {expectation.architectures}"
        for expectation in known
    )
    sentences = [f"Expected from measured architectures: {', '.join(bases)}."] if bases else []
    far = (
        ["* None of these is as fast or as slow."] if any(expectation.beyond for expectation in known) else []
    )
    whys = dict.fromkeys(each.answer.sentence for each in answer.expected if isinstance(each.answer, Unknown))
    return [*sentences, *far, *(f"{why[0].upper()}{why[1:]}." for why in whys)]


def share_rows(answer: LlmAnswer) -> Rows:
    """Return where each pass through the blocks spends its time: the largest parts, in the first row's order."""
    passes = [
        (f"{each.soc} {each.context:,} {name}", figures)
        for each in answer.figures
        for name, figures in (("decode", each.decode), ("prefill", each.prefill))
    ]
    parts = list(dict.fromkeys(share.part for _, figures in passes for share in figures.shares[:_MOST_PARTS]))
    return ["percent of the blocks' time", *parts], [
        [title, *(_share(figures, part) for part in parts)] for title, figures in passes
    ]


def _share(figures: PassFigures, part: str) -> str:
    return next((f"{share.percent:.1f}" for share in figures.shares if share.part == part), "")
