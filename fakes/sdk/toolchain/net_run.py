"""snpe-net-run: reads the input list, "executes", writes results and the profile that the level requests."""

import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from . import diagnostics, timeline
from .container import ContainerError, Dlc, Model, Tensor
from .faults import Fault
from .options import Kind, Option, UsageError, flags, switches, values
from .profile_log import Inference, ProfileLog
from .session import Session, vendor_error

DEVICE_SOC = "QHAS_FAKE_DEVICE_SOC"
LOG = Path("profilelogs/qnn-profiling-data.log")
TIMELINE_ONLY = "timeline_only"
"""The host SDK's own option: nothing is executed."""
_PERF_PROFILES = [
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
]
_LEVELS = ["off", "basic", "moderate", "detailed", "linting"]
_COLD_START_US = 350


class Run(NamedTuple):
    """One graph of a call, with the arguments read: its cache record, raw files per inference, where to write.

    `place` is its index among several graphs, or None if it is the only one.
    """

    dlc: Dlc
    model: Model
    place: int | None
    name: str
    soc: str
    cache: Mapping[str, Any] | None
    inferences: list[dict[str, Path]]
    output: Path
    level: str


def options(session: Session) -> list[Option]:
    """Return the tool's options; level qhas only if the SDK's version has it."""
    levels = [*_LEVELS, "qhas"] if session.has_qhas else _LEVELS
    return [
        *values(
            "container", "input_list", "runtime_order", "output_dir", "storage_dir", "set_output_tensors"
        ),
        *values("perf_config_yaml", "inferences_per_duration", "platform_options", "udo_package_path"),
        *values("encoding_type", "duration", "timeout", "userlogs", "userbuffer_floatN", "userbuffer_tfN"),
        *values(
            "userbuffer_floatN_output", "userbuffer_tfN_output", "userbuffer_uintN_output", "deferred_init"
        ),
        *values("model_name", "graph_init", "graph_execute", "resizable_dim", "data_type_map", "tensor_mode"),
        *(Option(name, Kind.VALUE, repeatable=True) for name in ("input_name", "input_dimensions")),
        Option("perf_profile", Kind.VALUE, tuple(_PERF_PROFILES)),
        Option("priority_hint", Kind.VALUE, ("low", "normal", "normal_high", "high")),
        Option("profiling_level", Kind.VALUE, tuple(levels)),
        Option("cache_compatibility_mode", Kind.VALUE, ("permissive", "strict", "always_generate_new")),
        *flags("use_dsp", "use_gpu", "use_aip", "enable_cpu_fallback", "debug", "set_unconsumed_as_output"),
        *flags("userbuffer_auto", "userbuffer_float", "userbuffer_tf8", "userbuffer_float_output"),
        *flags(
            "userbuffer_tf8_output", "userbuffer_memorymapped", "static_min_max", "use_native_input_files"
        ),
        *flags("use_native_output_files", "enable_init_cache", "validate_cache"),
        *flags("dbglogs", TIMELINE_ONLY),
        *switches("enable_htp_accelerated_init"),
    ]


def run(session: Session, given: Mapping[str, str]) -> None:
    """Execute the graphs. Raises ToolError with the vendor's text."""
    for name in ("container", TIMELINE_ONLY if TIMELINE_ONLY in given else "input_list"):
        if name not in given:
            raise UsageError(f"option '--{name}' is required")
    print("Model String: N/A")
    print(f"SNPE {session.build_id}")
    jobs = _read_jobs(given)
    session.begin([jobs[0].soc], [*(job.model.graph for job in jobs), jobs[0].name])
    selected = _select_cache(session, jobs[0], given)
    jobs = [job._replace(cache=selected.cache) for job in jobs]
    for job in jobs:
        _check_inputs(job, given)
    for job in jobs:
        recorded = _execute(session, job)
        if TIMELINE_ONLY not in given:
            _write_results(session, job)
        if job.level == "qhas":
            _write_log(session, job, recorded)
        elif job.level != "off":
            diagnostics.write_log(
                Path(given.get("output_dir", "output")),
                session.build_id,
                job.model.graph,
                job.soc,
                recorded,
                job.place or 0,
            )
        print(f"Successfully executed graph {job.model.graph}")


def _read_jobs(given: Mapping[str, str]) -> list[Run]:
    """Return one run per graph, each with its own input list, as in qnn-net-run for models of several graphs."""
    container = Path(given["container"])
    try:
        dlc = Dlc.from_bytes(container.read_bytes())
    except OSError:
        raise vendor_error(306, f"Model load failed; cannot open {container}", "Dl Container") from None
    except ContainerError as error:
        raise vendor_error(311, f"Bad container {container}: {error}", "Dl Container") from None
    device = os.environ.get(DEVICE_SOC, "").lower()
    soc = device or next(iter(dlc.caches), "unknown")
    output = Path(given.get("output_dir", "output"))
    level = given.get("profiling_level", "detailed")
    wanted = given["graph_execute"].split(",") if "graph_execute" in given else None
    models = [model for model in dlc.model.graphs if wanted is None or model.graph in wanted]
    lists = given["input_list"].split(",") if "input_list" in given else [""] * len(models)
    if not models or len(lists) != len(models):
        raise vendor_error(102, f"{len(lists)} input lists for {len(models)} graphs", "System Configuration")
    several = len(models) > 1
    return [
        Run(
            dlc,
            model,
            index if several else None,
            container.name,
            soc,
            dlc.caches.get(soc),
            _input_list(Path(listing), model.inputs) if listing else [{}],
            output / model.graph if several else output,
            level,
        )
        for index, (model, listing) in enumerate(zip(models, lists, strict=True))
    ]


