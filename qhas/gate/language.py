"""Language models in a gate: cells of their config.json, judged by the whole model's tokens per second."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from qhas.diff.model import CellDiff, Outcome
from qhas.failures import InvalidInput
from qhas.gate.sides import CONFIG_SUFFIX
from qhas.network.architecture import read_architecture
from qhas.profile.figure import Figure
from qhas.profile.language_figures import DECODE, PREFILL, TOKEN_DRAM
from qhas.runs.record import CellRecord
from qhas.sweep.model_ref import ModelRef
from qhas.units import signed_percent

_FIGURES = {
    "decode_tokens_per_s_{}": DECODE,
    "prefill_tokens_per_s_{}": PREFILL,
    "dram_per_token_{}": TOKEN_DRAM,
}
"""Figures, keyed by the pattern of their two fields in a line."""


def split(networks: Mapping[str, Path]) -> tuple[dict[str, Path], dict[str, Path], dict[str, str]]:
    """Return other networks, language models' configurations, and why configurations are refused (no full stop)."""
    configs = {name: path for name, path in networks.items() if path.suffix == CONFIG_SUFFIX}
    refused = {}
    for name, path in list(configs.items()):
        try:
            read_architecture(path)
        except InvalidInput as error:
            refused[name] = str(error).removesuffix(".")
            del configs[name]
    others = {name: path for name, path in networks.items() if path.suffix != CONFIG_SUFFIX}
    return others, configs, refused


def model_of(name: str, config: Path, context: int) -> ModelRef:
    """Return the model as in a sweep, with defaults otherwise. Raises ValidationError for an impossible context."""
    return ModelRef.model_validate({"name": name, "llm": {"config": str(config), "context": context}})


def facts(before: CellRecord | None, after: CellRecord) -> dict[str, Any]:
    """Return a line's fields for a language model; none for any other network."""
    return {
        key.format(side): value
        for key, figure in _FIGURES.items()
        for side, cell in (("before", before), ("after", after))
        if cell and (value := figure.read(cell)) is not None
    }


class ByRate(NamedTuple):
    """A verdict, with the change in tokens per second in percent."""

    outcome: Outcome
    percent: float
    sentence: str


def judged(before: CellRecord, after: CellRecord, diff: CellDiff, threshold: float) -> ByRate | None:
    """Judge the whole model, which may have more blocks even if each is unchanged. None for any other network."""
    for figure in (DECODE, PREFILL):
        old, new = figure.read(before), figure.read(after)
        if old and new:
            return _by_rate(figure, old, new, diff, threshold)
    return None


def _by_rate(figure: Figure, old: float, new: float, diff: CellDiff, threshold: float) -> ByRate:
    percent = 100 * (new / old - 1)
    outcome = Outcome.SAME
    if 100 * abs(new - old) > threshold * min(new, old):
        outcome = Outcome.WORSE if new < old else Outcome.BETTER
    sentence = f"The whole model: {figure.text(old)} → {figure.text(new)} {figure.words} ({signed_percent(percent)})."
    if diff.verdict is not Outcome.SAME:
        sentence = f"{sentence} The blocks that were compiled: {diff.sentence}"
    return ByRate(outcome, percent, sentence)
