"""Further versions of the wheel, fetched into the cache by the user's own installer from the user's own index."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hostsdk import generations, wheel
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.wheel import Wheel

_SECONDS = 1800.0
"""A wheel has 100 MB, and a lab's connection may be slow."""


def install(name: str) -> Wheel:
    """Return the wheel of a version as in 2.4.0, or of a generation as in 2.48, fetched if it is not on this machine.

    Nothing of it enters an environment. Raises `ToolError` with the installer's own last line.
    """
    wheel.require_platform()
    version = generations.wheel_called(name)
    if version is None:
        known = ", ".join(each.wheel for each in generations.GENERATIONS)
        raise _failed(f"{name!r} is not a version of {wheel.DISTRIBUTION}: known versions are {known}")
    if present := wheel.on_this_machine().get(version):
        return present
    try:
        wheel.cache().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=wheel.cache()) as scratch:
            _fetch(version, Path(scratch, "wheel"))
            _keep(Path(scratch, "wheel"), version)
    except OSError as error:
        raise _failed(f"{wheel.cache()} cannot be written to ({error.strerror or error})") from error
    if fetched := wheel.cached(version):
        return fetched
    raise _failed(
        f"{wheel.DISTRIBUTION} {version} came without {', '.join(wheel.LIBRARIES)}: its index serves a different file"
    )


def _keep(made: Path, version: str) -> None:
    """Move the wheel into the cache, unless another process was first; an incomplete one is replaced."""
    target = wheel.cache() / version
    if wheel.cached(version) is None:
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)


def _fetch(version: str, target: Path) -> None:
    # A source archive would run code of its own while it is built; a wheel is only unpacked.
    only = ["--only-binary", wheel.DISTRIBUTION]
    options = ["--quiet", "--no-deps", *only, "--target", str(target), f"{wheel.DISTRIBUTION}=={version}"]
    try:
        done = subprocess.run(
            [*_installer(), *options], capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(f"{wheel.DISTRIBUTION} {version} could not be fetched: {error}") from error
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reason = lines[-1].rstrip(".") if lines else f"exit code {done.returncode}"
        raise _failed(f"{wheel.DISTRIBUTION} {version} could not be fetched: {reason}")


def _installer() -> list[str]:
    """Return the command of uv, from the PATH or the one that made this environment, else of pip.

    Pip is this interpreter's own, else that of the PATH.
    """
    beside = Path(f"{sys.prefix}-uv", "bin", "uv")
    uv = shutil.which("uv") or (str(beside) if os.access(beside, os.X_OK) else None)
    if uv:
        return [uv, "pip", "install", "--python", sys.executable]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install"]
    if pip := shutil.which("pip"):
        return [pip, "install"]
    raise _failed("neither uv nor pip is installed, and one is needed to fetch a wheel: install one of them")


def _failed(reason: str) -> ToolError:
    return ToolError(ErrorCode.RUNTIME_UNAVAILABLE, f"{reason}.", "Host SDK")
