"""Puts a judgement into words, with its figures: the stored verdict."""

from __future__ import annotations

import math

from qhas.units import percent, signed
from qhas.verdict.drift import FAR, NEAR
from qhas.verdict.judgement import Judgement
from qhas.verdict.model import CellVerdict, SdkOutcome, Upgrade, Verdict
from qhas.verdict.point import SeriesKey, differences

_CAUSE = frozenset({Verdict.NEW, Verdict.IMPROVED, Verdict.CHANGED, Verdict.SUSPICIOUS, Verdict.RECOVERED})
"""Verdicts for which anything else that changed that night is worth mentioning."""
_SINCE = frozenset({Verdict.NEW, Verdict.SUSTAINED, Verdict.IMPROVED, Verdict.DRIFTING})
_CLOSING: dict[Verdict, str] = {
    Verdict.SUSTAINED: "still",
    Verdict.SUSPICIOUS: "a re-run on another device, or the next night, decides",
    Verdict.POOR_CONDITIONS: "no evidence against the network",
    Verdict.ENVIRONMENTAL: "the device moved, not the network",
    Verdict.RECOVERED: "back where it was before the regression",
}


def verdict_of(key: SeriesKey, judgement: Judgement) -> CellVerdict:
    """Return the verdict as it is stored."""
    baseline, change = _against(key, judgement)
    changed = judgement.verdict in _SINCE | {Verdict.RECOVERED, Verdict.CHANGED, Verdict.SUSPICIOUS}
    since, before = (judgement.since, judgement.before) if changed else (None, None)
    return CellVerdict(
        run_id=judgement.point.run_id,
        cell=key.cell,
        metric=key.metric,
        origin=key.origin,
        verdict=judgement.verdict,
        value=judgement.point.value,
        baseline=baseline,
        change_percent=change,
        points=judgement.nights,
        since_run=since.run_id if since else None,
        since=since.day if since else None,
        before_run=before.run_id if before else None,
        still_percent=None if judgement.unrepaired is None else 100 * math.expm1(judgement.unrepaired),
        rate_percent=None if judgement.rate is None else 100 * math.expm1(judgement.rate),
        upgrade=_upgrade(key, judgement),
        device=judgement.point.device,
        sentence=_sentence(key, judgement, baseline, change),
    )


def _weighed(judgement: Judgement) -> str:
    return ", within the noise" if judgement.sdk and not judgement.sdk.beyond else ""


def _upgrade(key: SeriesKey, judgement: Judgement) -> Upgrade | None:
    if (sdk := judgement.sdk) is None:
        return None
    worse = key.metric.less_is_better is not None and (sdk.off > 0) is key.metric.less_is_better
    neither = not sdk.beyond or key.metric.less_is_better is None
    outcome = SdkOutcome.SAME if neither else SdkOutcome.SLOWER if worse else SdkOutcome.FASTER
    return Upgrade(before=sdk.before, after=judgement.point.sdk, outcome=outcome)


def _against(key: SeriesKey, judgement: Judgement) -> tuple[float | None, float | None]:
    """Return the level in the figure's unit, and the change in percent."""
    if judgement.level is None or judgement.off is None:
        return None, None
    if key.metric.noisy:
        # A window covers several nights, so the figure it stands for is not tonight's alone.
        return math.exp(judgement.level), 100 * math.expm1(judgement.off)
    return judgement.level, 100 * judgement.off / judgement.level if judgement.level else None


def _sentence(key: SeriesKey, judgement: Judgement, baseline: float | None, change: float | None) -> str:
    variant = "" if key.variant == "default" else f" ({key.variant})"
    figure = key.metric.text(judgement.point.value)
    start = f"{key.network} on {key.soc}{variant}: {key.metric.words_of(key.origin)}"
    if judgement.verdict is Verdict.INSUFFICIENT_DATA:
        nights = (
            f"night {judgement.nights + 1} with this SDK and device{'' if judgement.sdk else ', too few to judge'}"
            if key.metric.noisy
            else "the first night"
        )
        former = (
            f"; {judgement.reason}: {signed(change, percent)} against the level before{_weighed(judgement)}"
            if judgement.reason and change is not None
            else ""
        )
        return f"{start} {figure}, {nights}{former}."
    if judgement.verdict is Verdict.STEADY and not key.metric.noisy:
        return f"{start} {figure}, unchanged."
    changed = f"{signed(change, percent)} " if change is not None else ""
    parts = [f"{start} {changed}({key.metric.text(baseline or 0)} → {figure})"]
    if judgement.verdict in _SINCE and judgement.since:
        parts[0] += f" since {judgement.since.day.isoformat()}"
    if judgement.reason:
        parts.append(judgement.reason)
    if judgement.unrepaired is not None:
        parts.append(
            f"still {signed(100 * math.expm1(judgement.unrepaired), percent)} against the nights before the regression"
        )
    if judgement.rate is not None:
        parts.append(
            f"{signed(100 * math.expm1(judgement.rate), '{:.2f} %'.format)} a night, against the nights of {NEAR} to {FAR} days ago"
        )
    if judgement.scale and judgement.verdict is not Verdict.SUSTAINED:
        parts.append(f"nights vary by {100 * judgement.scale.sigma:.1f} %")
    if judgement.before and judgement.verdict in _CAUSE:
        parts += differences(judgement.point, judgement.before)
    if judgement.verdict in _CLOSING:
        parts.append(_CLOSING[judgement.verdict])
    return f"{'; '.join(parts)}."
