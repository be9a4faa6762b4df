"""A judgement in words, with its figures: the stored verdict."""

from __future__ import annotations

import math

from qhas.verdict.drift import FAR, NEAR
from qhas.verdict.judgement import Judgement
from qhas.verdict.model import CellVerdict, SdkOutcome, Upgrade, Verdict
from qhas.verdict.point import SeriesKey, differences

_CAUSE = frozenset({Verdict.NEW, Verdict.IMPROVED, Verdict.CHANGED, Verdict.SUSPICIOUS, Verdict.RECOVERED})
"""Where what else changed that night is worth a word."""
_SINCE = frozenset({Verdict.NEW, Verdict.SUSTAINED, Verdict.IMPROVED, Verdict.DRIFTING})
_CLOSING: dict[Verdict, str] = {
    Verdict.SUSTAINED: "still",
    Verdict.SUSPICIOUS: "a re-run on another device, or the next night, decides",
    Verdict.POOR_CONDITIONS: "no evidence against the network",
    Verdict.ENVIRONMENTAL: "the device moved, not the network",
    Verdict.RECOVERED: "back where it was before the regression",
}


def verdict_of(key: SeriesKey, told: Judgement) -> CellVerdict:
    """The verdict as it is stored."""
    baseline, change = _against(key, told)
    changed = told.verdict in _SINCE | {Verdict.RECOVERED, Verdict.CHANGED, Verdict.SUSPICIOUS}
    since, before = (told.since, told.before) if changed else (None, None)
    return CellVerdict(
        run_id=told.point.run_id,
        cell=key.cell,
        metric=key.metric,
        origin=key.origin,
        verdict=told.verdict,
        value=told.point.value,
        baseline=baseline,
        change_percent=change,
        points=told.nights,
        since_run=since.run_id if since else None,
        since=since.day if since else None,
        before_run=before.run_id if before else None,
        still_percent=None if told.unrepaired is None else 100 * math.expm1(told.unrepaired),
        rate_percent=None if told.rate is None else 100 * math.expm1(told.rate),
        upgrade=_upgrade(key, told),
        device=told.point.device,
        sentence=_sentence(key, told, baseline, change),
    )


def _weighed(told: Judgement) -> str:
    return ", within the noise" if told.sdk and not told.sdk.beyond else ""


def _upgrade(key: SeriesKey, told: Judgement) -> Upgrade | None:
    if (sdk := told.sdk) is None:
        return None
    worse = key.metric.less_is_better is not None and (sdk.off > 0) is key.metric.less_is_better
    neither = not sdk.beyond or key.metric.less_is_better is None
    outcome = SdkOutcome.SAME if neither else SdkOutcome.SLOWER if worse else SdkOutcome.FASTER
    return Upgrade(before=sdk.before, after=told.point.sdk, outcome=outcome)


def _against(key: SeriesKey, told: Judgement) -> tuple[float | None, float | None]:
    """Level in the figure's unit, and the change in percent."""
    if told.level is None or told.off is None:
        return None, None
    if key.metric.noisy:
        # A window tells of several nights, so the figure it stands for is not tonight's alone.
        return math.exp(told.level), 100 * math.expm1(told.off)
    return told.level, 100 * told.off / told.level if told.level else None


def _sentence(key: SeriesKey, told: Judgement, baseline: float | None, change: float | None) -> str:
    variant = "" if key.variant == "default" else f" ({key.variant})"
    figure = key.metric.text(told.point.value)
    start = f"{key.network} on {key.soc}{variant}: {key.metric.words_of(key.origin)}"
    if told.verdict is Verdict.INSUFFICIENT_DATA:
        nights = (
            f"night {told.nights + 1} with this SDK and device{'' if told.sdk else ', too few to judge'}"
            if key.metric.noisy
            else "the first night"
        )
        former = (
            f"; {told.reason}: {change:+.1f} % against the level before{_weighed(told)}"
            if told.reason and change is not None
            else ""
        )
        return f"{start} {figure}, {nights}{former}."
    if told.verdict is Verdict.STEADY and not key.metric.noisy:
        return f"{start} {figure}, unchanged."
    changed = f"{change:+.1f} % " if change is not None else ""
    parts = [f"{start} {changed}({key.metric.text(baseline or 0)} → {figure})"]
    if told.verdict in _SINCE and told.since:
        parts[0] += f" since {told.since.day.isoformat()}"
    if told.reason:
        parts.append(told.reason)
    if told.unrepaired is not None:
        parts.append(
            f"still {100 * math.expm1(told.unrepaired):+.1f} % against the nights before the regression"
        )
    if told.rate is not None:
        parts.append(
            f"{100 * math.expm1(told.rate):+.2f} % a night, against the nights of {NEAR} to {FAR} days ago"
        )
    if told.scale and told.verdict is not Verdict.SUSTAINED:
        parts.append(f"nights vary by {100 * told.scale.sigma:.1f} %")
    if told.before and told.verdict in _CAUSE:
        parts += differences(told.point, told.before)
    if told.verdict in _CLOSING:
        parts.append(_CLOSING[told.verdict])
    return f"{'; '.join(parts)}."
