"""Where Qualcomm's libraries are: in the interpreter's `onnxruntime-qnn` wheel, or in another version in the cache.

Nothing here imports or loads a wheel, so a look-up is cheap and safe on any platform.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from hostsdk import generations
from hostsdk.errors import ErrorCode, ToolError

DISTRIBUTION = "onnxruntime-qnn"
PACKAGE = "onnxruntime_qnn"
INSTALL = "pip install 'qhas-flows[hostsdk]'"
LIBRARIES = ("libQnnHtp.so", "libQnnSystem.so", "libQnnIr.so")
VARIABLE = "HOSTSDK_WHEEL"
"""Environment variable: the version of the wheel to use, as in 2.4.0; without it the interpreter's own."""


@dataclass(frozen=True)
class Wheel:
    """A wheel on this machine: the directory of its libraries, and its version."""

    directory: Path
    version: str

    def library(self, name: str) -> Path:
        """Return the path of one of its libraries."""
        return self.directory / name

    def for_jobs(self, layout: generations.Layout) -> dict[str, object]:
        """Return what every native job needs to know about the libraries it loads."""
        return {
            "library_dir": str(self.directory),
            "layout": {"pointers": layout.pointers, "soc_offset": layout.soc_offset},
        }


def called(name: str, asked: str) -> str:
    """Return the version of the wheel with this name. Raises `ToolError`, beginning with `asked`, if it is unknown."""
    if (wanted := generations.wheel_called(name)) is None:
        known = ", ".join(generation.sdk for generation in generations.GENERATIONS)
        raise _unavailable(
            f"{asked} is not a version of {DISTRIBUTION}: give one such as 2.4.0, or one of {known}"
        )
    return wanted


def find() -> Wheel:
    """Return the wheel to use.

    Raises `ToolError` (RUNTIME_UNAVAILABLE) saying in one sentence what is missing and what to do.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return own()
    require_platform()
    wanted = called(named, f"{VARIABLE}={named}")
    installed = _own_version()
    installation = own() if installed == wanted else cached(wanted)
    if installation is None:
        raise _unavailable(
            f"version {wanted} of {DISTRIBUTION} is not installed on this machine: run python -m hostsdk install {wanted}"
        )
    return installation


def own() -> Wheel:
    """Return the interpreter's wheel. Raises as `find` does."""
    require_platform()
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise _unavailable(f"the wheel {DISTRIBUTION} is not installed in {sys.prefix}: run {INSTALL}")
    directory = Path(spec.origin).parent
    if lacking := _lacking(directory):
        raise _unavailable(f"{directory} lacks {', '.join(lacking)}: reinstall with {INSTALL}")
    return Wheel(directory, _version_of(directory))


def cached(version: str) -> Wheel | None:
    """Return a wheel that `python -m hostsdk install` fetched; None if it is missing or incomplete."""
    directory = cache() / version / PACKAGE
    return None if _lacking(directory) else Wheel(directory, version)


def on_this_machine() -> dict[str, Wheel]:
    """Return every usable wheel by its version: those of the cache, and the interpreter's own."""
    folders = cache().iterdir() if cache().is_dir() else ()
    wheels = {each.version: each for folder in folders if (each := cached(folder.name))}
    return wheels | ({installed: own()} if (installed := _own_version()) else {})


def cache() -> Path:
    """Return where further versions go: the user's cache, never an environment."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "qhas-hostsdk" / "wheels"


def require_platform() -> None:
    """Raise `ToolError` unless the libraries can run here."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        machine = f"{sys.platform} {platform.machine()}"
        raise _unavailable(f"the host SDK runs on Linux x86-64 only, and this is {machine}")


def _own_version() -> str | None:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    try:
        return _version_of(Path(spec.origin).parent)
    except ModuleNotFoundError:  # from importlib.metadata: there is no distribution
        return None


def _version_of(directory: Path) -> str:
    """Read the version from its .dist-info's name: importlib.metadata would take a fifth of every tool's start."""
    left = [path.name for path in directory.parent.glob(f"{PACKAGE}-*.dist-info")]
    if len(left) == 1:
        return left[0].removeprefix(f"{PACKAGE}-").removesuffix(".dist-info")
    from importlib import metadata

    return metadata.version(DISTRIBUTION)


def _lacking(directory: Path) -> list[str]:
    return [name for name in LIBRARIES if not (directory / name).is_file()]


def _unavailable(reason: str) -> ToolError:
    return ToolError(ErrorCode.RUNTIME_UNAVAILABLE, f"{reason}.", "Host SDK")
