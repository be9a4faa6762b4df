"""A night of all noisy series of a sweep: how many surprises chance allows, and whether devices have moved.

A cell that ran the same graph as before and is off by as much as its device says nothing about its network (LNT: what
has the same hash has not changed). A device that stays where it has moved to is learned anew by all its series on the
same night.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from statistics import median

from qhas.verdict.judgement import Judgement, Moved
from qhas.verdict.ladder import Ladder
from qhas.verdict.look import WINDOWS, Look
from qhas.verdict.moves import Moves, is_explained, moves_of
from qhas.verdict.noise import surprises
from qhas.verdict.point import Point, SeriesKey

FALSE_DISCOVERIES = 0.2
"""The share of suspicions that may be in vain: each costs one re-run, and only what that confirms is an alarm."""
MOVE_ACCEPTED = 7
"""Nights after which a device that has moved is learned anew."""
_RESTLESS = 3
"""How often cells must have been slow for nights and come back by themselves for their rack to be restless."""
_RESTLESS_SHARE = 0.02
"""The same per series."""


def judge_night(
    ladders: Mapping[SeriesKey, Ladder], night: Mapping[SeriesKey, Point]
) -> dict[SeriesKey, Judgement]:
    """Judge a night; every series takes its step."""
    points = {key: point.settled() for key, point in night.items()}
    looks = {key: look for key, point in points.items() if (look := ladders[key].look(point))}
    suspicious = _suspicious(looks)
    moves = moves_of(looks)
    restless = _is_restless(ladders)
    judgements = {
        key: ladders[key].step(
            point,
            look := looks.get(key),
            suspicious=key in suspicious,
            moved=_moved(ladders[key], look, moves) if look else None,
            restless=restless,
        )
        for key, point in points.items()
    }
    _settle(ladders, moves)
    return judgements


def _suspicious(looks: Mapping[SeriesKey, Look]) -> set[SeriesKey]:
    """Return the series beyond their noise that chance does not explain, given the number of series."""
    fit = {key: look for key, look in looks.items() if not look.excused}
    p = surprises(
        [look.z for look in fit.values()], [look.scale.freedom for look in fit.values()], len(WINDOWS)
    )
    return {
        key
        for (key, look), p_value in zip(fit.items(), p, strict=True)
        if look.beyond and p_value <= FALSE_DISCOVERIES
    }


def _is_restless(ladders: Mapping[SeriesKey, Ladder]) -> bool:
    returns = sum(ladder.returns() for ladder in ladders.values())
    return returns >= max(_RESTLESS, _RESTLESS_SHARE * len(ladders))


def _moved(ladder: Ladder, look: Look, moves: Moves) -> Moved | None:
    if look.point.block in moves.by_device:
        return moves.explains(look)
    aside = ladder.as_aside(look)  # tonight there is no witness
    return aside if aside and look.same_graph and is_explained(look, aside) else None


def _settle(ladders: Mapping[SeriesKey, Ladder], moves: Moves) -> None:
    """Forget the moves of devices that are back, and learn anew those that stay where they have moved to."""
    for block, moved in moves.by_device.items():
        series = list(ladders.values())
        nights: AbstractSet[date] = frozenset[date]().union(
            *(ladder.nights.aside(block) for ladder in series)
        )
        if not moved:
            for ladder in series:
                ladder.nights.device_is_back(block)
        elif len(nights) >= MOVE_ACCEPTED:
            off = median(look.off for look in moved)
            for ladder in series:
                ladder.learn_anew(block, off)
