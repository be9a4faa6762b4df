"""Why a cell ends without a result, and every exception of the library. One tree is for the user:

    QhasError                 one sentence for the user; ends a command with exit code 2
        InvalidInput          what was asked for cannot be run; nothing has
            RecordMisplaced   a run's record lies at another's place
            NoBaseline        a run is the first finished one of its sweep
            NothingChanged    two cells are made of the same
            QhasInvalid       a file is no QHAS summary
            UnknownSoc        the host SDK has never heard of it
        StoreError            the store refused or failed
            ObjectMissing
            ObjectDamaged
            Taken
            Unsupported
        RunTaken              another process took the run over while this one was stopped; exit code 1
        RunNotEnded           the cells were run, the run's end could not be stored; exit code 1

The others are met within the library, which turns them into a cell's `Failure` or a sentence:

    StepFailed                a step ended without its result; carries the failure
    DeviceFailed              a device or the way to it failed; the step that meets it makes it a StepFailed
    NoDevice                  every device of a SoC is quarantined
    ToolNotExecutable         a program is missing
    TraceInvalid              a file of the viewer or of the runtime cannot be used: the chrometrace,
    RuntraceInvalid           the runtrace,
    LatencyInvalid            the times of single inferences
    Damage                    where a stream of trace events breaks off
    Damaged                   a file of the history cannot be read
    Unexpected                an S3 server's answer is none
    CellNotComparable         a cell without figures to compare
    TrialRefused              an estimate that the libraries do not give
    NotMade                   a part of a language model without an estimate
"""

from qhas.failures.failure import (
    MAX_ATTEMPTS,
    DeviceFailed,
    Failure,
    InvalidInput,
    QhasError,
    Step,
    StepFailed,
    worth_another_attempt,
    worth_another_device,
)
from qhas.failures.kinds import FACTS, Again, FailureFacts, FailureKind

__all__ = [
    "FACTS",
    "MAX_ATTEMPTS",
    "Again",
    "DeviceFailed",
    "Failure",
    "FailureFacts",
    "FailureKind",
    "InvalidInput",
    "QhasError",
    "Step",
    "StepFailed",
    "worth_another_attempt",
    "worth_another_device",
]
