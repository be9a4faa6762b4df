"""Find the SDK, its version and its tools, and build their command lines. No other module knows the tools' options.

Options and file habits follow Qualcomm's SNPE tools page and QHAS profiling page (80-63442-10).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from qhas.failures import InvalidInput
from qhas.machine.host_sdk import ROOT_VARIABLES as ROOT_VARIABLES
from qhas.machine.host_sdk import answer_of, ask, host_sdk_variables
from qhas.machine.process import tool_environment
from qhas.site import SdkRef, Site
from qhas.site.site import NamedSdk

if TYPE_CHECKING:
    from qhas.sweep.quantization import Quantization
    from qhas.sweep.spec import PrepareOptions, RunOptions, TraceFeatures

HOST_TARGET = "x86_64-linux-clang"
READER = "libQnnHtpOptraceProfilingReader.so"
_ROOT = ("root",)
"""The query for a host SDK's directory."""
_SOCS = "share/socs.txt"
"""The file in which a host SDK lists the SoCs it compiles for, one per line."""


class Tool(StrEnum):
    """Executables of the SDK."""

    CONVERTER = "snpe-onnx-to-dlc"
    QAIRT_CONVERTER = "qairt-converter"
    DLC_QUANTIZER = "snpe-dlc-quant"
    ONNX_QUANTIZER = "onnx-quantize"
    """Only in the host SDK."""
    GRAPH_PREPARE = "snpe-dlc-graph-prepare"
    NET_RUN = "snpe-net-run"
    PROFILE_VIEWER = "qnn-profile-viewer"
    DIAGVIEW = "snpe-diagview"
    PLATFORM_VALIDATOR = "snpe-platform-validator"
    ESTIMATE = "hostsdk-estimate"
    """Also only in the host SDK."""


HOST_TOOLS = (Tool.GRAPH_PREPARE, Tool.NET_RUN, Tool.PROFILE_VIEWER)
"""Host tools without which no cell can be run at all."""
DEVICE_TOOLS = (Tool.NET_RUN, Tool.PROFILE_VIEWER, Tool.PLATFORM_VALIDATOR)
"""Tools that are copied to a device, if the SDK has them for the device's target."""
OUTPUT = "output"
_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
_NATIVE_INPUTS = ("--userbuffer_auto", "--use_native_input_files")
"""Without user buffers, net-run reads only float32 files (SNPE tools page)."""


class ProfilingLevel(StrEnum):
    """What net-run measures (`--profiling_level`)."""

    BASIC = "basic"
    """Times of whole inferences, without ops. At `off` the runtime keeps no times at all (DlEnums.h)."""
    QHAS = "qhas"
    """The timeline of every op. It slows the run, so its times are not latencies."""


class SdkKind(StrEnum):
    """Where an SDK comes from."""

    VENDOR = "vendor"
    """An SDK directory the user named."""
    HOST = "host"
    """The embedded toolchain built on Qualcomm's PyPI libraries: compiles, emulates and estimates on this machine."""


