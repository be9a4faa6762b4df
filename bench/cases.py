"""What is measured: an SDK, networks, SoCs and the number of rounds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.job import Network
from fakes.dlc import make_dlc, make_inputs
from fakes.sdk import Tool, build_fake_sdk, order
from qhas.site.sdk import HOST_TARGET

_SOCS = ("sa8255", "qcs9100", "sa8797", "sar2230p")
_ESTIMATED_SOCS = ("sa8255", "sa8797", "sar2230p", "sa8540", "sa8787", "sm8650")
"""SoCs for which the simulator has figures, each with a program of its own: one that is shared is executed only once."""
_DLC = "model.dlc"
"""The product's name for its copy of a network, so that all contenders' command lines are the same."""
_IMAGE = {"input": (1, 3, 224, 224)}
_SECONDS = {Tool.PREPARE: 0.5, Tool.NET_RUN: 0.3, Tool.VIEWER: 0.2}


class CaseLeftOut(Exception):
    """A case that cannot be measured on this machine. The message says why."""


@dataclass(frozen=True)
class Case:
    """Networks x SoCs on one SDK, with a number of rounds. `sdk` is the root of the SDK."""

    name: str
    sentence: str
    sdk: Path
    networks: tuple[Network, ...]
    socs: tuple[str, ...]
    rounds: int

    @property
    def cells(self) -> int:
        """The number of cells in a round."""
        return len(self.networks) * len(self.socs)

    def small(self) -> Case:
        """Return the case reduced to one cell, to warm up."""
        return replace(self, networks=self.networks[:1], socs=self.socs[:1], rounds=1)


def process_starts(folder: Path, networks: int, rounds: int) -> Case:
    """Build a case on the fake SDK without durations: only the starts of processes remain. The worst case."""
    sdk = build_fake_sdk(folder / "sdk-starts")
    return Case(
        "fake tools, no duration",
        "the tools' processes start, write their files and end",
        sdk,
        fake_networks(folder / "networks-starts", _names(networks)),
        _SOCS,
        rounds,
    )


def fixed_durations(folder: Path, networks: int, rounds: int) -> Case:
    """Build a case on the fake SDK with tools that wait a fixed time, leaving cores idle as runs on devices do."""
    sdk = build_fake_sdk(folder / "sdk-fixed")
    order(sdk, durations=_SECONDS)
    return Case(
        "fake tools, 1.0 s a cell",
        "the same, and each tool waits: prepare 0.5 s, net-run 0.3 s, viewer 0.2 s",
        sdk,
        fake_networks(folder / "networks-fixed", _names(networks)),
        _SOCS,
        rounds,
    )


def squeezenet(folder: Path, rounds: int) -> Case:
    """Build a case with Qualcomm's compiler, emulator and simulator on a small network.

    Raises CaseLeftOut if the wheel is missing.
    """
    root = Path(_output([sys.executable, "-m", "hostsdk", "root"], folder))
    networks = folder / "networks-host"
    _output(
        [
            *(sys.executable, "-m", "hostsdk.samples", "--networks", "squeezenet"),
            *("--inputs", "1", "--output_dir", str(networks)),
        ],
        folder,
    )
    dlc = networks / "squeezenet" / _DLC
    convert = root / "bin" / HOST_TARGET / "snpe-onnx-to-dlc"
    onnx = networks / "squeezenet.onnx"
    _output([str(convert), "--input_network", str(onnx), "--output_path", str(dlc)], folder)
    network = Network("squeezenet", str(dlc), str(networks / "squeezenet" / "input_list.txt"))
    sentence = "Qualcomm's compiler, emulator and simulator, which keep a core busy"
    return Case("host SDK, squeezenet", sentence, root, (network,), _ESTIMATED_SOCS, rounds)


def fake_networks(folder: Path, names: Iterable[str]) -> tuple[Network, ...]:
    """Make a network that the fake SDK's tools accept for each name, with its inputs, in a new folder."""
    return tuple(_fake_network(folder / name) for name in names)


def _names(count: int) -> list[str]:
    return [f"net{number}" for number in range(1, count + 1)]


def _fake_network(folder: Path) -> Network:
    folder.mkdir(parents=True)
    dlc = make_dlc(folder / _DLC, graph=folder.name, inputs=_IMAGE)
    return Network(folder.name, str(dlc), str(make_inputs(folder, dlc)))


def _output(argv: list[str], folder: Path) -> str:
    """Run a program of the host SDK and return the last line it printed."""
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    if done.returncode != 0:
        raise CaseLeftOut(said[-1] if said else f"{Path(argv[0]).name} failed without output")
    return said[-1] if said else ""
