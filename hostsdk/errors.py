"""How the tools fail: one line on stderr and a non-zero exit."""

from __future__ import annotations

import traceback
from enum import IntEnum


class ErrorCode(IntEnum):
    """The SNPE error codes these tools report (DlSystem/DlError.h of SDK 2.40 names their meaning)."""

    INVALID_PARAMETER = 101
    """An option is unknown, malformed, out of range, or not supported here."""
    MISSING_FILE = 102
    """A file named on the command line is missing or cannot be read."""
    WRONG_INPUT_NAME = 105
    """A tensor name that the network does not have."""
    SIZE_MISMATCH = 203
    """A raw input file whose size is not its tensor's."""
    TENSOR_FILE_READ = 207
    """A raw input file that is missing or cannot be read."""
    OUTPUT_WRITE = 208
    """A file this tool should write cannot be written."""
    WRONG_INPUT_COUNT = 210
    """An input list line with too few or too many inputs."""
    MODEL_LOAD = 306
    """The container's network cannot be read."""
    MISSING_RECORD = 307
    """The container lacks a record the job needs."""
    INVALID_RECORD = 308
    """A record of the container cannot be used."""
    BAD_CONTAINER = 311
    """The file is not a DLC, or is cut short."""
    OLD_CONTAINER = 312
    """The DLC was made by a converter of SNPE 1."""
    EXECUTION_FAILED = 407
    """The prepared graph did not execute."""
    RUNTIME_UNAVAILABLE = 500
    """The requested runtime, or the platform it needs, is not available."""
    RUNTIME_CRASHED = 911
    """The native library ended the job: a crash, an abort, or the kernel's out-of-memory killer."""
    UNSUPPORTED_LAYER = 1002
    """The network holds operations that the HTP does not accept."""
    UNKNOWN = 1210
    """The native library failed in a way it did not explain."""
    INCOMPATIBLE_CACHE = 1503
    """The container has no valid record for this SoC and making one was not allowed."""
    GRAPH_CONFIG = 7021
    """The compiler refused a graph option."""
    GRAPH_FINALIZE = 7022
    """The HTP compiler could not finalise the graph."""
    INVALID_DEVICE = 15001
    """The SoC is unknown or cannot run HTP graphs."""


class HostSdkError(Exception):
    """A failure the user can act on. `message` says in a sentence or two what is wrong, where, and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Refusal(HostSdkError):
    """An input that the viewer cannot post-process. Nothing has been written when it is raised."""


class ToolError(HostSdkError):
    """A failure of the tools that prepare and run, reported in SNPE's form. `component` is the part that refused."""

    def __init__(self, code: ErrorCode, message: str, component: str) -> None:
        super().__init__(message)
        self.code = code
        self.component = component

    def line(self) -> str:
        """Return the vendor's one-line form. Line breaks and semicolons, which would end the field, are replaced."""
        text = " ".join(self.message.split()).replace(";", ",")
        frames = traceback.extract_tb(self.__traceback__)
        line_no = frames[-1].lineno if frames else 0
        return (
            f"error_code={int(self.code)}; error_message={text}; "
            f"error_component={self.component}; line_no={line_no};"
        )
