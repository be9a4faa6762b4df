"""Where Qualcomm's libraries are: the `onnxruntime-qnn` wheel of the running interpreter.

Nothing here imports or loads the wheel, so asking is cheap and safe on any platform.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from hostsdk.errors import ErrorCode, ToolError

INSTALL = "pip install 'qhas-flows[hostsdk]'"
LIBRARIES = ("libQnnHtp.so", "libQnnSystem.so", "libQnnIr.so")


@dataclass(frozen=True)
class Wheel:
    """An installed wheel: the directory of its libraries, and its version."""

    directory: Path
    version: str

    def library(self, name: str) -> Path:
        """The path of one of its libraries."""
        return self.directory / name


def find() -> Wheel:
    """The wheel, or `ToolError` (RUNTIME_UNAVAILABLE) saying in one sentence what is missing and what to do."""
    machine = f"{sys.platform} {platform.machine()}"
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise _unavailable(f"the host SDK runs on Linux x86-64 only, and this is {machine}")
    spec = importlib.util.find_spec("onnxruntime_qnn")
    if spec is None or spec.origin is None:
        raise _unavailable(f"the wheel onnxruntime-qnn is not installed in {sys.prefix}: run {INSTALL}")
    directory = Path(spec.origin).parent
    lacking = [name for name in LIBRARIES if not (directory / name).is_file()]
    if lacking:
        raise _unavailable(f"{directory} lacks {', '.join(lacking)}: reinstall with {INSTALL}")
    return Wheel(directory, importlib.metadata.version("onnxruntime-qnn"))


def _unavailable(reason: str) -> ToolError:
    return ToolError(ErrorCode.RUNTIME_UNAVAILABLE, f"{reason}.", "Host SDK")
