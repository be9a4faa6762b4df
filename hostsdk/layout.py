"""The SDK directory: made once per interpreter and wheel, shaped like the vendor's."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hostsdk import child, socs, wheel
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.generations import LAYOUTS, Layout
from hostsdk.locks import lock, open_lock

TARGET = "x86_64-linux-clang"
READER = "libQnnHtpOptraceProfilingReader.so"
SOCS = "share/socs.txt"
"""File with the names of the SoCs that it compiles for, one per line, to be read without running a tool."""
TOOLS = {
    "snpe-onnx-to-dlc": "hostsdk.tools.onnx_to_dlc",
    "onnx-quantize": "hostsdk.tools.onnx_quantize",
    "onnx-check": "hostsdk.tools.onnx_check",
    "snpe-dlc-graph-prepare": "hostsdk.tools.graph_prepare",
    "snpe-net-run": "hostsdk.tools.net_run",
    "qnn-profile-viewer": "hostsdk.viewer.command",
    "hostsdk-estimate": "hostsdk.tools.estimate",
}
"""Executables by name; those that begin with snpe or qnn have the vendor's names."""
_SHEBANG_LIMIT = 120
_MAKING_SECONDS = 120.0
"""How long another process may take to make the directory; it takes seconds, on a loaded machine some tens."""
_BUILD_ID = re.compile(r"v(\d+)\.(\d+)\.(\d+)\.(\d{6})\d*")


@dataclass(frozen=True)
class Sdk:
    """An SDK whose directory exists. `build_id` is the libraries' own, as in v2.51.0.260929181845."""

    root: Path
    build_id: str
    wheel: wheel.Wheel
    layout: Layout

    def job_libraries(self) -> dict[str, object]:
        """Return what every native job needs to know about the libraries."""
        return self.wheel.for_jobs(self.layout)

    @property
    def banner(self) -> str:
        """The version that every tool prints."""
        return f"SNPE {self.build_id}"


def version(build_id: str) -> str:
    """Return the directory's name for a build id: M.m.p.YYMMDD."""
    match = _BUILD_ID.match(build_id)
    if match is None:
        raise ToolError(
            ErrorCode.RUNTIME_UNAVAILABLE,
            f"the libraries report an invalid build id {build_id!r}.",
            "Host SDK",
        )
    return ".".join(match.groups())


def sdk() -> Sdk:
    """Return the SDK of the wheel in use (`wheel.find`), made if absent or out of date. Safe for concurrent callers.

    Raises `ToolError` when the platform or the wheel is not the right one.
    """
    installed = wheel.find()
    base = _base()
    place = _find(base, installed)
    if place:
        return place
    with _exclusive(base):
        return _find(base, installed) or _make(base, installed)


def _base() -> Path:
    """Return where SDK directories go: the interpreter's prefix, else the user's cache, separate for every prefix."""
    share = Path(sys.prefix, "share")
    own = share / "qhas-hostsdk"
    nearest = next(path for path in (own, share, Path(sys.prefix)) if path.is_dir())
    if os.access(nearest, os.W_OK):
        return own
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "qhas-hostsdk" / hashlib.sha256(sys.prefix.encode()).hexdigest()[:12]


def _find(base: Path, installed: wheel.Wheel) -> Sdk | None:
    for description in sorted(base.glob("*/sdk.yaml")):
        entries = dict(line.split(": ", 1) for line in description.read_text().splitlines() if ": " in line)
        build_id, layout = entries.get("build_id", ""), _layout(entries.get("layout", ""))
        if not layout or entries.get("wheel") != installed.version:
            continue
        if entries.get("content") == _digest(installed, build_id, layout):
            return Sdk(description.parent, build_id, installed, layout)
    return None


def _layout(text: str) -> Layout | None:
    """Return the known layout that an SDK's description states."""
    return next((layout for layout in LAYOUTS if repr(layout) == text), None)


