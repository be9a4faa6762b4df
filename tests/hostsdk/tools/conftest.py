"""The real tools, run as executables in fresh directories."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hostsdk import layout
from tests.hostsdk import networks

Tool = Callable[..., subprocess.CompletedProcess[str]]


def run_tool(
    name: str, *arguments: object, cwd: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a tool by its absolute path with nothing in its environment but `environment`."""
    executable = layout.sdk().root / "bin" / layout.TARGET / name
    return subprocess.run(
        [executable, *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )


def succeeded(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture
def convert(tmp_path: Path) -> Tool:
    return lambda *arguments, **env: run_tool("snpe-onnx-to-dlc", *arguments, cwd=tmp_path, **env)


@pytest.fixture
def prepare(tmp_path: Path) -> Tool:
    return lambda *arguments, **env: run_tool("snpe-dlc-graph-prepare", *arguments, cwd=tmp_path, **env)


@pytest.fixture
def net_run(tmp_path: Path) -> Tool:
    """net-run on the HTP, as all tests but one use it."""
    return lambda *arguments, **env: run_tool("snpe-net-run", "--use_dsp", *arguments, cwd=tmp_path, **env)


@pytest.fixture(scope="session")
def tiny_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return networks.conv_net(tmp_path_factory.mktemp("onnx") / "tiny.onnx")


@pytest.fixture(scope="session")
def tiny_dlc(tiny_onnx: Path) -> Path:
    succeeded(run_tool("snpe-onnx-to-dlc", "-i", tiny_onnx, "-o", "tiny.dlc", cwd=tiny_onnx.parent))
    return tiny_onnx.parent / "tiny.dlc"


@pytest.fixture(scope="session")
def prepared(tiny_dlc: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with cached.dlc for sa8255, prepared with qhas, and its schematic."""
    directory = tmp_path_factory.mktemp("prepared")
    arguments = (
        "--input_dlc",
        tiny_dlc,
        "--output_dlc",
        "cached.dlc",
        "--htp_socs=sa8255",
        "--profiling_level=qhas",
    )
    succeeded(run_tool("snpe-dlc-graph-prepare", *arguments, cwd=directory))
    return directory


@pytest.fixture
def input_list(tmp_path: Path) -> Path:
    """An input list with two inferences of the tiny network."""
    for seed in (1, 2):
        networks.random_input(seed).tofile(tmp_path / f"x{seed}.raw")
    (tmp_path / "input_list.txt").write_text("x1.raw\nx:=x2.raw\n")
    return tmp_path / "input_list.txt"


@pytest.fixture
def unwritable(tmp_path: Path) -> Path:
    """A directory to which no user, including root, can write."""
    if os.geteuid() == 0:
        return Path("/proc/self")
    directory = tmp_path / "unwritable"
    directory.mkdir(mode=0o555)
    return directory
