"""The machine and the versions on which figures were measured."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

from qhas.site import SdkRef
from qhas.site.sdk import find_sdk

_PACKAGES = ("qhas-flows", "prefect", "pydantic", "fsspec", "orjson", "plotly")


def machine() -> dict[str, object]:
    """Return cores, processor, memory in bytes, system, Python and packages."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
    }


def sdk_version(root: Path) -> str:
    """Return the SDK's build id."""
    return find_sdk(SdkRef(root=root)).version


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
