"""Input data of a cell: the files an input_list names, or seeded random values of the network's own shape.

List syntax (SNPE tools page): optional first lines beginning with `#` or `%` name outputs; every other line is one
inference, `name:=path` pairs separated by blanks, or a bare path for a network with a single input.
"""

from __future__ import annotations

import itertools
import random
import re
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import fsspec

from qhas.cell.dlc import GraphInput, graph_inputs
from qhas.failures import FailureKind, Step, StepFailed
from qhas.machine.secrets import masked
from qhas.naming import safe_name
from qhas.sweep.spec import RANDOM_INPUTS, ModelRef

INPUT_LIST = "input_list.txt"
_DATA_FILE = re.compile(r"[\w./@+=-]{1,400}\.(?:raw|bin|dat|data|npy)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class StagedInputs:
    """A list whose paths are relative to the run's directory, and the files it names there."""

    list_file: Path
    files: dict[str, Path]
    inferences: int


def gather_inputs(model: ModelRef, prepared_dlc: Path, folder: Path) -> StagedInputs:
    """Bring the model's inputs into a folder. Raises StepFailed naming the file that is missing or unusable."""
    if model.inputs == RANDOM_INPUTS:
        return _random_inputs(model, prepared_dlc, folder)
    return _listed_inputs(model.inputs, folder)


def repeated(inputs: StagedInputs, count: int, folder: Path) -> StagedInputs:
    """A list of `count` inferences: the first ones, or all in turn again and again, for net-run has no such option."""
    lines = inputs.list_file.read_text(encoding="utf-8").splitlines()
    header = [line for line in lines if line.startswith(("#", "%"))]
    each = itertools.cycle(line for line in lines if line not in header)
    chosen = list(itertools.islice(each, count))
    named = {word.rpartition(":=")[2] for line in chosen for word in line.split()}
    files = {name: path for name, path in inputs.files.items() if name in named}
    return StagedInputs(_write_list(folder, [*header, *chosen]), files, inferences=count)


def _random_inputs(model: ModelRef, prepared_dlc: Path, folder: Path) -> StagedInputs:
    try:
        inputs = graph_inputs(prepared_dlc)
    except ValueError as error:
        raise StepFailed(
            FailureKind.INPUT_UNREADABLE,
            Step.NET_RUN,
            f"Random inputs need shapes, but {error}; give an input list.",
        ) from error
    generator = random.Random(zlib.crc32(model.name.encode()))  # noqa: S311  # data, not a secret
    files = {f"inputs/{index}.raw": folder / f"{index}.raw" for index in range(len(inputs))}
    for path, tensor in zip(files.values(), inputs, strict=True):
        _write_normal(path, tensor, generator)
    pairs = (f"{tensor.name}:={name}" for name, tensor in zip(files, inputs, strict=True))
    return StagedInputs(_write_list(folder, [" ".join(pairs)]), files, inferences=1)


def _write_normal(path: Path, tensor: GraphInput, generator: random.Random) -> None:
    """Float32 values of a standard normal distribution, little-endian, no header."""
    values = array("f", (generator.gauss(0.0, 1.0) for _ in range(tensor.elements)))
    path.write_bytes(values.tobytes())


def _listed_inputs(address: str, folder: Path) -> StagedInputs:
    fs, list_path = fsspec.core.url_to_fs(address)
    parent = PurePosixPath(list_path).parent
    files: dict[str, Path] = {}
    lines = [
        line if line.startswith(("#", "%")) else " ".join(_localised(line, files))
        for line in _read(fs, list_path, masked(address)).decode("utf-8-sig", errors="replace").splitlines()
    ]
    staged = {}
    for index, (original, name) in enumerate(files.items()):
        staged[str(name)] = folder / f"{index}.raw"
        staged[str(name)].write_bytes(_read(fs, str(parent / original), _as_told(original, index + 1)))
    lines = [line for line in lines if line.strip()]
    inferences = sum(not line.startswith(("#", "%")) for line in lines)
    if not inferences:
        raise StepFailed(FailureKind.INPUT_REJECTED, Step.NET_RUN, f"{masked(address)} names no input.")
    return StagedInputs(_write_list(folder, lines), staged, inferences)


def _localised(line: str, files: dict[str, Path]) -> Iterator[str]:
    for word in line.split():
        name, assigned, path = word.rpartition(":=")
        # net-run's messages name this copy, so it is called as its original.
        files.setdefault(path, Path("inputs") / f"{len(files)}-{safe_name(PurePosixPath(path).name)}")
        yield f"{name}{assigned}{files[path]}"


def _as_told(path: str, number: int) -> str:
    """A path that a list names, or its number: what is no list may hold secrets, and none of it is shown."""
    return (
        path
        if _DATA_FILE.fullmatch(path)
        else f"number {number} of the list, which is not named like a data file,"
    )


def _read(fs: fsspec.AbstractFileSystem, path: str, name: str) -> bytes:
    try:
        return bytes(fs.cat_file(path))
    except Exception as error:  # every fsspec backend raises its own
        raise StepFailed(
            FailureKind.INPUT_UNREADABLE,
            Step.NET_RUN,
            f"Input {name} cannot be read: {type(error).__name__}.",
        ) from None  # its text has the address


def _write_list(folder: Path, lines: list[str]) -> Path:
    target = folder / INPUT_LIST
    target.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return target
