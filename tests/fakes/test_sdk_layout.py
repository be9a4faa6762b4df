"""The directory layout of a fake SDK."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.sdk import Tool, build_fake_sdk, layout


def test_the_tree_has_the_places_that_an_sdk_has(tmp_path: Path) -> None:
    root = build_fake_sdk(tmp_path / "sdk", version="2.45.0.260326")
    assert {path.name for path in (root / "bin/x86_64-linux-clang").iterdir()} == set(Tool)
    for place in (
        "lib/x86_64-linux-clang/libQnnHtpOptraceProfilingReader.so",
        "lib/hexagon-v73/unsigned/libSnpeHtpV73Skel.so",
        "lib/aarch64-android/libSnpeHtpV79Stub.so",
        "sdk.yaml",
    ):
        assert (root / place).stat().st_size > 0
    assert '"v2.45.0.260326' in (root / "include/QNN/QnnSdkBuildId.h").read_text()


def test_a_directory_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(FileExistsError, match="is not empty"):
        build_fake_sdk(tmp_path)


@pytest.mark.parametrize("version", ["2.48", "2.48.0.x", ""])
def test_a_version_that_is_none_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(ValueError, match=r"major\.minor\.patch\.date"):
        build_fake_sdk(tmp_path / "sdk", version=version)


def test_the_command_line_says_how_to_select_it(tmp_path: Path) -> None:
    root = tmp_path / "an sdk"
    command = [sys.executable, "-m", "fakes.sdk", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"export QNN_SDK_ROOT='{root}'\n"
    tool = root / "bin/x86_64-linux-clang/snpe-net-run"
    version = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout == "SNPE v2.48.0.260101000000_0\n"
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2


def test_what_another_process_compiles_at_the_moment_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toolchain = shutil.copytree(layout._TOOLCHAIN, tmp_path / "toolchain", ignore=layout._HALF_COMPILED)
    (toolchain / "__pycache__" / "command.cpython-311.pyc.140540189776048").symlink_to("renamed")
    monkeypatch.setattr(layout, "_TOOLCHAIN", toolchain)
    copied = build_fake_sdk(tmp_path / "sdk") / "share" / "fake_sdk" / "toolchain"
    assert not list(copied.glob("__pycache__/*.pyc.*"))
    assert list(copied.glob("__pycache__/command.*.pyc"))
