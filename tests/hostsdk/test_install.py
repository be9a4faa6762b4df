"""Further wheels are fetched into a cache by the user's own installer."""

import os
import stat
import sys
from pathlib import Path

import pytest

from hostsdk import __main__ as entry
from hostsdk import wheel

UV = """#!/bin/sh
echo "$@" >> "{log}"
while [ "$1" != --target ]; do shift; done
target=$2; version=${{3#onnxruntime-qnn==}}
if [ "$version" = 9.9.9 ]; then echo "hint: none" >&2; echo "no version of onnxruntime-qnn==9.9.9." >&2; exit 1; fi
mkdir -p "$target/onnxruntime_qnn"
[ "$version" = 8.8.8 ] || touch "$target/onnxruntime_qnn/libQnnHtp.so" "$target/onnxruntime_qnn/libQnnIr.so"
touch "$target/onnxruntime_qnn/libQnnSystem.so"
"""


@pytest.fixture(autouse=True)
def calls(tmp_path, monkeypatch) -> Path:
    """Put a uv on the PATH that makes a wheel out of nothing; provide the file in which it records its calls."""
    log, uv = tmp_path / "calls", tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(UV.format(log=log))
    uv.chmod(uv.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{uv.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(wheel.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(wheel, "_own_version", lambda: None)
    return log


def test_versions_go_into_the_cache_and_not_into_the_environment(calls, tmp_path, capsys):
    assert entry.main(["install", "2.4.0", "2.49"]) == 0
    assert "2.5.0 is at" in capsys.readouterr().out
    assert sorted(wheel.on_this_machine()) == ["2.4.0", "2.5.0"]
    targets = [line.split("--target ")[1].split()[0] for line in calls.read_text().splitlines()]
    assert all(target.startswith(str(tmp_path / "cache")) for target in targets)


def test_nothing_is_built_from_source(calls):
    assert entry.main(["install", "2.4.0"]) == 0
    (line,) = calls.read_text().splitlines()
    assert "--only-binary onnxruntime-qnn" in line
    assert "--no-deps" in line


def test_what_is_there_is_not_fetched_again(calls):
    assert entry.main(["install", "2.4.0"]) == entry.main(["install", "2.48"]) == 0
    assert len(calls.read_text().splitlines()) == 1


def test_the_installers_own_words_say_why_not(capsys):
    assert entry.main(["install", "9.9.9"]) == 1
    assert "could not be fetched: no version of onnxruntime-qnn==9.9.9." in capsys.readouterr().err
    assert not list(wheel.cache().iterdir())


def test_a_wheel_without_its_libraries_is_refused(capsys):
    assert entry.main(["install", "8.8.8"]) == 1
    assert "libQnnHtp.so" in capsys.readouterr().err
    assert wheel.on_this_machine() == {}


def test_what_is_no_version_never_reaches_the_installer(calls, capsys):
    assert entry.main(["install", "2.4.0; rm -rf x"]) == 1
    assert "known versions are 2.3.0" in capsys.readouterr().err
    assert not calls.exists()


def test_the_list_says_what_is_here_and_what_a_version_lacks(capsys):
    assert entry.main(["install", "2.6.0"]) == entry.main(["install", "7.7.7"]) == 0
    capsys.readouterr()
    assert entry.main(["list"]) == 0
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in capsys.readouterr().out.splitlines()}
    assert rows["2.4.0"][:2] == ["2.48", "not installed"]
    assert rows["2.6.0"][0] == "2.50"
    assert rows["2.6.0"][1].endswith("2.6.0/onnxruntime_qnn")
    assert "SAR2230P" in rows["2.6.0"][2]
    assert rows["7.7.7"][0] == "unknown"


def test_a_version_that_is_not_here_is_told_how_to_get(capsys):
    assert entry.main(["root", "2.4.0"]) == 1
    assert "python -m hostsdk install 2.4.0" in capsys.readouterr().err


@pytest.fixture(autouse=True)
def _no_wheel_is_chosen(monkeypatch):
    monkeypatch.setenv(wheel.VARIABLE, "")
