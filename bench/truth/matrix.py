"""Every network with a structure file x every device x float and 8 bits, simulated here.

Results are kept under a digest of their inputs, so that a run that was stopped resumes where it was.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from bench.failure import BenchFailed
from bench.truth import quantising, structure
from bench.truth.estimating import Estimate, estimate, host_sdk, to_dlc
from qhas.site.sdk import Sdk
from qhas.truth.tables import Device, NetworkClass, Precision, Runtime, devices, measured, networks

PRECISIONS = (Precision.FLOAT, Precision.W8A8)


class Cell(NamedTuple):
    """One simulated figure: a network in a format, by a compiler version, on a SoC model for one or more devices."""

    network: str
    precision: Precision
    wheel: str
    soc_model: int

    @property
    def device(self) -> Device:
        """The first of its devices: the simulator does not distinguish between them."""
        return next(
            device for device in devices() if device.simulated_as == self.soc_model and not device.refused
        )

    @property
    def soc(self) -> str:
        """The SoC's name for the host SDK."""
        return next(device for device in devices() if device.soc_model == self.soc_model).socs[0]


class Failed(NamedTuple):
    """Why a cell has no figure."""

    sentence: str


Result = Estimate | Failed
Told = Callable[[Cell, Result], None]


def cells(version: str, chosen: Sequence[str] = ()) -> Iterator[Cell]:
    """Yield every cell that has a measured counterpart, of all networks or of those chosen."""
    for network in chosen or structure.names():
        for precision in PRECISIONS:
            latencies = measured(network, precision)
            models = {
                device.simulated_as
                for device in devices()
                if (device.name, Runtime.QNN_DLC) in latencies and not device.refused
            }
            for soc_model in sorted(models):
                yield Cell(network, precision, version, soc_model)


class Kept:
    """Results in a folder, keyed by the inputs that they were made from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, cell: Cell) -> Result | None:
        """Return the result, or None if there is none yet, or only one from a different structure or recipe."""
        path = self._path(cell)
        if not path.is_file():
            return None
        content = json.loads(path.read_text("utf-8"))
        return Failed(**content) if "sentence" in content else Estimate(**content)

    def put(self, cell: Cell, result: Result) -> None:
        """Write a result atomically."""
        with tempfile.NamedTemporaryFile("w", dir=self._folder, prefix=".new-", delete=False) as new:
            json.dump(result._asdict(), new)
        Path(new.name).replace(self._path(cell))

    def _path(self, cell: Cell) -> Path:
        content = hashlib.sha256(structure.path_of(cell.network).read_bytes()).hexdigest()
        recipe = 0 if cell.precision is Precision.FLOAT else quantising.RECIPE
        made_of = json.dumps([content, recipe, *cell, cell.device.options])
        key = hashlib.sha256(made_of.encode()).hexdigest()[:20]
        return self._folder / f"{cell.network}-{cell.precision}-{cell.soc_model}-{key}.json"


def run(wanted: Sequence[Cell], kept: Kept, jobs: int, told: Told) -> None:
    """Simulate the cells that have no result yet, all with one version of the compiler.

    A network in a format is one job. Raises InvalidInput.
    """
    groups: dict[tuple[str, Precision], list[Cell]] = {}
    for cell in wanted:
        if kept.get(cell) is None:
            groups.setdefault((cell.network, cell.precision), []).append(cell)
    if not groups:
        return
    sdk = host_sdk(wanted[0].wheel)
    with ThreadPoolExecutor(jobs) as pool:
        for _ in pool.map(lambda group: _simulate(sdk, group, kept, told), groups.values()):
            pass


def _simulate(sdk: Sdk, group: Sequence[Cell], kept: Kept, told: Told) -> None:
    """Simulate one network on all its SoCs. If it fails, the reason is kept for all remaining ones."""
    open_cells = {cell.soc: cell for cell in group}

    def made(soc: str, result: Result) -> None:
        cell = open_cells.pop(soc)
        kept.put(cell, result)
        told(cell, result)

    with tempfile.TemporaryDirectory(prefix="qhas-truth-") as scratch:
        folder = Path(scratch)
        try:
            network = grown(group[0].network, group[0].precision, folder)
            estimate(sdk, to_dlc(sdk, network, folder), list(open_cells), folder, made)
        except BenchFailed as error:
            for soc in list(open_cells):
                made(soc, Failed(" ".join(str(error).split())[:300]))


def grown(network: str, precision: Precision, folder: Path) -> Path:
    """Write the ONNX file of a structure in a format. Raises BenchFailed if it cannot be quantised."""
    import onnx

    source, target = folder / "float.onnx", folder / "network.onnx"
    onnx.save(structure.read(structure.path_of(network)), str(source))
    if precision is Precision.FLOAT:
        return source
    attention = networks()[network].kind is NetworkClass.ATTENTION
    try:
        quantising.quantise(source, target, precision, attention=attention)
    except Exception as error:  # ONNX Runtime's quantiser raises errors of any class
        raise BenchFailed(f"it cannot be quantised: {type(error).__name__}: {error}") from error
    return target
