"""An answer as rows for people."""

from __future__ import annotations

from qhas.llm.model import LlmAnswer, LlmFigures
from qhas.profile.language import PassFigures
from qhas.units import mebibytes, rate, size

Rows = tuple[list[str], list[list[str]]]
"""Titles, and rows as long as they."""
_MOST_PARTS = 8


def figure_rows(answer: LlmAnswer) -> Rows:
    """A row a SoC and context."""
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


def share_rows(answer: LlmAnswer) -> Rows:
    """Where the time of a pass through the blocks goes: the largest parts, in the order of the first row."""
    passes = [
        (f"{each.soc} {each.context:,} {name}", one)
        for each in answer.figures
        for name, one in (("decode", each.decode), ("prefill", each.prefill))
    ]
    parts = list(dict.fromkeys(share.part for _, one in passes for share in one.shares[:_MOST_PARTS]))
    return ["percent of the time of blocks", *parts], [
        [title, *(_share(one, part) for part in parts)] for title, one in passes
    ]


def _share(one: PassFigures, part: str) -> str:
    return next((f"{share.percent:.1f}" for share in one.shares if share.part == part), "")
