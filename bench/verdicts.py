"""Verdicts on histories with known truth: how many false alarms, how many changes are found, and how soon."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import scipy  # its parts are imported when they are used: `stats` takes a second
from numpy.typing import NDArray
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench import otava
from bench.size import Size
from bench.synthetic import HOT, INFERENCES, SCENARIOS, History, Scenario, make
from qhas.profile.figures import LATENCY
from qhas.runs.record import Origin
from qhas.verdict.judgement import Judgement
from qhas.verdict.ladder import Ladder
from qhas.verdict.look import EFFECT
from qhas.verdict.model import Verdict
from qhas.verdict.night import judge_night
from qhas.verdict.nights import LOOK_BACK
from qhas.verdict.noise import MAD_TO_SIGMA
from qhas.verdict.point import Again, Block, Point, SeriesKey

Alarms = NDArray[np.bool_]
"""Series x nights: where a contender reports that something is worse from that night on."""
SERIES = 300
_SEEDS = {Size.QUICK: 1, Size.NORMAL: 4, Size.FULL: 20}
_SOON = 2
"""The number of nights within which a change should be found."""
_SOCS = 6
_P = 0.01
_FIRST = date(2026, 1, 1)


@dataclass(frozen=True)
class Score:
    """A contender's rates on a scenario, and the median `nights` to a change found before the history ends."""

    false_per_1000: float
    """Alarms per 1,000 series-nights on which nothing had changed."""
    found_soon: float | None
    """The share of changes found on their night or the next; None if nothing changes."""
    found: float | None
    nights: float | None
    reruns_per_1000: float | None = None


def measure(folder: Path, size: Size, console: Console) -> object:
    """Print the table; every contender sees the same histories."""
    del folder
    scores = {scenario.name: score(scenario, seeds=_SEEDS[size]) for scenario in SCENARIOS}
    console.print(_table(scores, _SEEDS[size]))
    return {name: {who: asdict(score) for who, score in row.items()} for name, row in scores.items()}


def score(
    scenario: Scenario, *, seeds: int, series: int = SERIES, nights: int | None = None, at: int | None = None
) -> dict[str, Score]:
    """Score every contender on the same sweeps, one per seed."""
    nights, at = nights or scenario.nights, at or scenario.at
    histories = [make(scenario, series=series, nights=nights, at=at, seed=seed) for seed in range(seeds)]
    reruns = [0]
    ours = [_ours(scenario, history, reruns) for history in histories]
    found = {"verdicts": _score(histories, ours, reruns[0])}
    return found | {
        who: _score(histories, [alarms(history) for history in histories]) for who, alarms in PLAIN.items()
    }


def _ours(scenario: Scenario, history: History, reruns: list[int]) -> Alarms:
    alarms = np.zeros(history.median.shape, dtype=bool)
    ladders: dict[SeriesKey, Ladder] = defaultdict(Ladder)
    keys = [_key(number) for number in range(len(history.median))]
    for night in range(history.nights):
        points = {key: _point(scenario, history, number, night) for number, key in enumerate(keys)}
        told = judge_night(ladders, points)
        reruns[0] += sum(_was_run_again(verdict, points[key]) for key, verdict in told.items())
        alarms[:, night] = [_is_alarm(told[key]) for key in keys]
    return alarms


def _is_alarm(told: Judgement) -> bool:
    """Whether the judgement is reported for the first time."""
    return told.verdict is Verdict.NEW or (told.verdict is Verdict.DRIFTING and told.since is told.point)


def _was_run_again(told: Judgement, point: Point) -> bool:
    if point.poor:
        return point.again is not None
    return told.verdict is Verdict.SUSPICIOUS or "re-run" in told.reason


def _key(number: int) -> SeriesKey:
    return SeriesKey(
        f"net{number // _SOCS}", f"soc{number % _SOCS}", "default", "burst", Origin.DEVICE, LATENCY
    )


def _point(scenario: Scenario, history: History, number: int, night: int) -> Point:
    """Return the point that a run leaves in the history. As in the flow, a hot run was re-run only if it was slow."""
    device = Block(f"soc{number % _SOCS}-{history.device[number, night]}", "")
    again_device = Block(f"soc{number % _SOCS}-{history.again_device[number, night]}", "")
    hot = bool(history.hot[number, night])
    again = Again(
        float(history.again[number, night]),
        again_device,
        again_device.serial,
        (HOT,) if history.again_hot[number, night] else (),
    )
    new_sdk = scenario.new_sdk is not None and night >= history.at
    return Point(
        run_id=f"night{night}",
        day=_FIRST + timedelta(days=night),
        value=float(history.median[number, night]),
        sdk="2.46" if new_sdk else "2.45",
        block=device,
        artifact=f"{number}{new_sdk}"
        if not history.changed[number] or night < history.at
        else f"{number}changed",
        model="m",
        control=scenario.controls and number // _SOCS == 0,
        poor=(HOT,) if hot else (),
        again=None if hot and not _slow(history, number, night) else again,
    )


def _slow(history: History, number: int, night: int) -> bool:
    """Whether a night would be checked again although it was hot."""
    logs = np.log(history.median[number, max(0, night - LOOK_BACK) : night + 1])
    return bool(logs[-1] - np.median(logs) >= EFFECT)


