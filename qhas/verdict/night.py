"""A night of all noisy series of a sweep together: how many surprises chance allows, and whether a device has moved.

A device moves all that runs on it. If a control cell (a model tagged `control`, which nobody changes) is beyond its
noise with the same prepared graph and SDK, or the median of at least five other cells with the same prepared graph
is, then a cell with the same prepared graph that is off by as much says nothing of its network (LNT: what has the
same hash has not changed).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from statistics import median
from typing import NamedTuple

from qhas.verdict.ladder import Judgement, Ladder
from qhas.verdict.look import BEYOND, EFFECT, WINDOWS, Look
from qhas.verdict.noise import surprises
from qhas.verdict.point import Block, Point, SeriesKey

FALSE_DISCOVERIES = 0.2
"""Share of the suspicions that may be in vain: each costs one re-run, and only what that confirms is an alarm."""
_QUORUM = 5
"""Cells that speak for a device without a control cell."""


class Shift(NamedTuple):
    """By how much a device has moved, as a logarithm, and who says so."""

    off: float
    witness: str


def judge_night(
    ladders: Mapping[SeriesKey, Ladder], night: Mapping[SeriesKey, Point]
) -> dict[SeriesKey, Judgement]:
    """The verdicts on a night. Every series takes its step."""
    points = {key: point.settled() for key, point in night.items()}
    looks = {key: look for key, point in points.items() if (look := ladders[key].look(point))}
    suspicious = _suspicious(looks)
    shifts = _shifts(looks)
    return {
        key: ladders[key].step(
            point,
            look := looks.get(key),
            suspicious=key in suspicious,
            environment=_environment(look, shifts) if look and key in suspicious else None,
        )
        for key, point in points.items()
    }


def _suspicious(looks: Mapping[SeriesKey, Look]) -> set[SeriesKey]:
    """Those beyond their noise that chance does not explain, as many series as there are."""
    fit = {key: look for key, look in looks.items() if not look.excused}
    p = surprises(
        [look.z for look in fit.values()], [look.scale.freedom for look in fit.values()], len(WINDOWS)
    )
    return {
        key
        for (key, look), one in zip(fit.items(), p, strict=True)
        if look.beyond and one <= FALSE_DISCOVERIES
    }


def _shifts(looks: Mapping[SeriesKey, Look]) -> dict[Block, Shift]:
    controls, others = defaultdict[Block, list[Look]](list), defaultdict[Block, list[Look]](list)
    names: dict[Block, str] = {}
    for key, look in looks.items():
        if look.same_artifact and not look.poor:
            (controls if look.point.control else others)[look.point.block].append(look)
            if look.point.control:
                names[look.point.block] = key.network
    found = {}
    for block in {**controls, **others}:
        if witnesses := controls[block]:
            off = median(look.off for look in witnesses)
            if any(look.beyond for look in witnesses) and abs(off) >= EFFECT:
                found[block] = Shift(off, f"control cell {names[block]} moved {_percent(off)}")
        elif len(witnesses := others[block]) >= _QUORUM:
            off = median(look.off for look in witnesses)
            if abs(off) >= EFFECT:
                told = f"the median of {len(witnesses)} cells with unchanged graphs moved {_percent(off)}"
                found[block] = Shift(off, told)
    return found


def _environment(look: Look, shifts: Mapping[Block, Shift]) -> str | None:
    """Who says that the device explains it, if it does."""
    shift = shifts.get(look.point.block)
    if shift is None or not look.same_artifact:
        return None
    error = abs(look.off / look.z)
    explained = abs(look.off - shift.off) < max(EFFECT, BEYOND * error)
    return f"{shift.witness} on {look.point.device or look.point.block.serial}" if explained else None


def _percent(off: float) -> str:
    return f"{100 * math.expm1(off):+.1f} %"
