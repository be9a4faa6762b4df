"""Derivation of the kind of failure from a tool's output. Texts and numbers are the vendor's; see `failures`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qhas.failures import FailureKind, Step, StepFailed
from qhas.machine.process import ToolRun
from qhas.machine.secrets import masked_text
from qhas.machine.tool_output import ERROR_LINE, last_line, tail

_BLOCK_BYTES = 1 << 20
_CRASHES = frozenset({"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE"})
_LIKE_A_FULL_DISK = frozenset(
    {
        FailureKind.TOOL_FAILED,
        FailureKind.TOOL_CRASHED,
        FailureKind.PREPARED_DLC_MISSING,
        FailureKind.NETWORK_MISSING,
        FailureKind.SCHEMATIC_MISSING,
        FailureKind.LATENCY_MISSING,
        FailureKind.RESULTS_INCOMPLETE,
        FailureKind.LOG_MISSING,
        FailureKind.LOG_EMPTY,
        FailureKind.LOG_UNREADABLE,
        FailureKind.TRACE_MISSING,
        FailureKind.TRACE_INVALID,
        FailureKind.QHAS_MISSING,
        FailureKind.QHAS_INVALID,
    }
)
"""Kinds of failure that can result from a tool being unable to write."""


@dataclass(frozen=True)
class Sign:
    """A line in a tool's output that settles the kind of failure, even after an exit code of 0.

    If `steps` is empty, it applies to every step. `elsewhere` is the kind if the tool ran on a phone or a board. A
    line that matches contains one of `words`, ignoring case: the literal beginnings of the patterns. They are searched
    for first, at a hundredth of a pattern's cost.
    """

    steps: tuple[Step, ...]
    pattern: re.Pattern[str]
    words: tuple[bytes, ...]
    kind: FailureKind
    elsewhere: FailureKind | None = None

    def shown_in(self, block: bytes, folded: bytes) -> str | None:
        """Return the first line of the block that shows the sign; `folded` is the block in lower case."""
        lines = [line for word in self.words if (line := self._line_with(word, block, folded))]
        return min(lines)[1] if lines else None

    def _line_with(self, word: bytes, block: bytes, folded: bytes) -> tuple[int, str] | None:
        end = 0
        while (at := folded.find(word, end)) >= 0:
            start = folded.rfind(b"\n", 0, at) + 1
            end = folded.find(b"\n", at)
            end = len(block) if end < 0 else end
            line = block[start:end].decode("utf-8", errors="replace")
            if self.pattern.search(line):
                return start, line.strip()[:2000]
        return None


def _sign(
    step: Step | tuple[Step, ...],
    patterns: str | tuple[str, ...],
    kind: FailureKind,
    elsewhere: FailureKind | None = None,
) -> Sign:
    steps = (step,) if isinstance(step, Step) else step
    patterns = (patterns,) if isinstance(patterns, str) else patterns
    words = tuple(_SPECIAL.split(pattern, maxsplit=1)[0].lower().encode() for pattern in patterns)
    return Sign(steps, re.compile("|".join(patterns), re.IGNORECASE), words, kind, elsewhere)


_SPECIAL = re.compile(r"[\\()\[.*+?|]")
_RUNS = (Step.LATENCY, Step.NET_RUN)
_MAKES = (Step.CONVERT, Step.QUANTIZE)
_OF_THE_DSP = frozenset({FailureKind.DSP_CRASHED, FailureKind.DSP_UNREACHABLE})
_DSP_LINE = re.compile(r"adsprpc|fastrpc|cdsp|snpe|qnn|skel", re.IGNORECASE)

SIGNS = (
    _sign((), ("No space left on device", "Disk quota exceeded"), FailureKind.DISK, FailureKind.DEVICE_FULL),
    # The host SDK's tools outlive the process that does their work, and report how it ended (`hostsdk.child`).
    _sign(
        (),
        rf"process ended with (signal \d+ \(({'|'.join(sorted(_CRASHES))})\)|exit code \d+) and no answer",
        FailureKind.TOOL_CRASHED,
    ),
    _sign((), r"process ended with signal \d+ \(\w+\) and no answer", FailureKind.TOOL_KILLED),
    _sign(
        _RUNS, (r"error_code=911\b", "remote_handle64_invoke failed", "0x8000040d"), FailureKind.DSP_CRASHED
    ),
    # Skel not found, of a different version, or refused by the DSP's loader (HTP backend documentation, field logs).
    _sign(
        _RUNS,
        (
            "Failed to load skel",
            "Skel lib id mismatch",
            "Transport layer setup failed",
            "dsp dlopen error",
            "dsp proc_init failed",
            "fastrpc_shell_unsigned",
            "PF_VALIDATOR: ERROR",
            "selected runtime is not available",
            r"error_code=(500|90[0-9]|910)\b",
        ),
        FailureKind.DSP_UNREACHABLE,
    ),
    _sign(_MAKES, r"error_code=(105|203|207|210)\b", FailureKind.CALIBRATION_UNUSABLE),
    _sign(_MAKES, r"error_code=(101|30[0-9]|31[0-5]|10\d\d)\b", FailureKind.ONNX_REJECTED),
    # How the vendor's converters, which are Python programs, report a failure.
    _sign(_MAKES, ("Encountered Error:", "ERROR - Conversion FAILED"), FailureKind.ONNX_REJECTED),
    _sign(Step.PREPARE, "SocModel doesn't support FP16", FailureKind.FLOAT_UNSUPPORTED),
    _sign(Step.PREPARE, r"error_code=1500[0-3]\b", FailureKind.SOC_REJECTED),
    _sign(Step.PREPARE, r"error_code=\d+;[^\n]*\bsoc\b", FailureKind.SOC_REJECTED),
    _sign(Step.PREPARE, r"error_code=(30[0-9]|31[0-5]|10\d\d|312\d|311\d)\b", FailureKind.MODEL_REJECTED),
    _sign(_RUNS, r"error_code=150[0-3]\b", FailureKind.PREPARED_ONLINE),
    # SNPE's own wording when the runtime falls back to preparing on the device.
    _sign(_RUNS, "No cache record in the DLC matches the target device", FailureKind.PREPARED_ONLINE),
    _sign(_RUNS, r"error_code=(102|207)\b", FailureKind.INPUT_UNREADABLE),
    _sign(_RUNS, r"error_code=(105|106|203|210|211)\b", FailureKind.INPUT_REJECTED),
    _sign(_RUNS, r"error_code=(30[0-9]|31[0-5])\b", FailureKind.MODEL_REJECTED),
    _sign(
        Step.CHROMETRACE,
        ("not a complete QNN profiling log", "Failed to read the profiling log"),
        FailureKind.LOG_UNREADABLE,
    ),
    _sign(Step.CHROMETRACE, ("no timeline", "no simulator timeline"), FailureKind.TIMELINE_MISSING),
    _sign(Step.CHROMETRACE, "No Valid Input Schematics", FailureKind.SCHEMATIC_MISMATCH),
)


def judge_tool(
    step: Step, run: ToolRun, output: Path, *, on_device: bool = False, device_log: Path | None = None
) -> None:
    """Raise StepFailed if the tool's exit or its output shows a failure; expected files are checked elsewhere.

    If the tool failed without saying why, the device's log is searched for the reason.
    """
    text = tail(output)
    name = Path(run.argv[0]).name
    if run.timed_out:
        raise StepFailed(
            FailureKind.DEVICE_TIMED_OUT if on_device else FailureKind.TOOL_TIMED_OUT,
            step,
            f"{name} did not finish within {run.seconds:.0f} s.",
            last_line(text),
        )
    shown = _shown_sign(step, output, on_device=on_device)
    if not shown and run.exit_code != 0 and device_log and device_log.is_file():
        shown = _shown_sign_of_the_dsp(device_log)
    if shown:
        kind, line = shown
        raise StepFailed(kind, step, f"{name}: {_message(line)}", line)
    if run.exit_code != 0:
        raise StepFailed(*_by_exit(step, name, run, text))


def disk_to_blame(error: StepFailed, tools: Sequence[ToolRun]) -> StepFailed | None:
    """Return a disk failure instead, if the disk was full when the step's last tool ended and the failure fits.

    Such a tool often cannot even write why it failed. A failure whose cause the output names is left as it is.
    """
    if not tools or not tools[-1].disk_full or error.failure.kind not in _LIKE_A_FULL_DISK:
        return None
    message = f"The disk of the scratch directory is full: {error.failure.message}"
    return StepFailed(FailureKind.DISK, error.failure.step, message, error.failure.evidence)


def _by_exit(step: Step, name: str, run: ToolRun, text: str) -> tuple[FailureKind, Step, str, str | None]:
    evidence = last_line(text)
    if run.killed_by in _CRASHES:
        return FailureKind.TOOL_CRASHED, step, f"{name} crashed with {run.killed_by}.", evidence
    if run.killed_by:
        return FailureKind.TOOL_KILLED, step, f"{name} was terminated by {run.killed_by}.", evidence
    if match := ERROR_LINE.search(text):
        line = _line_around(text, match.start())
        return FailureKind.TOOL_FAILED, step, f"{name}: {_message(line)}", line
    ending = f": {_sentence(evidence)}" if evidence else " and printed nothing."
    return FailureKind.TOOL_FAILED, step, f"{name} ended with exit code {run.exit_code}{ending}", evidence


def _message(line: str) -> str:
    match = ERROR_LINE.search(line)
    return f"{match['message'].strip()} (error_code={match['code']})." if match else _sentence(line)


def _sentence(line: str) -> str:
    return line if line.endswith(".") else f"{line}."


def _shown_sign(step: Step, output: Path, *, on_device: bool) -> tuple[FailureKind, str] | None:
    """Return the table's first sign found anywhere in the output, and its line: verbose tools print much after it."""
    open_signs = {index: sign for index, sign in enumerate(SIGNS) if not sign.steps or step in sign.steps}
    shown: dict[int, str] = {}
    with output.open("rb") as source:
        while lines := source.readlines(_BLOCK_BYTES):
            block = b"".join(lines)
            folded = block.lower()
            for index, sign in open_signs.items():
                if index not in shown and (line := sign.shown_in(block, folded)):
                    shown[index] = line
    if not shown:
        return None
    first = SIGNS[min(shown)]
    kind = first.elsewhere if on_device and first.elsewhere else first.kind
    return kind, masked_text(shown[min(shown)])


def _shown_sign_of_the_dsp(device_log: Path) -> tuple[FailureKind, str] | None:
    """Return a sign of a DSP failure from the system's log, ignoring the lines of other programs."""
    signs = [sign for sign in SIGNS if sign.kind in _OF_THE_DSP]
    with device_log.open("rb") as source:
        for raw in source:
            line = raw.decode("utf-8", errors="replace")
            if _DSP_LINE.search(line):
                shown_sign = next((sign for sign in signs if sign.pattern.search(line)), None)
                if shown_sign:
                    return shown_sign.kind, line.strip()[:2000]
    return None


def _line_around(text: str, position: int) -> str:
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    return text[start : None if end < 0 else end].strip()[:2000]
