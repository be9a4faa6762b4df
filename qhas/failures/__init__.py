"""Why a cell ends without a result: the kinds, and the exceptions that carry them."""

from qhas.failures.failure import (
    FACTS,
    MAX_ATTEMPTS,
    Again,
    DeviceFailed,
    Failure,
    FailureFacts,
    FailureKind,
    InvalidInput,
    Step,
    StepFailed,
    worth_another_attempt,
    worth_another_device,
)

__all__ = [
    "FACTS",
    "MAX_ATTEMPTS",
    "Again",
    "DeviceFailed",
    "Failure",
    "FailureFacts",
    "FailureKind",
    "InvalidInput",
    "Step",
    "StepFailed",
    "worth_another_attempt",
    "worth_another_device",
]
