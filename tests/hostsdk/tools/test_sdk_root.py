"""The SDK directory as seen by a tool that looks for the vendor's."""

import concurrent.futures
import os
import re
import subprocess
import sys

import pytest

from hostsdk import layout
from tests.hostsdk.tools.conftest import run_tool, succeeded

pytestmark = pytest.mark.hostsdk


def hostsdk(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hostsdk", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )


def test_it_has_the_vendors_shape():
    root = layout.sdk().root
    assert re.fullmatch(r"\d+\.\d+\.\d+\.\d{6}", root.name)
    for tool in layout.TOOLS:
        assert os.access(root / "bin" / layout.TARGET / tool, os.X_OK)
    assert (root / "lib" / layout.TARGET / "libQnnHtp.so").stat().st_size > 1_000_000
    assert "viewer" in (root / "lib" / layout.TARGET / layout.READER).read_text()
    header = (root / "include/QNN/QnnSdkBuildId.h").read_text()
    assert re.search(r'#define QNN_SDK_BUILD_ID "v\d+\.\d+\.\d+\.\d+"', header)
    assert (root / "sdk.yaml").is_file()
    assert "sa8255" in (root / layout.SOCS).read_text().splitlines()


def test_root_prints_it_and_check_says_it_is_ready():
    assert succeeded(hostsdk("root")).stdout.strip() == str(layout.sdk().root)
    assert "is ready" in succeeded(hostsdk("check")).stdout


def test_concurrent_first_callers_get_one_whole_directory(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "_base", lambda: tmp_path / "sdk")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: layout.sdk(), range(4)))
    assert len(set(made)) == 1
    assert sorted(path.name for path in (tmp_path / "sdk").iterdir()) == [".lock", made[0].root.name]


def test_a_stale_directory_is_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "_base", lambda: tmp_path)
    description = layout.sdk().root / "sdk.yaml"
    description.write_text(description.read_text().replace("content: ", "content: old"))
    (description.parent / "stray").write_text("x")
    assert not (layout.sdk().root / "stray").exists()


@pytest.mark.parametrize("tool", sorted(layout.TOOLS))
def test_every_tool_starts_without_any_environment(tool, tmp_path):
    assert succeeded(run_tool(tool, "--help", cwd=tmp_path)).stdout


@pytest.mark.parametrize("tool", ["snpe-onnx-to-dlc", "snpe-dlc-graph-prepare", "snpe-net-run"])
def test_version_is_the_libraries_build(tool, tmp_path):
    assert succeeded(run_tool(tool, "--version", cwd=tmp_path)).stdout == f"SNPE {layout.sdk().build_id}\n"


@pytest.mark.parametrize("tool", ["snpe-dlc-graph-prepare", "snpe-net-run"])
def test_help_tells_that_qhas_is_there(tool, tmp_path):
    assert "qhas" in run_tool(tool, "--help", cwd=tmp_path).stdout


def test_envsetup_makes_the_tools_reachable_by_name():
    root = layout.sdk().root
    script = f'. "{root}/bin/envsetup.sh" && command -v snpe-net-run && echo "$QNN_SDK_ROOT"'
    done = subprocess.run(["/bin/bash", "-c", script], env={}, capture_output=True, text=True)
    assert done.stdout.split() == [str(root / "bin" / layout.TARGET / "snpe-net-run"), str(root)]
