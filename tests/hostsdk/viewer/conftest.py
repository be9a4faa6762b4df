"""The viewer on the four-op graph."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hostsdk.viewer.analysis import Analysis, Zoom, analyse, pick_timeline
from hostsdk.viewer.command import main
from hostsdk.viewer.log import parse_log
from hostsdk.viewer.schematic import parse_schematic
from hostsdk.viewer.timeline import find_timelines
from tests.hostsdk.viewer import tiny

READER = "lib/x86_64-linux-clang/libQnnHtpOptraceProfilingReader.so"
EVERYTHING = {"qhas_json": True, "qhas_schema": True}


@pytest.fixture
def tiny_analysis() -> Analysis:
    schematic = parse_schematic(tiny.SCHEMATIC.encode(), "tiny_schematic.bin")
    timeline = pick_timeline(find_timelines([parse_log(tiny.log())]), schematic)
    return analyse(timeline, schematic, Zoom())


class Desk:
    """A directory with a log and a schematic, and the viewer to run in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.out = directory / "out"
        self.out.mkdir()
        (directory / "run.log").write_bytes(tiny.log())
        (directory / "tiny_schematic.bin").write_text(tiny.SCHEMATIC)

    def view(self, *extra: str, output: str = "chrometrace.json", features: object = EVERYTHING) -> int:
        """Run with reader, schematic and configuration; later command-line options take precedence."""
        return self.view_config({"features": features}, *extra, output=output)

    def view_config(self, config: object, *extra: str, output: str = "chrometrace.json") -> int:
        (self.directory / "config.json").write_text(json.dumps(config))
        return main(
            [
                "--config",
                f"{self.directory}/config.json",
                f"--reader={READER}",
                "--input_log",
                f"{self.directory}/run.log",
                f"--schematic={self.directory}/tiny_schematic.bin",
                "--output",
                str(self.out / output),
                *extra,
            ]
        )

    @property
    def files(self) -> set[str]:
        return {path.name for path in self.out.iterdir()}

    def json(self, name: str) -> Any:
        return json.loads((self.out / name).read_text())

    @property
    def trace(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = self.json("chrometrace.json")["traceEvents"]
        return events

    @property
    def summary(self) -> dict[str, Any]:
        document: dict[str, Any] = self.json("chrometrace_qnn_htp_analysis_summary.json")
        return document


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def viewed(desk: Desk) -> Desk:
    assert desk.view() == 0
    return desk


Rows = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def rows(viewed: Desk) -> Rows:
    """Return the rows of a section of the tiny graph's QHAS summary."""
    return lambda section: viewed.summary["data"][section]["data"]
