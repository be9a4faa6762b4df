"""Building of an SDK-shaped directory whose tools are the fakes."""

import compileall
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from qhas.network import onnx_file

from .toolchain.faults import Tool

HOST_TARGET = "x86_64-linux-clang"
TARGETS = (HOST_TARGET, "aarch64-android", "aarch64-oe-linux-gcc11.2")
HEXAGON_VERSIONS = (68, 69, 73, 75, 79, 81)
_TOOLCHAIN = Path(__file__).with_name("toolchain")
_HALF_COMPILED = shutil.ignore_patterns("*.pyc.*")
"""Files that another process is just compiling: they are renamed when complete."""
_HOST_LIBRARIES = ("libSNPE.so", "libQnnHtp.so", "libQnnSystem.so", "libSnpeHtpPrepare.so")
_READERS = (
    "libQnnHtpOptraceProfilingReader.so",
    "libQnnHtpProfilingReader.so",
    "libQnnChrometraceProfilingReader.so",
)


def build_fake_sdk(root: Path, *, version: str = "2.48.0.260101", targets: Iterable[str] = TARGETS) -> Path:
    """Build a fake SDK in `root`, a directory that is absent or empty, and return its path.

    Every target directory has all tools, and they run on this machine, so a fake device can be given the same files
    as a real one. Wherever they are copied, the tools use `root` for orders and records.
    Raises FileExistsError if `root` contains anything, ValueError for a version that is not four numbers.
    """
    if len(version.split(".")) != 4 or not version.replace(".", "").isdigit():
        raise ValueError(f"an SDK version is major.minor.patch.date, such as 2.48.0.260101, not {version!r}")
    root = Path(root).resolve()
    if root.exists() and any(root.iterdir()):
        raise FileExistsError(f"{root} is not empty; name a new directory for the fake SDK")
    compileall.compile_dir(_TOOLCHAIN, quiet=1)  # once, so that the copies of the tools need no compiling
    toolchain = root / "share" / "fake_sdk" / "toolchain"
    shutil.copytree(_TOOLCHAIN, toolchain, ignore=_HALF_COMPILED)
    shutil.copy(
        onnx_file.__file__, toolchain / "onnx_file.py"
    )  # the tools are self-contained, and it needs nothing else
    for target in targets:
        _write_target(root, target, version)
    for number in HEXAGON_VERSIONS:
        _write_placeholder(root / f"lib/hexagon-v{number}/unsigned/libSnpeHtpV{number}Skel.so")
        _write_placeholder(root / f"lib/hexagon-v{number}/unsigned/libQnnHtpV{number}Skel.so")
    _write_facts(root, version)
    return root


def _write_target(root: Path, target: str, version: str) -> None:
    stubs = (f"libSnpeHtpV{number}Stub.so" for number in HEXAGON_VERSIONS)
    for library in (*_HOST_LIBRARIES, *_READERS, *stubs):
        _write_placeholder(root / "lib" / target / library)
    directory = root / "bin" / target
    directory.mkdir(parents=True)
    for tool in Tool:
        executable = directory / tool
        executable.write_text(_launcher(root, tool, version), encoding="utf-8")
        executable.chmod(0o755)


def _launcher(root: Path, tool: Tool, version: str) -> str:
    program = (
        f"import sys; sys.path.insert(0, {str(root / 'share' / 'fake_sdk')!r}); from toolchain.command import leave, main; "
        f"leave(main({str(root)!r}, {tool.value!r}, {version!r}, sys.argv[1:]))"
    )
    return f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -IS -c {shlex.quote(program)} "$@"\n'


def _write_placeholder(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(f"fake SDK: {path.name}\n".encode())


def _write_facts(root: Path, version: str) -> None:
    include = root / "include" / "QNN"
    include.mkdir(parents=True)
    build_id = f'#define QNN_SDK_BUILD_ID "v{version}000000_0"\n'
    (include / "QnnSdkBuildId.h").write_text(build_id, encoding="utf-8")
    major, minor, patch, date = version.split(".")
    (root / "sdk.yaml").write_text(
        f"producer: fake SDK\nversion: {major}.{minor}.{patch}\nbuild: '{date}'\n", encoding="utf-8"
    )
