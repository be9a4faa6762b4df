"""A rack of fake devices, one fake SDK and one store, and what a run leaves behind on any of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakes.devices import AdbServer, Board, DeviceCommand, Phone
from fakes.dlc import make_dlc
from fakes.sdk import build_fake_sdk
from qhas.devices.lease import Leases
from qhas.lab.lab import Lab, open_lab
from qhas.runs.record import CellRecord
from qhas.runs.stored import read_cell
from qhas.site import DeviceRef, Site, load_site
from qhas.store import Store
from qhas.sweep.spec import Cell, SweepSpec
from tests.rack.drive import run_cell

FakeDevice = Phone | Board
ANSWER_SECONDS = 20.0
"""Long enough for a loaded machine. Tests of devices that fall silent use less."""
FREED_SECONDS = 5.0 * 8
"""How long a rack takes at most to be free again: five seconds, on a machine that may be eight times slower."""
NET_RUN = "/snpe-net-run --container"
PROFILED = "--profiling_level qhas"
TIMED = "--profiling_level basic"
_JOB = re.compile(r"/jobs/([0-9a-f]{12})\b")


@dataclass
class Rack:
    """Devices by name. `changes` are fields of site.yaml."""

    folder: Path
    sdk: Path
    devices: dict[str, FakeDevice] = field(default_factory=dict)
    refs: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def build(cls, folder: Path, **changes: Any) -> Rack:
        """Build a rack without devices. `folder` exists."""
        return cls(folder, build_fake_sdk(folder / "sdk"), changes=changes)

    def add(
        self, name: str, device: FakeDevice, soc: str, server: AdbServer | None = None, **ref: Any
    ) -> None:
        """Add a device. A phone is registered with the adb server."""
        if isinstance(device, Phone):
            assert server is not None
            server.connect(device)
            way = {"transport": "adb", "serial": device.serial, "adb_server": f"127.0.0.1:{server.port}"}
        else:
            way = {"transport": "ssh", "host": device.host, "ssh_config": str(device.ssh_config)}
        self.devices[name] = device
        self.refs[name] = {
            "name": name,
            "soc": soc,
            "answer_seconds": ANSWER_SECONDS,
            "comeback_seconds": 0,
            **way,
            **ref,
        }

    @property
    def site_file(self) -> Path:
        """site.yaml for the rack as it is now, written as JSON, which is YAML."""
        path = self.folder / "site.yaml"
        settings = {
            "store": str(self.folder / "store"),
            "sdk": {"root": str(self.sdk)},
            "devices": [*self.refs.values()],
        }
        path.write_text(json.dumps(settings | self.changes), encoding="utf-8")
        return path

    @property
    def site(self) -> Site:
        """The site described by `site_file`."""
        return load_site(self.site_file)

    @property
    def store(self) -> Store:
        """The store that receives the cells."""
        return Store(str(self.folder / "store"))

    def dlc(self, name: str) -> str:
        """Return the path of a network of that name, created if absent."""
        path = self.folder / f"{name}.dlc"
        return str(path if path.exists() else make_dlc(path, graph=name))

    def cell(self, name: str = "net", soc: str = "sm8750", *, repetitions: int = 0, **run: Any) -> Cell:
        """Return a cell of a network on a SoC; without repetitions there is no latency pass."""
        options = {"repetitions": repetitions, "warmups": 1, **run}
        return Cell.model_validate(
            {"model": {"name": name, "dlc": self.dlc(name)}, "soc": soc, "run": options}
        )

    def spec(self, *networks: str, **changes: Any) -> SweepSpec:
        """Return a sweep over networks on the SoCs of the rack."""
        models = [{"name": name, "dlc": self.dlc(name)} for name in networks]
        socs = sorted({ref["soc"] for ref in self.refs.values()})
        return SweepSpec.model_validate({"name": "rack", "models": models, "socs": socs, **changes})

    def address(self, name: str) -> str:
        """Return the name of a device's lease."""
        return DeviceRef.model_validate(self.refs[name]).address

    async def run(self, *cells: Cell, run_id: str = "one", lab: Lab | None = None) -> list[CellRecord]:
        """Run the cells one after another; return their records, read back from the store."""
        if lab is None:
            async with open_lab(self.site) as lab:
                return await self.run(*cells, run_id=run_id, lab=lab)
        for cell in cells:
            await run_cell(cell, lab, run_id)
        found = [await asyncio.to_thread(read_cell, self.store, run_id, cell) for cell in cells]
        return [record for record in found if record]

    def require_clean(self) -> None:
        """Check that nothing of a run is left on the devices, among the leases or on this host."""
        until(lambda: not self.leftovers(), 3 * FREED_SECONDS, self.leftovers)

    def leftovers(self) -> dict[str, object]:
        """Return what a run left behind, by what it is; empty after every run, however it ended."""
        found: dict[str, object] = {"clients": list(self.clients())}
        for state in Leases(leases_of(self.folder)).states([self.address(name) for name in self.devices]):
            found[f"lease of {state.address}"] = state.holder or state.waiting
        for name, device in self.devices.items():
            if device.alive:
                found[f"processes on {name}"] = device.processes()
                found[f"files on {name}"] = [file for file in device.files() if not kept(file)]
        return {what: left for what, left in found.items() if left}

    def clients(self) -> Iterator[str]:
        """Yield the command lines of the adb and ssh clients that serve this rack."""
        signs = [ref.get("ssh_config") or f"-s\0{ref['serial']}" for ref in self.refs.values()]
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and (entry / "comm").read_text().strip() in ("adb", "ssh"):
                    line = (entry / "cmdline").read_bytes().decode(errors="replace")
                    if any(sign in line for sign in signs):
                        yield line.replace("\0", " ")

    def stop(self) -> None:
        """Stop the devices."""
        for device in self.devices.values():
            device.stop()


def leases_of(folder: Path) -> Path:
    """Return the directory of the rack's leases, which also keeps its quarantines from other tests."""
    return folder / "leases"


def kept(file: str) -> bool:
    """Whether a file of a device, relative to its scratch directory, belongs to the SDK that stays there."""
    return file.removeprefix("qhas/").startswith("sdk/")


def runs(device: FakeDevice, level: str = "") -> list[DeviceCommand]:
    """Return the net-run calls that reached a device, even if a fault stopped them; `level` restricts them."""
    return [
        command for command in device.commands() if NET_RUN in command.service and level in command.service
    ]


def pushes(device: FakeDevice, part: str) -> list[DeviceCommand]:
    """Return the copies to a path containing `part`: by adb's push, or by `cat` over ssh."""
    commands = (command for command in device.commands() if part in command.service)
    return [command for command in commands if re.search(r"^push |\bcat > ", command.service)]


def jobs(device: FakeDevice) -> dict[str, tuple[float, float]]:
    """Return when each job's first command began and its last one ended, from the device's own journal."""
    spans: dict[str, tuple[float, float]] = {}
    for command in device.commands():
        for job in set(_JOB.findall(command.service)):
            begin, end = spans.get(job, (command.start, command.start))
            spans[job] = (min(begin, command.start), max(end, command.end or command.start))
    return spans


def overlaps(spans: Iterator[tuple[float, float]] | list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the spans that begin before an earlier one has ended."""
    found, busy = [], 0.0
    for begin, end in sorted(spans):
        if begin < busy:
            found.append((begin, end))
        busy = max(busy, end)
    return found


def until(
    met: Callable[[], object], seconds: float = 600, say: Callable[[], object] = lambda: "it never came to be"
) -> None:
    """Poll frequently until the condition holds. Fails with what `say` returns."""
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, say()
        time.sleep(0.02)