def _yesterday(history: History) -> Alarms:
    alarms = np.zeros(history.median.shape, dtype=bool)
    alarms[:, 1:] = history.median[:, 1:] >= 1.10 * history.median[:, :-1]
    return alarms


def _samples(history: History) -> Alarms:
    """Compare tonight's inferences with last night's: the usual use of a t-test, though it is not made for this."""
    alarms = np.zeros(history.median.shape, dtype=bool)
    mean, deviation = history.sample_mean, history.sample_deviation
    found = scipy.stats.ttest_ind_from_stats(
        mean[:, 1:],
        deviation[:, 1:],
        INFERENCES,
        mean[:, :-1],
        deviation[:, :-1],
        INFERENCES,
        equal_var=False,
    )
    alarms[:, 1:] = (found.pvalue < _P) & (found.statistic > 0)
    return alarms


def _nights(history: History) -> Alarms:
    """Compare tonight's median with those of the thirty nights before."""
    alarms = np.zeros(history.median.shape, dtype=bool)
    logs = np.log(history.median)
    for night in range(5, history.nights):
        past = logs[:, max(0, night - 30) : night]
        count = past.shape[1]
        error = past.std(axis=1, ddof=1) * np.sqrt(1 + 1 / count)
        t = (logs[:, night] - past.mean(axis=1)) / error
        alarms[:, night] = 2 * scipy.stats.t.sf(t, count - 1) < _P
    return alarms


def _three_mads(history: History) -> Alarms:
    """Raise an alarm if tonight's median exceeds that of the thirty nights before by three scaled MADs."""
    alarms = np.zeros(history.median.shape, dtype=bool)
    for night in range(5, history.nights):
        past = history.median[:, max(0, night - 30) : night]
        middle = np.median(past, axis=1)
        spread = MAD_TO_SIGMA * np.median(np.abs(past - middle[:, None]), axis=1)
        alarms[:, night] = history.median[:, night] > middle + 3 * spread
    return alarms


def _perfherder(history: History) -> Alarms:
    """Raise alarms as Mozilla does: nights from one on are at least 2 % slower than the twelve before, t above 7.

    An alarm is raised on the first night on which this holds for three to twelve nights, unless they start within half
    such a window after the last alarm.
    """
    alarms = np.zeros(history.median.shape, dtype=bool)
    last = np.full(len(history.median), -_FORWARD)
    for night in range(_FORWARD, history.nights):
        for start in range(max(_FORWARD, night - _FORWARD + 1), night - 1):
            before = history.median[:, start - _FORWARD : start]
            after = history.median[:, start : night + 1]
            worse = after.mean(axis=1) >= 1.02 * before.mean(axis=1)
            told = worse & (_t(before, after) > _PERFHERDER_T) & (start > last + _FORWARD / 2)
            alarms[told, night], last[told] = True, night
    return alarms


def _t(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    ways = [(series.shape[1], series.mean(axis=1), series.var(axis=1, ddof=1)) for series in (before, after)]
    (n, mean, variance), (m, other, spread) = ways
    pooled = ((n - 1) * variance + (m - 1) * spread) / (n + m - 2)
    t: NDArray[np.float64] = (other - mean) / np.sqrt(pooled * (1 / n + 1 / m))
    return t


_FORWARD = 12
_PERFHERDER_T = 7
PLAIN: dict[str, Callable[[History], Alarms]] = {
    "10 % worse than yesterday": _yesterday,
    "median + 3 MAD": _three_mads,
    "perfherder: t > 7": _perfherder,
    "t-test of inferences": _samples,
    "t-test of nights": _nights,
} | ({"Apache Otava": otava.alarms} if otava.PYTHON else {})


def _score(histories: list[History], alarms: list[Alarms], reruns: int | None = None) -> Score:
    quiet = false = changes = soon = 0
    waits: list[int] = []
    total = sum(history.median.size for history in histories)
    for history, told in zip(histories, alarms, strict=True):
        before = told.copy()
        before[history.changed, history.at :] = False
        false += int(before.sum())
        quiet += told.size - int(history.changed.sum()) * (history.nights - history.at)
        for row in told[history.changed]:
            changes += 1
            after = np.flatnonzero(row[history.at :])
            if after.size:
                waits.append(int(after[0]) + 1)
                soon += waits[-1] <= _SOON
    return Score(
        1000 * false / quiet,
        soon / changes if changes else None,
        len(waits) / changes if changes else None,
        float(np.median(waits)) if waits else None,
        None if reruns is None else 1000 * reruns / total,
    )


def _table(scores: dict[str, dict[str, Score]], seeds: int) -> Table:
    title = (
        f"{SERIES} series, {seeds} sweeps a row: false alarms of 1,000 series-nights; "
        f"changes found within {_SOON} nights, and median nights until found"
    )
    shown = Table(
        "", *("verdicts", *PLAIN), "re-runs of 1,000", title=title, title_justify="left", box=SIMPLE
    )
    for name, row in scores.items():
        reruns = row["verdicts"].reruns_per_1000
        shown.add_row(name, *map(_words, row.values()), f"{reruns:.1f}" if reruns is not None else "")
    return shown


def _words(score: Score) -> str:
    return "; ".join(_parts(score))


def _parts(score: Score) -> Iterator[str]:
    yield f"{score.false_per_1000:.2f}"
    if score.found_soon is not None:
        yield f"{score.found_soon:.0%}"
        yield f"{score.nights:.0f}" if score.nights is not None else "never"
