"""snpe-dlc-graph-prepare: adds a cache record per SoC and, at profiling level qhas, writes a schematic to the cwd."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .container import PRODUCER, ContainerError, Dlc
from .faults import Fault
from .options import Kind, Option, UsageError, flags, switches, values
from .session import Session, ToolError, vendor_error
from .socs import ARCH_AND_VTCM

DEFAULT_SOC = "sm8650"
_COMPILER_OPTIONS = (
    "vtcm_override",
    "optimization_level",
    "num_hvx_threads",
    "htp_dlbc",
    "memorymapped_buffer_hint",
    "set_output_tensors",
    "set_output_layers",
    "profiling_level",
)


def options(session: Session) -> list[Option]:
    """Return the tool's options; profiling_level only if the SDK's version has it."""
    known = [
        *values("input_dlc", "output_dlc", "htp_socs", "htp_archs", "vtcm_override"),
        Option("optimization_level", Kind.VALUE, ("1", "2", "3")),
        *values(
            "set_output_tensors", "set_output_layers", "input_list", "num_hvx_threads", "udo_package_path"
        ),
        *(
            Option(name, Kind.VALUE, repeatable=True)
            for name in ("buffer_data_type", "input_name", "input_dimensions")
        ),
        *flags("use_float_io", "overwrite_cache_records", "verbose", "quiet", "silent"),
        *switches("memorymapped_buffer_hint", "htp_dlbc"),
    ]
    if session.has_qhas:
        known.append(Option("profiling_level", Kind.VALUE, ("qhas",)))
    return known


def run(session: Session, given: Mapping[str, str]) -> None:
    """Prepare the DLC. Raises ToolError with the vendor's text."""
    if "input_dlc" not in given:
        raise UsageError("option '--input_dlc' is required")
    if "htp_archs" in given and ("htp_socs" in given or "vtcm_override" in given):
        raise UsageError("'--htp_archs' cannot be used with '--htp_socs' or '--vtcm_override'")
    source = Path(given["input_dlc"])
    target = Path(given.get("output_dlc", source.with_name(f"{source.stem}_cached.dlc").name))
    dlc = _read(source)
    socs = _socs(given)
    session.begin(socs, [*(model.graph for model in dlc.model.graphs), source.name])
    _refuse_unknown(socs)
    prepared = _with_caches(session, dlc, socs, given)
    _write(session, target, prepared)
    print(f"[USER_INFO] Successfully saved DLC to {target}")


def _read(path: Path) -> Dlc:
    try:
        return Dlc.from_bytes(path.read_bytes())
    except OSError:
        raise vendor_error(306, f"Model load failed; cannot open {path}", "Dl Container") from None
    except ContainerError as error:
        raise vendor_error(311, f"Bad container {path}: {error}", "Dl Container") from None


def _socs(given: Mapping[str, str]) -> list[str]:
    if "htp_archs" not in given:
        return given.get("htp_socs", DEFAULT_SOC).lower().split(",")
    wanted = {int(arch.lower().lstrip("v")) for arch in given["htp_archs"].split(",")}
    firsts = {arch: soc for soc, (arch, _) in reversed(ARCH_AND_VTCM.items())}
    return [firsts.get(arch, f"v{arch}") for arch in sorted(wanted)]


def _refuse_unknown(socs: list[str]) -> None:
    unknown = [soc for soc in socs if soc not in ARCH_AND_VTCM]
    if unknown:
        raise ToolError(f"[ERROR] SNPE HTP Offline Prepare: {unknown[0].upper()} is not a supported SoC")


def _with_caches(session: Session, dlc: Dlc, socs: list[str], given: Mapping[str, str]) -> Dlc:
    chosen = {name: given[name] for name in _COMPILER_OPTIONS if name in given}
    caches = dict(dlc.caches)
    for soc in socs:
        label = soc.upper()
        print(f"[INFO] SNPE HTP Offline Prepare: Attempting to create cache for {label}")
        if soc in caches and "overwrite_cache_records" not in given:
            print(f"[USER_INFO] Cache record for {label} already exists. Skipping")
            continue
        print("[USER_INFO] No cache record in the DLC matches the target device. Creating a new record")
        print(f"[INFO] Offline Prepare VTCM size(MB) selected = {given.get('vtcm_override', '0')}")
        print(f"[INFO] Optimization Level passed = {given.get('optimization_level', '2')}")
        caches[soc] = _cache(session, dlc, soc, chosen)
        if caches[soc]["traced"]:
            _write_schematics(session, dlc, caches[soc])
        else:
            print("[WARN] No schematic bin found to add")
        print(f"[INFO] SNPE HTP Offline Prepare: Successfully created cache for {label}")
        print(f"[INFO] {label} : Success")
    return Dlc(dlc.model, caches)


def _cache(session: Session, dlc: Dlc, soc: str, chosen: Mapping[str, str]) -> dict[str, Any]:
    arch, vtcm = ARCH_AND_VTCM[soc]
    facts: dict[str, Any] = {"soc": soc, "arch": arch, "build_id": session.build_id, "options": chosen}
    identity = json.dumps([dlc.digest, facts], sort_keys=True)
    prepare_id = hashlib.sha256(identity.encode()).hexdigest()
    traced = chosen.get("profiling_level") == "qhas"
    vtcm_mb = int(chosen.get("vtcm_override", 0)) or vtcm
    return {**facts, "producer": PRODUCER, "prepare_id": prepare_id, "traced": traced, "vtcm_mb": vtcm_mb}


def _write_schematics(session: Session, dlc: Dlc, cache: Mapping[str, Any]) -> None:
    graphs = [model.graph for model in dlc.model.graphs]
    faulty: dict[Fault | None, list[str]] = {
        Fault.NO_SCHEMATIC: graphs[:-1],
        Fault.TWO_SCHEMATICS: [*graphs, f"{graphs[0]}_1"],
    }
    for name in faulty.get(session.fault, graphs):
        content = {"producer": PRODUCER, "qnn_graph_name": name, "prepare_id": cache["prepare_id"]}
        Path(f"{name}_schematic.bin").write_text(json.dumps(content), encoding="utf-8")


def _write(session: Session, target: Path, dlc: Dlc) -> None:
    if session.fault is Fault.NO_DLC:
        return
    content = b"" if session.fault is Fault.EMPTY_DLC else dlc.to_bytes()
    try:
        target.write_bytes(content)
    except OSError as error:
        raise vendor_error(300, f"Cannot write {target}: {error.strerror}", "Dl Container") from None
