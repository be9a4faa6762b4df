"""A cell's failure with its evidence, and whether another attempt is worthwhile.

A failure is judged from evidence (exit code, signal, missing or malformed file, matched output line), never from
the exit code alone.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict

from qhas.failures.kinds import FACTS, Again, FailureKind
from qhas.outside_text import ShownText


class QhasError(Exception):
    """An error whose text is one sentence for the user. A command that meets it exits with its exit code."""

    exit_code: ClassVar[int] = 2


class InvalidInput(QhasError):
    """The user's input cannot be run. Raised before anything runs; the message is one sentence for the user."""


class Step(StrEnum):
    """The steps of a cell, in order.

    Only an ONNX has the first two: in this order with a vendor's SDK, in reverse with the host SDK.
    """

    CONVERT = "convert"
    QUANTIZE = "quantize"
    PREPARE = "prepare"
    DEVICE = "device"
    LATENCY = "latency"
    NET_RUN = "net_run"
    LOGS = "logs"
    OUTPUTS = "outputs"
    CHROMETRACE = "chrometrace"
    SCALE = "scale"
    ACCURACY = "accuracy"
    EXPLAIN = "explain"
    PUBLISH = "publish"

    @property
    def on_device(self) -> bool:
        """Whether the step holds a device."""
        return self in (Step.DEVICE, Step.LATENCY, Step.NET_RUN, Step.LOGS, Step.OUTPUTS)


class Failure(BaseModel):
    """One failure with its evidence, as stored in the cell record."""

    model_config = ConfigDict(defer_build=True)

    kind: FailureKind
    step: Step
    message: ShownText
    hint: str
    evidence: ShownText | None = None

    @classmethod
    def of(cls, kind: FailureKind, step: Step, message: str, evidence: str | None = None) -> Self:
        """Return the failure with the hint that the table has for its kind."""
        return cls(kind=kind, step=step, message=message, hint=FACTS[kind].hint, evidence=evidence)


class DeviceFailed(Exception):
    """A device or the connection to it failed outside the tools. The step that meets it turns it into a StepFailed."""

    def __init__(self, kind: FailureKind, message: str, evidence: str | None = None) -> None:
        self.kind = kind
        self.evidence = evidence
        super().__init__(message)


class StepFailed(Exception):
    """A step of a cell ended without its result. Carries the typed failure."""

    def __init__(self, kind: FailureKind, step: Step, message: str, evidence: str | None = None) -> None:
        self.failure = Failure.of(kind, step, message, evidence)
        super().__init__(self.failure.message)


MAX_ATTEMPTS = max(facts.attempts for facts in FACTS.values())


def worth_another_attempt(error: BaseException | None, attempts_made: int) -> bool:
    """Whether the table grants the step another attempt, in the same lease, after this error."""
    return _granted(error, attempts_made, Again.HERE)


def worth_another_device(error: BaseException | None, leases_made: int) -> bool:
    """Whether the table grants the work on a device another lease after this error."""
    return _granted(error, leases_made, Again.ELSEWHERE)


def _granted(error: BaseException | None, made: int, again: Again) -> bool:
    if not isinstance(error, StepFailed):
        return False
    facts = FACTS[error.failure.kind]
    return facts.again is again and made < facts.attempts
