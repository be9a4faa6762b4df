"""The figures of a language model, part of the table in `qhas.profile.figures`.

They are those of all its blocks, scaled from the compiled ones.
"""

from __future__ import annotations

from collections.abc import Callable

from qhas.profile.figure import SIMULATED, Figure, Profiled, Unit
from qhas.profile.language import PassFigures

_TELLING = 0.02


def _decode(read: Callable[[PassFigures], float]) -> Callable[[Profiled], float | None]:
    return _of_pass(read, decodes=True)


def _prefill(read: Callable[[PassFigures], float]) -> Callable[[Profiled], float | None]:
    return _of_pass(read, decodes=False)


def _of_pass(read: Callable[[PassFigures], float], *, decodes: bool) -> Callable[[Profiled], float | None]:
    def value(profiled: Profiled) -> float | None:
        language = profiled.language
        if language is None or language.whole.decodes is not decodes:
            return None
        return round(read(language.whole), 3)  # further digits mean nothing

    return value


DECODE = Figure(
    name="decode_tokens_per_s",
    title="decode, tokens/s",
    short="decode /s",
    words="tokens a second in decode",
    unit=Unit.TOKENS_A_SECOND,
    read=_decode(lambda whole: whole.tokens_per_s),
    meaning="For a language model: tokens a second with a cache of the whole context, scaled from the blocks that were compiled.",
    whole=False,
    less_is_better=False,
    origins=SIMULATED,
    judged=SIMULATED,
    weight=3,
    column="decode_tokens_per_s",
    budget="decode_tokens_per_s",
    event="decode_tokens_per_s",
    tile=True,
    compared=True,
    telling=_TELLING,
)
TOKEN_DRAM = Figure(
    name="dram_bytes_per_token",
    title="DRAM a token, whole model",
    short="DRAM a token",
    words="DRAM bytes a token",
    unit=Unit.BYTES,
    read=_decode(lambda whole: round(whole.dram)),
    meaning="For a language model: DRAM bytes read and written per token in decode, scaled from the blocks that were compiled.",
    origins=SIMULATED,
    judged=SIMULATED,
    column="dram_bytes_per_token",
    budget="dram_bytes_per_token",
    tile=True,
    compared=True,
    telling=_TELLING,
)
PREFILL = Figure(
    name="prefill_tokens_per_s",
    title="prefill, tokens/s",
    short="prefill /s",
    words="tokens a second in prefill",
    unit=Unit.TOKENS_A_SECOND,
    read=_prefill(lambda whole: whole.tokens_per_s),
    meaning="For a language model: prompt tokens a second, every pass at the context's full length, scaled from the blocks that were compiled.",
    whole=False,
    less_is_better=False,
    origins=SIMULATED,
    judged=SIMULATED,
    weight=3,
    column="prefill_tokens_per_s",
    budget="prefill_tokens_per_s",
    event="prefill_tokens_per_s",
    tile=True,
    compared=True,
    telling=_TELLING,
)
FIRST_TOKEN = Figure(
    name="first_token_ms",
    title="first token",
    words="time to the first token",
    unit=Unit.MILLISECONDS,
    read=_prefill(lambda whole: whole.time_us / 1000),
    meaning="For a language model: milliseconds to the first token of a prompt of one pass, scaled from the blocks that were compiled.",
    whole=False,
    origins=SIMULATED,
    column="first_token_ms",
    budget="first_token_ms",
    tile=True,
    compared=True,
)
OF_DECODE = (DECODE, TOKEN_DRAM)
OF_PREFILL = (PREFILL, FIRST_TOKEN)
LANGUAGE_FIGURES = (*OF_DECODE, *OF_PREFILL)
"""All of them, in the order in which they are shown."""
