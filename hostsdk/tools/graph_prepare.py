"""snpe-dlc-graph-prepare: compile a DLC's network for SoCs and add the cache records, with schematic and timeline."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from hostsdk import layout, socs
from hostsdk.compile_options import for_soc
from hostsdk.dlc.dlc import Dlc
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.preparation import ESTIMATE_UNSUPPORTED, Preparation
from hostsdk.publish import publish, require_writable, scratch_in
from hostsdk.tools import command
from hostsdk.tools.options import Options, names, switch, whole_number

_DEFAULT_SOC = "sm8650"
_QHAS = "qhas"


def main(argv: Sequence[str]) -> int:
    """Return 0 with the output DLC (and schematic) in place, or 1 with one error line and neither."""
    return command.run(_prepare, argv)


def _options() -> Options:
    options = Options(
        "snpe-dlc-graph-prepare", "Compile a DLC's network for HTP SoCs and add one cache record for each."
    )
    add = options.add_argument
    add("--input_dlc", required=True, type=Path, metavar="DLC")
    add("--output_dlc", type=Path, metavar="DLC", help="default: <input>_cached.dlc; may be the input")
    add("--htp_socs", type=names, default=[_DEFAULT_SOC], metavar="A[,B]", help="default: sm8650")
    add(
        "--profiling_level",
        choices=(_QHAS,),
        help="qhas: write <graph>_schematic.bin into the working directory and keep the simulator's timeline for net-run",
    )
    add("--optimization_level", type=whole_number(1, 3), default=2, metavar="1|2|3", help="default: 2")
    add(
        "--vtcm_override",
        type=whole_number(0),
        metavar="MB",
        help="0: all the SoC has; default: the compiler's choice",
    )
    add("--num_hvx_threads", type=whole_number(1), metavar="N", help="default: the compiler's choice")
    add("--htp_dlbc", type=switch, default=False, metavar="true|false", help="lossless bandwidth compression")
    add("--overwrite_cache_records", action="store_true", help="default: skip a SoC that has a record")
    add("--memorymapped_buffer_hint", type=switch, default=False, metavar="true|false", help="no effect here")
    return options


def _prepare(argv: Sequence[str]) -> None:
    chosen = _options().parse_args(argv)
    source: Path = chosen.input_dlc
    output: Path = chosen.output_dlc or source.with_name(f"{source.stem}_cached.dlc")
    qhas = chosen.profiling_level == _QHAS
    targets = list(dict.fromkeys(socs.find(name, "--htp_socs") for name in chosen.htp_socs))
    if qhas and len(targets) > 1:
        raise _invalid(
            "--profiling_level qhas writes a schematic per graph, named after it: prepare one SoC at a time"
        )
    options = {
        soc: for_soc(
            soc, chosen.optimization_level, chosen.vtcm_override, chosen.num_hvx_threads, chosen.htp_dlbc
        )
        for soc in targets
    }
    Dlc(source).check()
    sdk = layout.sdk()
    if qhas:
        require_writable(Path.cwd())
    print(sdk.banner)
    with scratch_in(output.parent) as scratch:
        working = scratch / source.name  # this name appears in messages
        repeated = targets if chosen.overwrite_cache_records else []
        Dlc(source).copy_without_caches(working, [soc.name for soc in repeated])
        for soc in targets:
            _prepare_one(Preparation(sdk, soc, options[soc], scratch), working, qhas=qhas)
        publish(working, output)
    print(f"[USER_INFO] Successfully saved DLC to {output}")


def _prepare_one(preparation: Preparation, working: Path, *, qhas: bool) -> None:
    soc = preparation.soc
    title = soc.name.upper()
    if Dlc(working).cache_record(soc.name):
        print(f"[USER_INFO] {title}: the DLC has a matching cache record, generation is skipped")
        if qhas:
            print(f"[WARN] {title}: no schematic is written; --overwrite_cache_records prepares it again")
        return
    print(f"[INFO] SNPE HTP Offline Prepare: Attempting to create cache for {title}")
    print("[USER_INFO] No cache record in the DLC matches the target device. Creating a new record")
    print(f"[INFO] Offline Prepare VTCM size(MB) selected = {preparation.options.vtcm_mb or 0}")
    print(f"[INFO] Optimization Level passed = {preparation.options.optimization_level}", flush=True)
    if not qhas:
        preparation.compile(working)
    else:
        setting = {"1": True, "0": False}.get(os.environ.get(ESTIMATE_UNSUPPORTED, ""))
        outcome = preparation.profile(working, estimate_unsupported=setting)
        for schematic in outcome.schematics:
            publish(schematic, Path.cwd() / schematic.name)
            print(f"[INFO] {schematic.name} written")
        print(f"[{'INFO' if outcome.has_timeline else 'WARN'}] {outcome.statement}")
    print(f"[INFO] Successfully created cache for {title}\n[INFO] {title} : Success", flush=True)


def _invalid(reason: str) -> ToolError:
    return ToolError(ErrorCode.INVALID_PARAMETER, f"{reason}.", "HTP Offline Prepare")
