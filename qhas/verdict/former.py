"""The SDK before this one: what a series is compared with from the first night of a new SDK."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from qhas.verdict.judgement import SinceSdk
from qhas.verdict.look import BEYOND, EFFECT, LEAST_NIGHTS, Seen, groups_of
from qhas.verdict.noise import MEDIAN_VARIANCE, Scale, scale
from qhas.verdict.point import Block, Point


@dataclass(frozen=True)
class Former:
    """An SDK with its levels by device, and its noise."""

    sdk: str
    levels: Mapping[Block, float]
    scale: Scale

    def against(self, point: Point, seen: Sequence[Seen]) -> SinceSdk | None:
        """Compare the nights of the new SDK with the level before it; None for a device without such a level.

        `seen` are the nights of the new SDK, this one last.
        """
        level = self.levels.get(point.block)
        if level is None or self.sdk == point.sdk:
            return None
        logs = [night.log for night in seen if night.point.block == point.block and not point.poor] or [
            point.log
        ]
        off = fmean(logs) - level
        error = self.scale.sigma * math.sqrt(1 / len(logs) + MEDIAN_VARIANCE / LEAST_NIGHTS)
        beyond = not point.poor and abs(off) >= max(EFFECT, BEYOND * error)
        return SinceSdk(self.sdk, level, off, beyond and self._again(point, level, off, len(logs)))

    def _again(self, point: Point, level: float, off: float, nights: int) -> bool:
        """Whether a re-run of the first night, if there was one, agrees."""
        if nights > 1 or point.again is None or point.again.poor:
            return True
        again = math.log(point.again.value) - self.levels.get(point.again.block, level)
        return again * off > 0 and abs(again) >= EFFECT / 2


def former_of(seen: Sequence[Seen], era: int, levels: Mapping[Block, float]) -> Former | None:
    """Return what is known of the SDK of these nights; None if there are too few."""
    logs = [each for (block, of), each in groups_of(seen).items() if of == era and block in levels]
    return Former(seen[-1].point.sdk, levels, scale(logs)) if logs else None
