"""snpe-net-run: run a prepared network on the HTP emulator, one inference per line of the input list."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hostsdk import input_list, layout, socs
from hostsdk.child import run_job
from hostsdk.compile_options import CompileOptions
from hostsdk.dlc.dlc import Dlc
from hostsdk.dlc.timeline_record import read_timelines
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.input_list import InputList
from hostsdk.publish import publish, require_writable, scratch_in
from hostsdk.socs import Soc
from hostsdk.tools import command
from hostsdk.tools.cache_choice import choose_record
from hostsdk.tools.net_run_options import EVENT_LEVELS, Level, parse
from hostsdk.tools.user_log import UserLog

SOC_VARIABLE = "HOSTSDK_SOC"


def main(argv: Sequence[str]) -> int:
    """Return 0 with results (and logs) in place, or 1 with one error line and none of them."""
    return command.run(_net_run, argv)


def _net_run(argv: Sequence[str]) -> None:
    chosen = parse(argv)
    container = Dlc(chosen.container)
    container.check()
    lists = [input_list.parse(path) for path in chosen.input_list or []]
    outputs = _outputs(chosen.set_output_tensors, lists)
    soc = _machine(container)
    qhas = chosen.profiling_level is Level.QHAS
    if qhas:
        require_writable(Path.cwd())
    sdk = layout.sdk()
    print(f"Model String: N/A\n{sdk.banner}", flush=True)
    with UserLog(chosen.userlogs) as user_log:
        mode = chosen.cache_compatibility_mode
        record = choose_record(container, soc, mode, chosen.validate_cache, user_log.write)
        timeline = qhas and record is not None and bool(read_timelines(container, soc.name))
        if chosen.timeline_only and not timeline:
            raise ToolError(
                ErrorCode.MISSING_RECORD,
                f"{chosen.container.name} has no timeline for {soc.name}, which --timeline_only needs: prepare it with "
                "--profiling_level qhas for a SoC that has an estimate.",
                "DLC",
            )
        if qhas and not timeline:
            user_log.write(
                "USER_WARN",
                "The container has no timeline that belongs to the record in use: prepare it with --profiling_level qhas",
            )
        chosen.output_dir.mkdir(parents=True, exist_ok=True)
        with scratch_in(chosen.output_dir) as scratch:
            results = scratch / "results"
            results.mkdir()
            request = {
                **sdk.job_libraries(),
                "dlc": str(chosen.container.resolve()),
                "record": record,
                "soc": soc.name,
                "soc_model": soc.soc_model,
                "options": CompileOptions().to_json(),
                "input_dir": str(Path.cwd()),
                "graphs": chosen.graph_execute or [],
                "lists": None
                if chosen.timeline_only
                else [[[vars(entry) for entry in line] for line in each.inferences] for each in lists],
                "native_inputs": chosen.use_native_input_files,
                "native_outputs": chosen.use_native_output_files,
                "outputs": outputs,
                "output_dir": str(results),
                "duration_s": chosen.duration,
                "log_level": user_log.level,
                "timeline": timeline,
                **_profile_request(chosen.profiling_level, sdk, scratch),
            }
            result = run_job("execute", request, scratch, user_log.listen(_progress))
            _publish(chosen.output_dir, results, [scratch / name for name in result["logs"]], qhas=qhas)
        if chosen.timeline_only:
            print(
                "Nothing was executed: the log has only the simulator's timeline, and there are no outputs."
            )
            return
        for graph in result["graphs"]:
            print(f"Successfully executed graph {graph}")
        print(
            f"{result['inferences']} inference(s) executed on the HTP emulator; host times are not device times."
        )


def _outputs(option: list[str] | None, lists: list[InputList]) -> list[str]:
    """Return the tensors to write, empty for all: those of the option, else of the lists' header lines."""
    return option or [name for each in lists for name in (*each.layers, *each.tensors)]


def _machine(container: Dlc) -> Soc:
    """Return the SoC this machine stands for. Raises `ToolError` when nothing says which."""
    name = os.environ.get(SOC_VARIABLE)
    if name:
        return socs.find(name, SOC_VARIABLE)
    cached = container.cached_socs()
    if len(cached) == 1:
        return socs.find(cached[0], "the container's cache record")
    held = f"records for {', '.join(cached)}" if cached else "no cache record"
    raise ToolError(
        ErrorCode.INVALID_DEVICE,
        f"the container has {held}, so set {SOC_VARIABLE} to the SoC to emulate.",
        "HTP Device",
    )


def _profile_request(level: Level, sdk: layout.Sdk, scratch: Path) -> dict[str, Any]:
    events = EVENT_LEVELS[level]
    log = {
        "directory": str(scratch),
        "application": "snpe-net-run",
        "version": sdk.build_id,
        "backend": f"HTP emulator (x86-64) {sdk.build_id}",
    }
    return {"profile": events, "log": log if events else None}


def _progress(message: dict[str, Any]) -> None:
    print("Processing DNN input(s):")
    print("\n".join(message["paths"]), flush=True)


def _publish(output_dir: Path, results: Path, logs: list[Path], *, qhas: bool) -> None:
    for result in sorted(results.iterdir()):
        publish(result, output_dir / result.name)
    folder = Path("profilelogs") if qhas else output_dir
    folder.mkdir(exist_ok=True)
    for index, log in enumerate(logs):
        publish(log, folder / (log.name if qhas else f"qnn-profiling-data_{index}.log"))
