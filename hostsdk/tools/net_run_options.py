"""snpe-net-run's command line."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from hostsdk.errors import ErrorCode, ToolError
from hostsdk.tools.cache_choice import CacheMode
from hostsdk.tools.options import Options, names, seconds
from hostsdk.tools.user_log import LEVELS, UserLogChoice


class Level(StrEnum):
    """What is recorded while running."""

    OFF = "off"
    """Nothing."""
    BASIC = "basic"
    """Times of whole calls."""
    MODERATE = "moderate"
    """The same as basic, on this SDK."""
    DETAILED = "detailed"
    """Times of calls and counts per node."""
    LINTING = "linting"
    """The same as detailed, on this SDK."""
    QHAS = "qhas"
    """The same as detailed, and the simulator's timeline of the prepared graph."""


EVENT_LEVELS: dict[Level, str | None] = {
    Level.OFF: None,
    Level.BASIC: "BASIC",
    Level.MODERATE: "BASIC",
    Level.DETAILED: "DETAILED",
    Level.LINTING: "DETAILED",
    Level.QHAS: "DETAILED",
}
"""The library's profile level for each `Level`; None opens no profile."""

PERF_PROFILES = (
    "low_balanced",
    "balanced",
    "default",
    "high_performance",
    "sustained_high_performance",
    "burst",
    "low_power_saver",
    "power_saver",
    "high_power_saver",
    "extreme_power_saver",
    "system_settings",
)
_BUFFERS = ("--userbuffer_auto", "--userbuffer_float", "--userbuffer_tf8")
_NATIVE = ("use_native_input_files", "use_native_output_files")
_OTHER_RUNTIMES = ("--use_gpu", "--use_aip", "--enable_cpu_fallback", "--enable_cpu_fxp", "--enable_cpu_qmx")


def parse(argv: Sequence[str]) -> Namespace:
    """Parse and check the command line.

    Raises `ToolError`: INVALID_PARAMETER, or RUNTIME_UNAVAILABLE for another runtime.
    """
    options = Options("snpe-net-run", "Run a prepared network on the HTP emulator.")
    add = options.add_argument
    add("--container", required=True, type=Path, metavar="DLC")
    add(
        "--input_list",
        type=_paths,
        metavar="FILE[,FILE]",
        help="one inference per line: path, or name:=path ...; one list per graph, in the container's order",
    )
    add(
        "--timeline_only",
        action="store_true",
        help="run nothing and log only the simulator's timeline; replaces --input_list, needs qhas",
    )
    add(
        "--graph_init", type=names, metavar="A[,B]", help="no effect here: graphs are created as they are run"
    )
    add("--graph_execute", type=names, metavar="A[,B]", help="graphs to run; default: all")
    add("--output_dir", type=Path, default=Path("output"), metavar="DIR", help="default: ./output")
    add("--use_dsp", action="store_true", help="run on the HTP; required, as there is no other runtime here")
    for flag in _OTHER_RUNTIMES:
        add(flag, dest="other_runtimes", action="append_const", const=flag, help="not available here")
    add("--runtime_order", type=names, metavar="A[,B]", help="dsp is the only one available here")
    add("--perf_profile", choices=PERF_PROFILES, default="balanced", help="no effect on an emulator")
    add(
        "--profiling_level",
        choices=[str(level) for level in Level],
        default=str(Level.DETAILED),
        help="default: detailed; qhas writes profilelogs/qnn-profiling-data.log",
    )
    add(
        "--duration",
        type=seconds,
        default=0.0,
        metavar="SECONDS",
        help="loop over the input list for this long",
    )
    add(
        "--validate_cache",
        action="store_true",
        help="fail unless the container has a valid record for the SoC",
    )
    add(
        "--cache_compatibility_mode",
        choices=[str(mode) for mode in CacheMode],
        default=str(CacheMode.PERMISSIVE),
    )
    add("--set_output_tensors", type=names, metavar="A[,B]", help="outputs to write; default: all")
    for flag in _BUFFERS:
        add(flag, action="store_true", help="only allows the native options below")
    add("--use_native_input_files", action="store_true", help="raw files are of the inputs' own types")
    add("--use_native_output_files", action="store_true", help="raw files are of the outputs' own types")
    add("--userlogs", type=_user_log, metavar="LEVEL,PATH", help="write the runtime's log to a file")
    chosen = options.parse_args(argv)
    chosen.profiling_level = Level(chosen.profiling_level)
    chosen.cache_compatibility_mode = CacheMode(chosen.cache_compatibility_mode)
    _require_dsp(chosen)
    _require_buffers(chosen)
    _require_work(chosen)
    return chosen


def _require_work(chosen: Namespace) -> None:
    """Require either inferences or a timeline alone."""
    if chosen.timeline_only == bool(chosen.input_list):
        raise ToolError(
            ErrorCode.INVALID_PARAMETER,
            "give --input_list, or --timeline_only to run nothing.",
            "Command Line",
        )
    if chosen.timeline_only and chosen.profiling_level is not Level.QHAS:
        raise ToolError(
            ErrorCode.INVALID_PARAMETER,
            "--timeline_only needs --profiling_level qhas: without it there is no timeline.",
            "Command Line",
        )


def _require_buffers(chosen: Namespace) -> None:
    """Require a --userbuffer_* option for native files, as the vendor's page does."""
    native = [name for name in _NATIVE if getattr(chosen, name)]
    if native and not any(getattr(chosen, flag.removeprefix("--")) for flag in _BUFFERS):
        raise ToolError(
            ErrorCode.INVALID_PARAMETER,
            f"--{native[0]} needs user buffers: add --userbuffer_auto.",
            "Command Line",
        )


def _require_dsp(chosen: Namespace) -> None:
    others = list(chosen.other_runtimes or [])
    others += [f"--runtime_order {name}" for name in chosen.runtime_order or [] if name != "dsp"]
    if others or not (chosen.use_dsp or chosen.runtime_order):
        runtime = others[0] if others else "the CPU runtime, which is the default,"
        raise ToolError(
            ErrorCode.RUNTIME_UNAVAILABLE,
            f"The selected runtime is not available on this platform: {runtime} is not supported, use --use_dsp.",
            "Runtime",
        )


def _paths(text: str) -> list[Path]:
    return [Path(name) for name in names(text)]


def _user_log(text: str) -> UserLogChoice:
    level, comma, path = text.partition(",")
    if level not in LEVELS or not comma or not path:
        raise ArgumentTypeError(f"{text!r} is not LEVEL,PATH with a level of {', '.join(LEVELS)}")
    return UserLogChoice(LEVELS[level], Path(path))
