"""Why a cell ends without a result, and every exception of the library. Those of one tree are meant for the user:

    QhasError                 one sentence for the user; ends a command with exit code 2
        InvalidInput          the request cannot be run; nothing has been
            RecordMisplaced   a run's record is stored in another run's place
            NoBaseline        a run is the first finished one of its sweep
            NothingChanged    two cells are built from the same inputs
            QhasInvalid       a file is not a QHAS summary
            UnknownSoc        the host SDK does not know a SoC
        StoreError            the store refused or failed
            ObjectMissing
            ObjectDamaged
            Taken
            Unsupported
        RunTaken              another process took over the run while this one was stopped; exit code 1
        RunNotEnded           the cells were run, but the run's end could not be stored; exit code 1

The others stay within the library, which turns them into a cell's `Failure` or a sentence:

    StepFailed                a step ended without its result; carries the failure
    DeviceFailed              a device or the connection to it failed; the step that meets it raises a StepFailed
    NoDevice                  every device of a SoC is quarantined
    ToolNotExecutable         a program is missing
    TraceInvalid              a file of the viewer or of the runtime cannot be used: the chrometrace,
    RuntraceInvalid           the runtrace,
    LatencyInvalid            the times of single inferences
    Damage                    a stream of trace events is damaged or breaks off
    Damaged                   a file of the history cannot be read
    Unexpected                a response is not one that an S3 server gives
    CellNotComparable         a cell has no figures to compare
    TrialRefused              the libraries refuse an estimate
    NotMade                   a part of a language model has no estimate
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
