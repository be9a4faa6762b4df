"""The effects of options, as rows for both terminals and pages."""

from __future__ import annotations

from collections.abc import Iterator

from qhas.tune.model import Tuning
from qhas.units import signed_percent

TITLES = ("option", "alone", "on average", "among the best")


def effect_rows(tuning: Tuning) -> Iterator[tuple[str, str, str, str]]:
    """Yield one row per value of an option.

    It shows the value's effect against the default, over all trials that differ in nothing else, and in the best.
    """
    means = {(each.option, each.value): each for each in tuning.on_average}
    for effect in tuning.effects:
        mean = means.get((effect.option, effect.value))
        yield (
            f"{effect.option}: {str(effect.value).lower()}",
            signed_percent(effect.alone),
            f"{signed_percent(mean.percent)} of {mean.pairs}" if mean else "",
            "" if effect.in_best is None else signed_percent(effect.in_best),
        )
