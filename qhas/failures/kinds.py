"""The closed vocabulary of what can go wrong with a cell, with the meaning and the number of attempts of each kind.

Error numbers and texts are the vendor's (SNPE `DlError.h`, HTP backend documentation).
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from enum import StrEnum


class Again(StrEnum):
    """Where a step that failed on a device is tried again."""

    HERE = "here"
    """In the same lease."""
    ELSEWHERE = "elsewhere"
    """After the lease has ended, on another device of the SoC if there is one, else on the same one."""


class FailureKind(StrEnum):
    """Why a cell has no result. Each kind has its sentence in `FACTS`."""

    MODEL_UNREADABLE = "model_unreadable"
    MODEL_REJECTED = "model_rejected"
    ONNX_REJECTED = "onnx_rejected"
    SHAPE_OPEN = "shape_open"
    CALIBRATION_UNUSABLE = "calibration_unusable"
    NETWORK_MISSING = "network_missing"
    SOC_REJECTED = "soc_rejected"
    FLOAT_UNSUPPORTED = "float_unsupported"
    TOOL_MISSING = "tool_missing"
    TOOL_FAILED = "tool_failed"
    TOOL_CRASHED = "tool_crashed"
    TOOL_KILLED = "tool_killed"
    TOOL_TIMED_OUT = "tool_timed_out"
    PREPARED_DLC_MISSING = "prepared_dlc_missing"
    SCHEMATIC_MISSING = "schematic_missing"
    SCHEMATIC_AMBIGUOUS = "schematic_ambiguous"
    SCHEMATIC_MISMATCH = "schematic_mismatch"
    INPUT_UNREADABLE = "input_unreadable"
    INPUT_REJECTED = "input_rejected"
    DEVICE_OFFLINE = "device_offline"
    DEVICE_UNAUTHORIZED = "device_unauthorized"
    DEVICE_UNFIT = "device_unfit"
    DEVICE_FULL = "device_full"
    DEVICE_HOT = "device_hot"
    DEVICE_BATTERY_LOW = "device_battery_low"
    DEVICES_QUARANTINED = "devices_quarantined"
    SOC_MISMATCH = "soc_mismatch"
    CLIENT_BROKEN = "client_broken"
    DSP_UNREACHABLE = "dsp_unreachable"
    DSP_CRASHED = "dsp_crashed"
    DEVICE_TIMED_OUT = "device_timed_out"
    PREPARED_ONLINE = "prepared_online"
    LATENCY_MISSING = "latency_missing"
    RESULTS_INCOMPLETE = "results_incomplete"
    LOG_MISSING = "log_missing"
    LOG_EMPTY = "log_empty"
    LOG_STALE = "log_stale"
    TRANSFER_CUT = "transfer_cut"
    LOG_UNREADABLE = "log_unreadable"
    TIMELINE_MISSING = "timeline_missing"
    TRACE_MISSING = "trace_missing"
    TRACE_INVALID = "trace_invalid"
    QHAS_MISSING = "qhas_missing"
    QHAS_INVALID = "qhas_invalid"
    REFERENCE_FAILED = "reference_failed"
    OUTPUTS_UNLIKE = "outputs_unlike"
    EXPLANATION_MISSING = "explanation_missing"
    PARTS_MISSING = "parts_missing"
    DISK = "disk"
    STORE = "store"
    INTERNAL = "internal"


@dataclass(frozen=True)
class FailureFacts:
    """What a kind means, the cheapest next step for the engineer, and whether another attempt may help.

    `attempts` counts all attempts, `delay_seconds` is the wait before each further one, and `again` says where that
    runs. With `blames_device`, a failure counts towards quarantining the device; with `network_may_cause`, only until
    the same network fails in the same way on another device too.
    """

    meaning: str
    hint: str
    _: KW_ONLY
    attempts: int = 1
    delay_seconds: float = 1.0
    again: Again = Again.HERE
    blames_device: bool = False
    network_may_cause: bool = False


FACTS: dict[FailureKind, FailureFacts] = {
    FailureKind.MODEL_UNREADABLE: FailureFacts(
        "The network could not be fetched or read.",
        "Check that its address exists and is readable from this host.",
        attempts=2,
    ),
    FailureKind.MODEL_REJECTED: FailureFacts(
        "The SDK refuses the DLC.",
        "Convert the network again with the SDK that prepares it, and read the tool's output for the op it names.",
    ),
    FailureKind.ONNX_REJECTED: FailureFacts(
        "The SDK's converter or quantiser refuses the ONNX.",
        "`qhas check` names each op that the HTP does not support, and what would work.",
    ),
    FailureKind.SHAPE_OPEN: FailureFacts(
        "An input of the ONNX has no fixed shape.",
        "Give a number for each dimension, with `--shape NAME=1,3,224,224` or under `shapes` of the model.",
    ),
    FailureKind.CALIBRATION_UNUSABLE: FailureFacts(
        "The calibration data cannot be read, or do not fit the network.",
        "Give float32 values of each input's size: an input list, or a folder of .npy or .raw files.",
    ),
    FailureKind.NETWORK_MISSING: FailureFacts(
        "The converter or quantiser finished without writing a network.",
        "Read the tool's output; check free disk space.",
        attempts=2,
    ),
    FailureKind.SOC_REJECTED: FailureFacts(
        "This SDK cannot prepare for the SoC.", "Check the SoC's name, or use an SDK that knows it."
    ),
    FailureKind.FLOAT_UNSUPPORTED: FailureFacts(
        "The SoC cannot compute floats, and the network contains some.",
        "Quantise it (`--quantize w8a8`, or `quantize` in the sweep), or leave this SoC out.",
    ),
    FailureKind.TOOL_MISSING: FailureFacts(
        "A tool of the SDK is missing or cannot be executed.",
        "Run `qhas doctor` and repair the SDK it names.",
    ),
    FailureKind.TOOL_FAILED: FailureFacts(
        "A tool reported an error of its own.", "Read the tool's output, stored with the cell.", attempts=2
    ),
    FailureKind.TOOL_CRASHED: FailureFacts(
        "A tool crashed.",
        "Check that the DLC, the libraries and the tool come from the same SDK version.",
        attempts=2,
    ),
    FailureKind.TOOL_KILLED: FailureFacts(
        "A tool was killed from outside, usually because memory ran out.",
        "Run fewer cells at once, or prepare on a host with more memory.",
        attempts=2,
    ),
    FailureKind.TOOL_TIMED_OUT: FailureFacts(
        "A tool did not finish within its time limit.",
        "Raise run.timeout_seconds, or read the tool's output to see why it hangs.",
        attempts=2,
    ),
    FailureKind.PREPARED_DLC_MISSING: FailureFacts(
        "Graph-prepare ended without a usable DLC.",
        "Read graph-prepare's output; check free disk space.",
        attempts=2,
    ),
    FailureKind.SCHEMATIC_MISSING: FailureFacts(
        "Graph-prepare wrote no schematic, so no trace can be decoded.",
        "Check that this SDK's graph-prepare knows `--profiling_level qhas`, and that the DLC holds no older cache record.",
        attempts=2,
    ),
    FailureKind.SCHEMATIC_AMBIGUOUS: FailureFacts(
        "Graph-prepare wrote several schematics; which one belongs to the log is not known.",
        "Split the DLC into one graph per file.",
    ),
    FailureKind.SCHEMATIC_MISMATCH: FailureFacts(
        "The schematic does not belong to the executed DLC.", "Prepare again and run exactly that DLC."
    ),
    FailureKind.INPUT_UNREADABLE: FailureFacts(
        "An input file could not be read.",
        "Check every path in the input list; they are relative to the list's folder.",
    ),
    FailureKind.INPUT_REJECTED: FailureFacts(
        "The input data do not fit the network.",
        "Compare count, size and names of the inputs with the DLC's.",
    ),
    FailureKind.DEVICE_OFFLINE: FailureFacts(
        "The device cannot be reached, or the connection was lost.",
        "Check its cable, power and network; `qhas devices --check` tries it again.",
        attempts=3,
        delay_seconds=5.0,
        again=Again.ELSEWHERE,
        blames_device=True,
    ),
    FailureKind.DEVICE_UNAUTHORIZED: FailureFacts(
        "The device denies this host access.",
        "Accept this host's key on the phone's screen, or give it this user's ssh key; on `no permissions`, check the udev rules.",
        attempts=2,
        again=Again.ELSEWHERE,
        blames_device=True,
    ),
    FailureKind.DEVICE_UNFIT: FailureFacts(
        "The device's directory cannot be used, or the device lacks a program that every Android and Linux has.",
        "Choose another `directory` for it in site.yaml: writable, and not mounted noexec.",
        attempts=2,
        again=Again.ELSEWHERE,
        blames_device=True,
    ),
    FailureKind.DEVICE_FULL: FailureFacts(
        "The device has too little free space.",
        "Free space on it; what qhas keeps there is below its `directory` in site.yaml.",
        attempts=2,
        again=Again.ELSEWHERE,
        blames_device=True,
    ),
    FailureKind.DEVICE_HOT: FailureFacts(
        "The device did not cool down within the time that the gate allows.",
        "Cool the rack, or raise gate.patience_seconds in site.yaml.",
        attempts=2,
        again=Again.ELSEWHERE,
        blames_device=True,
    ),
    FailureKind.DEVICE_BATTERY_LOW: FailureFacts(
        "The device's battery is below the gate's limit and did not charge in time.",
        "Charge it: use a powered hub, or lower gate.battery_percent in site.yaml.",
        attempts=2,
        again=Again.ELSEWHERE,
        blames_device=True,
    ),
    FailureKind.DEVICES_QUARANTINED: FailureFacts(
        "Every device of the SoC has been quarantined after repeated failures.",
        "Read the reasons, repair the devices and bring them back with `qhas devices --check`.",
    ),
    FailureKind.SOC_MISMATCH: FailureFacts(
        "The device's SoC is not the one in site.yaml.",
        "Correct `soc` of the device in site.yaml.",
        attempts=2,
        again=Again.ELSEWHERE,
        blames_device=True,
    ),
    FailureKind.CLIENT_BROKEN: FailureFacts(
        "The adb or ssh client of this host is missing or does not work.",
        "Install it and run it by hand once; `qhas doctor` tests it.",
        attempts=3,
        delay_seconds=5.0,
    ),
    FailureKind.DSP_UNREACHABLE: FailureFacts(
        "The runtime did not reach the Hexagon: skel or transport is wrong.",
        "Check the device's `hexagon` in site.yaml, that its skel is from this SDK version, and the device log stored with the cell.",
        attempts=2,
        again=Again.ELSEWHERE,
        blames_device=True,
    ),
    FailureKind.DSP_CRASHED: FailureFacts(
        "The Hexagon process died during the run (subsystem restart).",
        "Run again; if it happens again, the device log stored with the cell names the fault.",
        attempts=2,
        delay_seconds=5.0,
        again=Again.ELSEWHERE,
        blames_device=True,
        network_may_cause=True,
    ),
    FailureKind.DEVICE_TIMED_OUT: FailureFacts(
        "A tool did not finish within its time limit on the device.",
        "Raise run.timeout_seconds; if other networks hang there too, reboot the device.",
        attempts=2,
        again=Again.ELSEWHERE,
        blames_device=True,
        network_may_cause=True,
    ),
    FailureKind.LATENCY_MISSING: FailureFacts(
        "The run without profiling recorded no times of individual inferences.",
        "Check that the SDK has `snpe-diagview` and read its output, or set run.repetitions to 0.",
        attempts=2,
    ),
    FailureKind.PREPARED_ONLINE: FailureFacts(
        "No record of the prepared DLC fits the device, so the runtime prepared its own graph or refused.",
        "Prepare for the SoC of the device, with the SDK version that runs there.",
    ),
    FailureKind.RESULTS_INCOMPLETE: FailureFacts(
        "The run succeeded but wrote outputs for only some inferences.",
        "Run again; check free space on the device.",
        attempts=2,
    ),
    FailureKind.LOG_MISSING: FailureFacts(
        "The run wrote no profiling log.",
        "Check that net-run knows `--profiling_level qhas` and its directory is writable.",
        attempts=2,
    ),
    FailureKind.LOG_EMPTY: FailureFacts(
        "The profiling log is empty.", "Run again; check free space on the device.", attempts=2
    ),
    FailureKind.LOG_STALE: FailureFacts(
        "The profiling log already existed before the run.",
        "Clean the working directory of the device and run again.",
        attempts=2,
    ),
    FailureKind.TRANSFER_CUT: FailureFacts(
        "A file of the run did not arrive whole on this host.",
        "Check cable, network and free space of this host.",
        attempts=3,
    ),
    FailureKind.LOG_UNREADABLE: FailureFacts(
        "The profiling log is damaged or cut off.",
        "Run again; check free space and the transfer from the device.",
        attempts=2,
    ),
    FailureKind.TIMELINE_MISSING: FailureFacts(
        "The log holds no timeline: the graph was not prepared for it, or the SoC has no supported estimate.",
        "Use a SoC that has estimates (`qhas doctor` lists them), or set HOSTSDK_ESTIMATE_UNSUPPORTED_SOCS=1 in "
        "the site's sdk.env for estimates that the vendor does not support.",
    ),
    FailureKind.TRACE_MISSING: FailureFacts(
        "The viewer ended without a chrometrace.",
        "Run the viewer again from the stored log and schematic.",
        attempts=2,
    ),
    FailureKind.TRACE_INVALID: FailureFacts(
        "The chrometrace is empty, cut off or not JSON.",
        "Use the viewer of the same SDK version as the log; an older one writes empty files.",
        attempts=2,
    ),
    FailureKind.QHAS_MISSING: FailureFacts(
        "The viewer wrote no QHAS summary although one was requested.",
        "Check that this viewer knows `qhas_json`.",
        attempts=2,
    ),
    FailureKind.QHAS_INVALID: FailureFacts(
        "The QHAS summary is cut off or not JSON.",
        "The chrometrace is kept; known to happen with a time_us of 0 in some SDK versions: read the trace, or change the SDK.",
    ),
    FailureKind.REFERENCE_FAILED: FailureFacts(
        "ONNX Runtime cannot compute the ONNX, so there is nothing to compare the outputs with.",
        "Run the ONNX in ONNX Runtime by hand, or turn accuracy off with `accuracy: false`.",
    ),
    FailureKind.OUTPUTS_UNLIKE: FailureFacts(
        "Inputs or outputs of the run do not match those of the ONNX, by name or by shape.",
        "Name the ONNX that the network was made from as its `reference`.",
    ),
    FailureKind.EXPLANATION_MISSING: FailureFacts(
        "The sweep asks what bounds the network, and the simulator does not say; the cell is still good.",
        "Ask again with `qhas explain`, with another SoC or other options: `qhas explain --help`.",
    ),
    FailureKind.PARTS_MISSING: FailureFacts(
        "A part of the language model has no estimate, so nothing can be scaled to the whole.",
        "`qhas llm` says the same of each part: other bits, fewer `blocks` or a shorter context may compile.",
    ),
    FailureKind.DISK: FailureFacts(
        "The scratch directory is full or not writable.", "Free space, or point TMPDIR at a larger disk."
    ),
    FailureKind.STORE: FailureFacts(
        "The object store refused or failed.",
        "Run the sweep again with the same run id; finished cells are kept.",
        attempts=3,
    ),
    FailureKind.INTERNAL: FailureFacts(
        "A fault in this program.", "Report it with the stored output; the other cells are not affected."
    ),
}