def _make(base: Path, installed: wheel.Wheel) -> Sdk:
    import tempfile

    from hostsdk import trial  # every tool imports this module, and usually finds the SDK made

    with tempfile.TemporaryDirectory(prefix=".new-", dir=base) as scratch:
        identity = child.run_job("identify", {"library_dir": str(installed.directory)}, Path(scratch))
        build_id = str(identity["build_id"])
        layout = trial.layout_of(installed, identity["versions"], Path(scratch))
        new = Path(scratch, "root")
        for name, file in _plan(installed, build_id).items():
            file.write(new / name)
        description = {
            "product": "hostsdk",
            "version": version(build_id),
            "build_id": build_id,
            "wheel": installed.version,
            "layout": repr(layout),
            "content": _digest(installed, build_id, layout),
        }
        (new / "sdk.yaml").write_text("".join(f"{key}: {value}\n" for key, value in description.items()))
        root = base / version(build_id)
        if root.exists():
            root.rename(Path(scratch, "old"))
        new.rename(root)
    return Sdk(root, build_id, installed, layout)


@contextmanager
def _exclusive(base: Path) -> Iterator[None]:
    try:
        base.mkdir(parents=True, exist_ok=True)
        descriptor = open_lock(base / ".lock")
    except OSError as error:
        raise ToolError(
            ErrorCode.OUTPUT_WRITE,
            f"the SDK directory cannot be made in {base} ({error.strerror or error}): make it writable or set XDG_CACHE_HOME.",
            "Host SDK",
        ) from error
    try:
        if not lock(descriptor, _MAKING_SECONDS):
            raise ToolError(
                ErrorCode.OUTPUT_WRITE,
                f"another process has held {base}/.lock for {_MAKING_SECONDS:g} s: terminate it and try again.",
                "Host SDK",
            )
        yield
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class _File:
    """A planned file: its text, or the target of a link."""

    text: str = ""
    link: Path | None = None
    executable: bool = False

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.link:
            path.symlink_to(self.link)
            return
        path.write_text(self.text)
        if self.executable:
            path.chmod(0o755)


def _digest(installed: wheel.Wheel, build_id: str, layout: Layout) -> str:
    """Return a digest of the planned content: another version of this package makes the directory anew."""
    plan = sorted(_plan(installed, build_id).items())
    return hashlib.sha256(repr((plan, layout)).encode()).hexdigest()[:16]


def _plan(installed: wheel.Wheel, build_id: str) -> dict[str, _File]:
    files = {
        f"bin/{TARGET}/{tool}": _File(_launcher(module, installed), executable=True)
        for tool, module in TOOLS.items()
    }
    files |= {f"lib/{TARGET}/{name}": _File(link=installed.library(name)) for name in wheel.LIBRARIES}
    files[f"lib/{TARGET}/{READER}"] = _File(
        "The QHAS reader is built into this SDK's qnn-profile-viewer; naming this file with --reader selects it.\n"
    )
    files["bin/envsetup.sh"] = _File(_ENVSETUP)
    files[SOCS] = _File("".join(f"{name}\n" for name in socs.names()))
    files["include/QNN/QnnSdkBuildId.h"] = _File(
        f'#ifndef QNN_SDK_BUILD_ID_H\n#define QNN_SDK_BUILD_ID_H\n\n#define QNN_SDK_BUILD_ID "{build_id}"\n\n#endif\n'
    )
    return files


def _launcher(module: str, installed: wheel.Wheel) -> str:
    """Return a script for this very interpreter, whose path may have a blank or be too long for a shebang.

    It uses this SDK's wheel, whatever the environment says; if that is the interpreter's own, whichever is installed.
    """
    pinned = f'os.environ["{wheel.VARIABLE}"] = "{installed.version}"'
    if wheel.cached(installed.version) != installed:
        pinned = f'os.environ.pop("{wheel.VARIABLE}", None)'
    shebang = f"#!{sys.executable}\n"
    if len(shebang) > _SHEBANG_LIMIT or " " in sys.executable:
        shebang = f"#!/bin/sh\n'''exec' '{sys.executable}' \"$0\" \"$@\"\n' '''\n"
    return f"{shebang}import os\nimport sys\n\nfrom {module} import main\n\n{pinned}\nsys.exit(main(sys.argv[1:]))\n"


_ENVSETUP = f"""\
# Source this file: it makes the tools reachable by name.
_root="$(cd "$(dirname "${{BASH_SOURCE[0]:-$0}}")/.." && pwd)"
export QAIRT_SDK_ROOT="$_root" QNN_SDK_ROOT="$_root" SNPE_ROOT="$_root"
export PATH="$_root/bin/{TARGET}${{PATH:+:$PATH}}"
unset _root
"""