@dataclass(frozen=True)
class Sdk:
    """An SDK on this host. `version` is its build id if it states one, else its directory's name."""

    root: Path
    version: str
    kind: SdkKind
    env: Mapping[str, str] = field(default_factory=dict)

    def tool(self, tool: Tool) -> Path:
        """Return the path of a host executable, whether it exists or not."""
        return self.root / "bin" / HOST_TARGET / tool

    @property
    def reader(self) -> Path:
        """The optrace reader for the host viewer, from the same target directory, as the vendor requires."""
        return self.root / "lib" / HOST_TARGET / READER

    def environment(self, additions: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment for the SDK's host tools: without our credentials, with the SDK's libraries first."""
        paths = {
            "LD_LIBRARY_PATH": str(self.root / "lib" / HOST_TARGET),
            "PATH": f"{self.root / 'bin' / HOST_TARGET}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "QNN_SDK_ROOT": str(self.root),
            "SNPE_ROOT": str(self.root),
        }
        if (modules := self.root / "lib" / "python").is_dir():  # the vendor's converters are Python programs
            paths["PYTHONPATH"] = str(modules)
        if self.kind is SdkKind.HOST:
            paths |= host_sdk_variables()
        return tool_environment(paths | dict(self.env) | dict(additions or {}))

    def lists(self, socs: Iterable[str]) -> bool:
        """Whether the SDK's own list contains all of these SoCs; a vendor's SDK has no list."""
        listed = self.root / _SOCS
        return listed.is_file() and set(socs) <= set(listed.read_text().split())

    def missing(self) -> list[Path]:
        """Return the tools and libraries that are missing or not executable."""
        absent = [self.tool(tool) for tool in HOST_TOOLS if not os.access(self.tool(tool), os.X_OK)]
        return absent if self.reader.is_file() else [*absent, self.reader]

    @property
    def quantizes_onnx(self) -> bool:
        """Whether the SDK quantises an ONNX before conversion; a vendor's quantises the DLC."""
        return self.kind is SdkKind.HOST

    @property
    def makes(self) -> list[object]:
        """What determines, besides options, which DLC an ONNX becomes: part of the key under which a DLC is kept."""
        return [self.kind, self.version, dict(self.env), *([_HOST_RULES] if self.quantizes_onnx else [])]

    def convert_argv(
        self, *, network: Path, output: Path, op_trace: Path, shapes: Mapping[str, Sequence[int]]
    ) -> list[str]:
        """Build the command that converts an ONNX to a DLC.

        If the older tool is missing, this is `qairt-converter`, whose option for shapes has another name. The host
        SDK's converter also writes to `op_trace` which nodes became which ops.
        """
        newer = not self.tool(Tool.CONVERTER).exists() and self.tool(Tool.QAIRT_CONVERTER).exists()
        return [
            str(self.tool(Tool.QAIRT_CONVERTER if newer else Tool.CONVERTER)),
            *("--input_network", str(network), "--output_path", str(output)),
            *_dimensions("--source_model_input_shape" if newer else "--input_dim", shapes),
            *(["--op_trace", str(op_trace)] if self.kind is SdkKind.HOST else []),
        ]

    def quantize_argv(
        self,
        *,
        network: Path,
        output: Path,
        input_list: Path,
        quantization: Quantization,
        shapes: Mapping[str, Sequence[int]],
    ) -> list[str]:
        """Build the command that quantises an ONNX or a DLC (see `quantizes_onnx`); the list is of float32 files."""
        bits = [
            f"--weights_bitwidth={quantization.weights}",
            f"--act_bitwidth={quantization.activations}",
            f"--input_list={input_list}",
        ]
        if self.quantizes_onnx:
            tool, files = Tool.ONNX_QUANTIZER, [f"--input_network={network}", f"--output_path={output}"]
            return [str(self.tool(tool)), *files, *bits, *_dimensions("--input_dim", shapes)]
        return [str(self.tool(Tool.DLC_QUANTIZER)), f"--input_dlc={network}", f"--output_dlc={output}", *bits]

    def prepare_argv(self, *, dlc: Path, output: Path, soc: str, options: PrepareOptions) -> list[str]:
        """Build graph-prepare's command for one SoC, with QHAS instrumentation.

        The schematic is written to the working directory.
        """
        argv = [
            str(self.tool(Tool.GRAPH_PREPARE)),
            f"--input_dlc={dlc}",
            f"--output_dlc={output}",
            f"--htp_socs={soc}",
        ]
        argv += ["--profiling_level", "qhas"]
        if options.optimization_level is not None:
            argv.append(f"--optimization_level={options.optimization_level}")
        if options.vtcm_mb is not None:
            argv.append(f"--vtcm_override={options.vtcm_mb}")
        if options.hvx_threads is not None:
            argv.append(f"--num_hvx_threads={options.hvx_threads}")
        if options.dlbc is not None:
            argv.append(f"--htp_dlbc={'true' if options.dlbc else 'false'}")
        return argv

    def net_run_argv(
        self,
        *,
        container: str,
        input_list: str,
        options: RunOptions,
        level: ProfilingLevel,
        native_inputs: bool = False,
        graph: str | None = None,
    ) -> list[str]:
        """Build the command for a run on the device; the program has no path, as each device has its own place for it.

        Without an input list nothing is executed, which only the host SDK's program can do. The two cache options make
        a record that does not fit the device an error instead of a silent online prepare.
        """
        return [
            Tool.NET_RUN,
            f"--container={container}",
            f"--input_list={input_list}" if input_list else "--timeline_only",
            f"--output_dir={OUTPUT}",
            "--profiling_level",
            level,
            f"--perf_profile={options.perf_profile}",
            "--use_dsp",
            "--validate_cache",
            "--cache_compatibility_mode=strict",
            *(_NATIVE_INPUTS if native_inputs else ()),
            *((f"--graph_init={graph}", f"--graph_execute={graph}") if graph else ()),
        ]

    def diagview_argv(self, *, log: Path, output: Path) -> list[str]:
        """Build the command that extracts the times of single inferences from a diagnostic log as CSV."""
        return [str(self.tool(Tool.DIAGVIEW)), f"--input_log={log}", f"--output={output}"]

    def viewer_argv(
        self,
        *,
        config: Path | str,
        log: Path | str,
        schematic: Path | str,
        output: Path | str,
        program: Path | str | None = None,
        reader: Path | str | None = None,
    ) -> list[str]:
        """Build the command that turns log and schematic into chrometrace, QHAS and the rest, all beside `output`.

        Viewer and reader are this host's, unless a device's are given. Both must be built for the same target.
        """
        return [
            str(program or self.tool(Tool.PROFILE_VIEWER)),
            f"--config={config}",
            f"--reader={reader or self.reader}",
            f"--input_log={log}",
            f"--schematic={schematic}",
            f"--output={output}",
        ]


def _dimensions(option: str, shapes: Mapping[str, Sequence[int]]) -> list[str]:
    return [word for name, shape in shapes.items() for word in (option, name, ",".join(map(str, shape)))]


def viewer_config(features: TraceFeatures) -> str:
    """Return the viewer's config.json: all eight switches, under "features", the only place where they are read."""
    return json.dumps({"features": features.model_dump()}, indent=2)


def begin_to_find(ref: SdkRef) -> None:
    """Start locating the host SDK in the background, if `find_sdk` will need it."""
    if ref.root is None and not any(map(os.environ.get, ROOT_VARIABLES)):
        ask(*_ROOT)


def find_sdk(ref: SdkRef, environ: Mapping[str, str] = os.environ) -> Sdk:
    """Return the site's SDK, else that of the environment, else the host SDK. Raises InvalidInput."""
    root = ref.root
    source = "site.yaml"
    for variable in ROOT_VARIABLES:
        if root is None and environ.get(variable):
            root, source = Path(environ[variable]), variable
    if root is None:
        root, source = host_sdk_root(), "the host SDK"
    if not root.is_dir():
        raise InvalidInput(f"The SDK root {root} named by {source} is not a directory.")
    sdk = Sdk(root.resolve(), _version(root.resolve()), kind_of(root), ref.env)
    if absent := sdk.missing():
        raise InvalidInput(
            f"The SDK at {root} (named by {source}) has no usable {', '.join(map(str, absent))}."
        )
    return sdk


def find_sdks(site: Site, names: Iterable[str | None]) -> dict[str | None, Sdk]:
    """Return the SDKs that cells name; None is the site's own. Raises InvalidInput if the site has none of a name."""
    return {name: _find_named(site, name) for name in names}


def _find_named(site: Site, name: str | None) -> Sdk:
    if name is None:
        return find_sdk(site.sdk)
    named = site.sdks.get(name)
    if named is None and not site.sdks and _VERSION.fullmatch(name):
        named = NamedSdk(host=name)
    if named is None:
        known = f"its sdks are {', '.join(site.sdks)}" if site.sdks else "site.yaml has no sdks"
        raise InvalidInput(f"This site has no SDK called {name}: {known}; add it there.")
    return find_sdk(SdkRef(root=named.root or host_sdk_root(named.host), env=named.env))


def host_sdk_root(version: str | None = None) -> Path:
    """Return the root of the host SDK, or of a version of it, creating it if needed.

    Raises InvalidInput if it is not available on this host.
    """
    return Path(ask_host_sdk(*_ROOT, *([version] if version else []))[-1])


def host_sdk_estimates() -> dict[str, list[str]]:
    """Return the SoCs that the host SDK estimates: `supported` by the vendor, or only `checked` against a device.

    Raises InvalidInput if the host SDK does not answer.
    """
    rows = [line.split("\t") for line in ask_host_sdk("socs")]
    return {kind: [row[0] for row in rows if row[-1] == kind] for kind in ("supported", "checked")}


_HOST_RULES = 4
"""Version of our own converter and quantiser rules: raised when they make a different DLC from the same ONNX."""


def host_sdk_versions() -> list[str]:
    """Return the generations of the host SDK installed on this machine, as in 2.48, oldest first.

    Raises InvalidInput if the host SDK does not answer.
    """
    rows = (line.split("\t") for line in ask_host_sdk("list"))
    return [row[1] for row in rows if _VERSION.fullmatch(row[1]) and row[2] != "not installed"]


def ask_host_sdk(*question: str) -> list[str]:
    """Query the host SDK and return the lines of its answer, at least one. Raises InvalidInput with its complaint."""
    answer = answer_of(*question)
    if answer.complaint:
        raise InvalidInput(answer.complaint)
    return answer.lines


def kind_of(root: Path) -> SdkKind:
    """Return the kind of the SDK in a directory, as its sdk.yaml states it."""
    marker = root / "sdk.yaml"
    return (
        SdkKind.HOST
        if marker.is_file() and "hostsdk" in marker.read_text(errors="replace")
        else SdkKind.VENDOR
    )


def _version(root: Path) -> str:
    header = root / "include" / "QNN" / "QnnSdkBuildId.h"
    if header.is_file() and (
        match := re.search(r'QNN_SDK_BUILD_ID\s+"v?([^"]+)"', header.read_text(errors="replace"))
    ):
        return match[1]
    return root.name
