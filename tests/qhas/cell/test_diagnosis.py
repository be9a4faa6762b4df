"""What a tool leaves behind leads to the kind of failure: one row for each of the vendor's messages and codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.records import MOMENT
from qhas.cell.diagnosis import SIGNS, disk_to_blame, judge_tool
from qhas.failures import FailureKind, Step, StepFailed
from qhas.machine.process import ToolRun

PREPARE, NET_RUN, VIEWER = Step.PREPARE, Step.NET_RUN, Step.CHROMETRACE
CACHE_MISS = (
    "[USER_INFO:HTP_CACHE] No cache record in the DLC matches the target device (HTP_V79_SM8750_8MB). "
    "Creating a new record"
)


def error(code: int, message: str = "What happened", component: str = "Dl System") -> str:
    """An error line as SNPE prints it."""
    return (
        f"error_code={code}; error_message={message}. error_component={component}; line_no=156; thread_id=1"
    )


def judge(
    folder: Path, step: Step, text: str | bytes = "", *, code: int = 0, timed_out: bool = False
) -> None:
    """Judge a tool that printed `text` and exited with `code`."""
    output = folder / "output.txt"
    output.write_bytes(text.encode() if isinstance(text, str) else text)
    argv = ["/sdk/bin/x86_64-linux-clang/the-tool", "--option"]
    judge_tool(
        step, ToolRun(argv=argv, started_at=MOMENT, seconds=7, exit_code=code, timed_out=timed_out), output
    )


def ended(code: int) -> ToolRun:
    return ToolRun(argv=["the-tool"], started_at=MOMENT, seconds=7, exit_code=code)


def verdict(folder: Path, step: Step, text: str | bytes = "", **end: int) -> StepFailed:
    with pytest.raises(StepFailed) as failed:
        judge(folder, step, text, **end)
    assert failed.value.failure.step is step
    return failed.value


TABLE = [
    (Step.QUANTIZE, 1, error(203, "a.raw has 20 bytes"), FailureKind.CALIBRATION_UNUSABLE),
    (Step.CONVERT, 1, error(1002, "the HTP does not support Det (det0)"), FailureKind.ONNX_REJECTED),
    (Step.CONVERT, 0, "ERROR - Encountered Error: ERROR_TF_BATCHNORM", FailureKind.ONNX_REJECTED),
    (
        PREPARE,
        1,
        error(1002, "Layer parameter value is invalid", "Model Validation"),
        FailureKind.MODEL_REJECTED,
    ),
    (PREPARE, 1, error(312, "Bad DNN format version"), FailureKind.MODEL_REJECTED),
    (PREPARE, 1, error(306, "Model load failed"), FailureKind.MODEL_REJECTED),
    (PREPARE, 1, error(15001, "Invalid config"), FailureKind.SOC_REJECTED),
    (
        PREPARE,
        1,
        error(1002, "No backend could validate Op=l: The SocModel doesn't support FP16."),
        FailureKind.FLOAT_UNSUPPORTED,
    ),
    (PREPARE, 1, error(101, "Unknown SoC sm9999"), FailureKind.SOC_REJECTED),
    (PREPARE, 1, error(1500, "Invalid metadata"), FailureKind.TOOL_FAILED),
    (PREPARE, 1, error(7022, "Graph finalize failed"), FailureKind.TOOL_FAILED),
    (PREPARE, 0, "write error: No space left on device", FailureKind.DISK),
    (PREPARE, 1, "Disk quota exceeded", FailureKind.DISK),
    (NET_RUN, 1, error(1503, "Incompatible cache"), FailureKind.PREPARED_ONLINE),
    (NET_RUN, 1, error(1500, "Invalid metadata"), FailureKind.PREPARED_ONLINE),
    (NET_RUN, 0, CACHE_MISS, FailureKind.PREPARED_ONLINE),
    (NET_RUN, 1, error(207, "Tensor file read failed"), FailureKind.INPUT_UNREADABLE),
    (NET_RUN, 1, error(102, "Missing file"), FailureKind.INPUT_UNREADABLE),
    (NET_RUN, 1, error(203, "Size mismatch"), FailureKind.INPUT_REJECTED),
    (NET_RUN, 1, error(105, "Wrong input name"), FailureKind.INPUT_REJECTED),
    (NET_RUN, 1, error(106, "Wrong dimensions"), FailureKind.INPUT_REJECTED),
    (NET_RUN, 1, error(210, "Wrong number of inputs"), FailureKind.INPUT_REJECTED),
    (NET_RUN, 1, error(211, "Shape mismatch"), FailureKind.INPUT_REJECTED),
    (NET_RUN, 1, error(311, "Bad container"), FailureKind.MODEL_REJECTED),
    (NET_RUN, 1, error(911, "DSP crashed"), FailureKind.DSP_CRASHED),
    (NET_RUN, 1, error(904, "Stub not present"), FailureKind.DSP_UNREACHABLE),
    (NET_RUN, 1, error(2030, "Somebody else's number"), FailureKind.TOOL_FAILED),
    (VIEWER, 1, "No Valid Input Schematics", FailureKind.SCHEMATIC_MISMATCH),
    (VIEWER, 0, "No Valid Input Schematics", FailureKind.SCHEMATIC_MISMATCH),
    (VIEWER, 1, "Failed to read the profiling log", FailureKind.LOG_UNREADABLE),
    (VIEWER, 1, "x.log is not a complete QNN profiling log", FailureKind.LOG_UNREADABLE),
    (VIEWER, 1, "the log holds no timeline", FailureKind.TIMELINE_MISSING),
    (VIEWER, 1, "Error printing stats.", FailureKind.TOOL_FAILED),
    (PREPARE, 1, "libm.so.6: version 'GLIBC_2.35' not found", FailureKind.TOOL_FAILED),
    (PREPARE, 127, "", FailureKind.TOOL_FAILED),
    (PREPARE, 137, "", FailureKind.TOOL_KILLED),
    (PREPARE, -9, "", FailureKind.TOOL_KILLED),
    (PREPARE, -15, "", FailureKind.TOOL_KILLED),
    (NET_RUN, 139, "", FailureKind.TOOL_CRASHED),
    (NET_RUN, -11, "", FailureKind.TOOL_CRASHED),
    (NET_RUN, 134, "terminate called", FailureKind.TOOL_CRASHED),
    (NET_RUN, -7, "", FailureKind.TOOL_CRASHED),
    (NET_RUN, -11, error(203), FailureKind.INPUT_REJECTED),
    *(
        (step, 1, error(911, f"the native {job} process ended with {how} and no answer"), kind)
        for step, job in ((Step.QUANTIZE, "quantise"), (Step.PREPARE, "prepare"), (NET_RUN, "run"))
        for how, kind in (
            ("signal 9 (SIGKILL)", FailureKind.TOOL_KILLED),
            ("signal 15 (SIGTERM)", FailureKind.TOOL_KILLED),
            ("signal 11 (SIGSEGV)", FailureKind.TOOL_CRASHED),
            ("signal 6 (SIGABRT)", FailureKind.TOOL_CRASHED),
            ("exit code 3", FailureKind.TOOL_CRASHED),
        )
    ),
]


@pytest.mark.parametrize(("step", "code", "text", "kind"), TABLE)
def test_the_end_of_a_tool_has_its_kind(
    tmp_path: Path, step: Step, code: int, text: str, kind: FailureKind
) -> None:
    assert verdict(tmp_path, step, f"SNPE v2.45.0\n{text}\nGoodbye\n", code=code).failure.kind is kind


def test_a_full_disk_is_the_devices_where_the_tool_ran_there(tmp_path: Path) -> None:
    output = tmp_path / "output.txt"
    output.write_text("write failed: No space left on device\n")
    for on_device, kind in ((False, FailureKind.DISK), (True, FailureKind.DEVICE_FULL)):
        with pytest.raises(StepFailed) as failed:
            judge_tool(NET_RUN, ended(1), output, on_device=on_device)
        assert failed.value.failure.kind is kind


def test_a_tool_that_fails_without_a_reason_is_judged_by_the_devices_log(tmp_path: Path) -> None:
    output, log = tmp_path / "output.txt", tmp_path / "device.log"
    output.write_text("Goodbye\n")
    log.write_text("adsprpc : Error 0x8000040d: remote_handle64_invoke failed\n")
    with pytest.raises(StepFailed) as failed:
        judge_tool(NET_RUN, ended(139), output, on_device=True, device_log=log)
    assert failed.value.failure.kind is FailureKind.DSP_CRASHED
    assert failed.value.failure.evidence == "adsprpc : Error 0x8000040d: remote_handle64_invoke failed"


def test_a_tool_that_went_well_is_not_judged_by_the_devices_log(tmp_path: Path) -> None:
    output, log = tmp_path / "output.txt", tmp_path / "device.log"
    output.write_text("Successfully executed graph net\n")
    log.write_text("0x8000040d from somebody else's process\n")
    judge_tool(NET_RUN, ended(0), output, on_device=True, device_log=log)


def test_every_sign_has_a_row_in_the_table() -> None:
    unseen = [
        sign.pattern.pattern
        for sign in SIGNS
        if not any(
            sign.kind is kind and (not sign.steps or step in sign.steps) and sign.pattern.search(text)
            for step, _, text, kind in TABLE
        )
    ]
    assert not unseen


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (PREPARE, "[USER_INFO] No cache record in the DLC matches the target device. Creating a new record"),
        (PREPARE, "[INFO] QCS6490 : Success\n[WARN] No schematic bin found to add"),
        (PREPARE, "Offline Prepare VTCM size(MB) selected = 0"),
        (NET_RUN, "Model String: N/A\nSNPE v2.46\nProcessing DNN input(s):\ninput.raw"),
        (NET_RUN, "Successfully executed graph soc_net"),
        (VIEWER, ""),
    ],
)
def test_what_good_tools_say_is_no_failure(tmp_path: Path, step: Step, text: str) -> None:
    judge(tmp_path, step, text)


def test_a_time_limit_is_told_before_anything_else(tmp_path: Path) -> None:
    failed = verdict(tmp_path, NET_RUN, f"{error(203)}\nlast words\n", code=-15, timed_out=True)
    assert failed.failure.kind is FailureKind.TOOL_TIMED_OUT
    assert failed.failure.evidence == "last words"
    assert str(failed) == "the-tool did not finish within 7 s."


def test_a_time_limit_on_a_device_is_a_kind_of_its_own(tmp_path: Path) -> None:
    (output := tmp_path / "output.txt").touch()
    with pytest.raises(StepFailed) as failed:
        judge_tool(NET_RUN, ended(-9).model_copy(update={"timed_out": True}), output, on_device=True)
    assert failed.value.failure.kind is FailureKind.DEVICE_TIMED_OUT


def test_the_line_that_settles_it_is_the_evidence(tmp_path: Path) -> None:
    line = error(203, "Size mismatch")
    failed = verdict(tmp_path, NET_RUN, f"before\n  {line}\nafter\n", code=1)
    assert failed.failure.evidence == line
    assert str(failed).startswith("the-tool: Size mismatch")
    assert "error_code=203" in str(failed)


def test_an_error_line_without_a_sign_is_still_the_evidence(tmp_path: Path) -> None:
    failed = verdict(tmp_path, NET_RUN, f"{error(904, 'Stub not present')}\nGoodbye\n", code=1)
    assert "Stub not present" in str(failed)
    assert failed.failure.evidence is not None
    assert failed.failure.evidence.startswith("error_code=904")


def test_else_the_last_line_is_the_evidence(tmp_path: Path) -> None:
    failed = verdict(tmp_path, VIEWER, "one\nError printing stats.\n\n  \n", code=3)
    assert failed.failure.evidence == "Error printing stats."
    assert str(failed) == "the-tool ended with exit code 3: Error printing stats."


def test_a_tool_that_said_nothing_is_told_so(tmp_path: Path) -> None:
    failed = verdict(tmp_path, PREPARE, "", code=127)
    assert str(failed) == "the-tool ended with exit code 127 and printed nothing."
    assert failed.failure.evidence is None


@pytest.mark.parametrize(
    ("code", "said"), [(139, "crashed with SIGSEGV"), (137, "was terminated by SIGKILL")]
)
def test_a_signal_is_named_in_the_message(tmp_path: Path, code: int, said: str) -> None:
    assert str(verdict(tmp_path, PREPARE, "", code=code)) == f"the-tool {said}."


FULL = [
    (FailureKind.TOOL_FAILED, True),
    (FailureKind.TOOL_CRASHED, True),
    (FailureKind.TRACE_INVALID, True),
    (FailureKind.PREPARED_DLC_MISSING, True),
    (FailureKind.TOOL_KILLED, False),
    (FailureKind.TOOL_TIMED_OUT, False),
    (FailureKind.MODEL_REJECTED, False),
    (FailureKind.SCHEMATIC_AMBIGUOUS, False),
]


@pytest.mark.parametrize(("kind", "blamed"), FULL)
def test_what_a_tool_on_a_full_disk_could_not_write_is_the_disks_fault(
    kind: FailureKind, blamed: bool
) -> None:
    error = StepFailed(kind, PREPARE, "the-tool ended with exit code 1 and printed nothing.", "evidence")
    full, good = (ended(1).model_copy(update={"disk_full": full}) for full in (True, False))
    found = disk_to_blame(error, [good, full])
    assert (found is not None) is blamed
    if found:
        assert found.failure.kind is FailureKind.DISK
        assert str(found) == f"The disk of the scratch directory is full: {error}"
        assert found.failure.evidence == "evidence"
    assert disk_to_blame(error, [full, good]) is None
    assert disk_to_blame(error, []) is None


def test_output_that_is_no_text_is_judged_too(tmp_path: Path) -> None:
    failed = verdict(tmp_path, NET_RUN, b"\xff\xfe\0\n" + error(203).encode() + b"\n\x80", code=1)
    assert failed.failure.kind is FailureKind.INPUT_REJECTED


@pytest.mark.parametrize("filler", ["input.raw\n" * 100_000, "x" * 1_000_000], ids=["lines", "one line"])
def test_a_sign_is_found_however_much_the_tool_says_after_it(tmp_path: Path, filler: str) -> None:
    failed = verdict(tmp_path, NET_RUN, f"{CACHE_MISS}\n{filler}\nGoodbye\n")
    assert failed.failure.kind is FailureKind.PREPARED_ONLINE
    assert failed.failure.evidence == CACHE_MISS


def test_evidence_stays_short_enough_to_store(tmp_path: Path) -> None:
    failed = verdict(tmp_path, PREPARE, "x" * 100_000, code=1)
    assert failed.failure.evidence is not None
    assert len(failed.failure.evidence) <= 2000