def _input_list(path: Path, inputs: tuple[Tensor, ...]) -> list[dict[str, Path]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        raise vendor_error(102, f"Cannot open input list {path}", "System Configuration") from None
    inferences = []
    for line in lines:
        if not line.strip() or line[0] in "#%":
            continue
        files = {}
        for number, word in enumerate(line.split()):
            name, assigned, file = word.rpartition(":=")
            files[name if assigned else inputs[min(number, len(inputs) - 1)].name] = Path(file)
        inferences.append(files)
    if not inferences:
        raise vendor_error(102, f"Input list {path} names no inputs", "System Configuration")
    return inferences


def _select_cache(session: Session, job: Run, given: Mapping[str, str]) -> Run:
    """Return the job with the record the device accepts; without one, prepare online unless that is forbidden."""
    if session.fault is Fault.INCOMPATIBLE_CACHE:
        raise vendor_error(1503, "Cache record is incompatible with the target device", "Dl Container")
    if job.cache is not None and session.fault is not Fault.ONLINE_PREPARE:
        return job
    strict = given.get("cache_compatibility_mode") == "strict" or "validate_cache" in given
    if strict and session.fault is not Fault.ONLINE_PREPARE:
        code, problem = (1503, "No compatible cache record") if job.dlc.caches else (307, "Missing records")
        raise vendor_error(code, f"{problem} for {job.soc.upper()} in {job.name}", "Dl Container")
    print(f"[USER_INFO:HTP_CACHE] Target device backend record identifier: HTP_{job.soc.upper()}")
    print(
        f"[USER_INFO:HTP_CACHE] No cache record in the DLC matches the target device ({job.soc.upper()}). "
        "Creating a new record"
    )
    print("[USER_WARN:HTP_CACHE] Cannot perform accelerated init: the record was created on the device")
    return job._replace(cache=None)


def _check_inputs(job: Run, given: Mapping[str, str]) -> None:
    sizes = {tensor.name: tensor.size for tensor in job.model.inputs}
    converted = any(name.startswith("userbuffer_") or name == "use_native_input_files" for name in given)
    print("Processing DNN input(s):")
    for files in job.inferences:
        for name, file in files.items():
            if name not in sizes:
                raise vendor_error(105, f"Input {name} not found in network", "Dnn Network")
            if not file.is_file():
                raise vendor_error(207, f"Tensor file read failed; file={file}", "System")
            if not converted and file.stat().st_size != sizes[name]:
                found = f"file={file}; expected {sizes[name]} bytes, got {file.stat().st_size}"
                raise vendor_error(203, f"Buffer size mismatch; {found}", "System")
            print(file)


def _execute(session: Session, job: Run) -> list[Inference]:
    """Return invented times; the first inference pays for power-up, the later ones vary by a few per cent."""
    print(f"Processing graph : {job.model.graph}")
    model = job.model
    cycles = timeline.build(model.nodes, job.model.digest, job.soc, session.scale).cycles
    graph_us = max(1, round(cycles / 1400))
    recorded = [Inference(graph_us + round(_COLD_START_US * session.scale), graph_us)]
    for number in range(1, len(job.inferences)):
        warm = round(graph_us * (0.85 + 0.01 * (number * 7 % 5)))
        recorded.append(Inference(warm + 9, warm))
    return recorded


def _write_results(session: Session, job: Run) -> None:
    job.output.mkdir(parents=True, exist_ok=True)
    written = len(job.inferences)
    if session.fault is Fault.PARTIAL_RESULTS:
        written //= 2
    for number in range(written):
        directory = job.output / f"Result_{number}"
        for tensor in job.model.outputs:
            file = directory / f"{tensor.name}.raw"
            file.parent.mkdir(parents=True, exist_ok=True)
            seed = hashlib.sha256(f"{job.model.digest}/{tensor.name}/{number}".encode()).digest()
            file.write_bytes((seed * (tensor.size // len(seed) + 1))[: tensor.size])


def _write_log(session: Session, job: Run, recorded: list[Inference]) -> None:
    cache = job.cache or {"prepare_id": "online", "traced": True}
    log = ProfileLog(
        cache["prepare_id"],
        job.model.graph,
        job.model.nodes,
        job.model.digest,
        job.soc,
        session.version,
        cache["traced"],
        session.scale,
        tuple(recorded),
    )
    if session.fault is Fault.NO_LOG:
        return
    path = LOG if job.place is None else LOG.with_stem(f"{LOG.stem}_{job.place}")
    LOG.parent.mkdir(exist_ok=True)
    if session.fault is Fault.STALE_LOG:
        if not path.exists():
            path.write_bytes(log._replace(prepare_id="stale").to_bytes())
            an_hour_ago = time.time() - 3600
            os.utime(path, (an_hour_ago, an_hour_ago))
        return
    content = log.to_bytes()
    if session.fault is Fault.TRUNCATED_LOG:
        content = content[: len(content) - 700]
    path.write_bytes(b"" if session.fault is Fault.EMPTY_LOG else content)
