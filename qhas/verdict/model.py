"""The words of a verdict, and the verdict as it is stored in `runs/<run_id>/verdicts.json`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from qhas.documents import Stored
from qhas.profile.figures import JUDGED, Figure
from qhas.runs.record import SCHEMA_VERSION, Origin


class Verdict(StrEnum):
    """What a figure says compared with its history, the gravest first."""

    NEW = "new"
    """Worse since this night: beyond the noise, and also so in a re-run on another lease or on the next night."""
    SUSTAINED = "sustained"
    """Worse since an earlier night, and still so."""
    DRIFTING = "drifting"
    """Slower by a little every night: no single night shows it, a look back over months does."""
    FLAKY = "flaky"
    """Worse, but it has been so before and came back: a second mode of device or network, not a new change."""
    SUSPICIOUS = "suspicious"
    """Beyond the noise tonight, but not confirmed: a re-run on another lease, or the next night, decides."""
    POOR_CONDITIONS = "poor_conditions"
    """Beyond the noise, but measured hot, on a low battery or with scatter: says nothing about the network."""
    ENVIRONMENTAL = "environmental"
    """Moved together with what has not changed on this device: the device moved, not the network."""
    RECOVERED = "recovered"
    """Back at the level from before a regression."""
    IMPROVED = "improved"
    """Better since this night, confirmed as a regression would be."""
    CHANGED = "changed"
    """A figure that has no better or worse is different from before."""
    ACCEPTED = "accepted"
    """A different level that someone has declared intended: later nights are compared with it."""
    INSUFFICIENT_DATA = "insufficient_data"
    """Too few nights with this SDK and device to know the noise. The first answer, and an honest one."""
    STEADY = "steady"
    """Within the noise; a deterministic figure is the same to the last digit."""

    @property
    def regressed(self) -> bool:
        """Whether someone should look at it in the morning."""
        return self in (Verdict.NEW, Verdict.SUSTAINED, Verdict.DRIFTING)

    @property
    def says_something(self) -> bool:
        """Whether there were nights to compare it with."""
        return self is not Verdict.INSUFFICIENT_DATA

    @property
    def rank(self) -> int:
        """The verdict's place by gravity: 0 is the gravest."""
        return list(Verdict).index(self)


def _judged(column: Any) -> Figure:
    figure = column if isinstance(column, Figure) else JUDGED.get(column)
    if figure is None or not figure.judged:
        raise ValueError(f"{column!r} is not a judged figure; choose from {', '.join(JUDGED)}")
    return figure


Judged = Annotated[
    Figure,
    PlainValidator(_judged),
    PlainSerializer(lambda figure: figure.column, return_type=str),
    WithJsonSchema({"type": "string", "enum": list(JUDGED)}),
]
"""A judged figure, stored as its column in the history."""


class SdkOutcome(StrEnum):
    """How a cell does with a new SDK, compared with its level under the one before."""

    SLOWER = "slower"
    """Slower by more than the noise, on one night or in the mean of those since."""
    FASTER = "faster"
    """The same, in the other direction."""
    SAME = "same"
    """Within the noise, or below what is worth a morning."""


class Upgrade(Stored):
    """A figure with a new SDK compared with the level before, from the first night on.

    The verdict's `change_percent` says by how much it differs.
    """

    before: str = Field(description="Version of the previous SDK.")
    after: str
    outcome: SdkOutcome


class CellVerdict(Stored):
    """The judgement of one figure of one cell of a run. `change_percent` is relative to `baseline`; positive is more."""

    schema_version: int = Field(default=SCHEMA_VERSION, le=SCHEMA_VERSION)
    run_id: str
    cell: str = Field(description="Key of the cell, `<model>/<soc>/<variant>`.")
    metric: Judged
    origin: Origin
    verdict: Verdict
    value: float
    baseline: float | None = Field(
        default=None, description="The level it is compared with; none on a first night."
    )
    change_percent: float | None = Field(
        default=None, description="None if there is no baseline, or it is 0."
    )
    points: int = Field(default=0, description="Nights that the baseline is built from.")
    since_run: str | None = Field(
        default=None, description="The first run of the change that the verdict reports."
    )
    since: date | None = Field(default=None, description="Its night.")
    before_run: str | None = Field(
        default=None, description="The last run before the change: the one to compare with."
    )
    still_percent: float | None = Field(
        default=None, description="For a regression that has become better: how much of it remains."
    )
    rate_percent: float | None = Field(default=None, description="For a drift: how much per night.")
    upgrade: Upgrade | None = Field(
        default=None,
        description="Given while the SDK is too new for its own level; reported in a separate table.",
    )
    device: str | None = Field(default=None, description="Name of the device; none for simulated figures.")
    sentence: str = Field(description="The verdict in words, with its reason.")


def headlines(verdicts: Iterable[CellVerdict]) -> dict[str, CellVerdict]:
    """Return the gravest verdict of each cell by its key; of equals, that of the figure with more weight."""
    order = {figure: number for number, figure in enumerate(JUDGED.values())}
    gravest: dict[str, CellVerdict] = {}
    for verdict in sorted(verdicts, key=lambda each: (each.verdict.rank, order[each.metric])):
        gravest.setdefault(verdict.cell, verdict)
    return gravest
