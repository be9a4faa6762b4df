"""What can go wrong in the vendor's tools, as a closed vocabulary."""

from enum import StrEnum
from typing import Self


class Tool(StrEnum):
    """The executables of the fake SDK."""

    CONVERTER = "snpe-onnx-to-dlc"
    QAIRT_CONVERTER = "qairt-converter"
    QUANTIZER = "snpe-dlc-quant"
    PREPARE = "snpe-dlc-graph-prepare"
    NET_RUN = "snpe-net-run"
    VIEWER = "qnn-profile-viewer"
    DIAGVIEW = "snpe-diagview"


_ALL = tuple(Tool)
_MAKERS = (Tool.CONVERTER, Tool.QAIRT_CONVERTER, Tool.QUANTIZER)
_PREPARE = (Tool.PREPARE,)
_NET_RUN = (Tool.NET_RUN,)
_VIEWER = (Tool.VIEWER,)


class Fault(StrEnum):
    """One way a tool fails, or a trace goes missing, with a sentence saying what happens.

    `tools` are the executables that can suffer it. Any two faults differ in exit code, files or console text.
    """

    sentence: str
    tools: tuple[Tool, ...]

    def __new__(cls, value: str, tools: tuple[Tool, ...] = (), sentence: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.tools = tools
        member.sentence = sentence
        return member

    # Any tool
    ERROR_EXIT = "error-exit", _ALL, "Prints the vendor's error text and exits 1 without writing anything."
    KILLED = "killed", _ALL, "Dies by SIGKILL without a message, as under the kernel's out-of-memory killer."
    SEGFAULT = "segfault", _ALL, "Dies by SIGSEGV without a message."
    HANG = "hang", _ALL, "Never returns; SIGTERM ends it."
    HANG_DEAF = "hang-deaf", _ALL, "Never returns, ignores SIGTERM and has a child that does the same."

    # Converters and snpe-dlc-quant
    NO_NETWORK = "no-network", _MAKERS, "Reports success and exits 0, but writes no DLC."

    # snpe-dlc-graph-prepare
    NO_SCHEMATIC = "no-schematic", _PREPARE, "Exits 0 with a good DLC and no schematic."
    TWO_SCHEMATICS = (
        "two-schematics",
        _PREPARE,
        "Exits 0 with a good DLC and a second schematic of another graph.",
    )
    NO_DLC = "no-dlc", _PREPARE, "Reports success and exits 0, but writes no DLC."
    EMPTY_DLC = "empty-dlc", _PREPARE, "Reports success and exits 0, but the DLC has no bytes."

    # snpe-net-run
    NO_LOG = "no-log", _NET_RUN, "Executes and exits 0, but writes no profiling log."
    EMPTY_LOG = "empty-log", _NET_RUN, "Executes and exits 0; the profiling log has no bytes."
    STALE_LOG = (
        "stale-log",
        _NET_RUN,
        (
            "Executes and exits 0, but leaves the profiling log as it was before; "
            "where there was none, an hour-old one of another graph stands there."
        ),
    )
    TRUNCATED_LOG = "truncated-log", _NET_RUN, "Executes and exits 0; the profiling log ends in mid-record."
    ONLINE_PREPARE = (
        "online-prepare",
        _NET_RUN,
        (
            "Prepares the graph again on the device, whatever the cache options say, executes that and exits 0; "
            "only two console lines tell, and no schematic fits the log."
        ),
    )
    INCOMPATIBLE_CACHE = (
        "incompatible-cache",
        _NET_RUN,
        "Refuses the cache record with error_code=1503 and exits 1.",
    )
    PARTIAL_RESULTS = (
        "partial-results",
        _NET_RUN,
        "Exits 0 with outputs for the first half of the inferences only.",
    )

    # qnn-profile-viewer
    NO_QHAS = "no-qhas", _VIEWER, "Exits 0 with every file but the QHAS summary."
    EMPTY_TRACE = "empty-trace", _VIEWER, "Exits 0; the chrometrace has no bytes and nothing else is written."
    TRUNCATED_TRACE = "truncated-trace", _VIEWER, "Exits 0; the chrometrace ends inside an event."
    CUT_TRACE = "cut-trace", _VIEWER, "Writes half of the chrometrace, complains of a full disk and exits 1."
    TRUNCATED_QHAS = "truncated-qhas", _VIEWER, 'Exits 0; the QHAS summary ends behind `"inf_per_s": `.'
    NO_VALID_SCHEMATICS = "no-valid-schematics", _VIEWER, "Prints `No Valid Input Schematics` and exits 1."
