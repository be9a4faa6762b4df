"""Calibration data of a cell: listed files, the files of a folder, or seeded random values in the inputs' shapes.

All data is float32 in raw files, named in a list with absolute paths and one inference per line, as the quantisers of
both SDKs accept it.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from math import prod
from pathlib import Path

from fsspec import AbstractFileSystem

from qhas.cell.inputs import LARGEST_DATA, is_inference, listed_inputs, listed_word, read_data, require_listed
from qhas.failures import FailureKind, Step, StepFailed
from qhas.machine.digest import data_digest, file_digest
from qhas.machine.secrets import masked
from qhas.network.onnx_file import OnnxGraph, OnnxTensor
from qhas.outside_text import shown
from qhas.store.addresses import describe_error, kind_at, open_address
from qhas.sweep.quantization import RANDOM_CALIBRATION
from qhas.sweep.spec import ModelRef

CALIBRATION_LIST = "calibration.txt"
RANDOM_INFERENCES = 3
MOST_INFERENCES = 1000
_ENDS = (".npy", ".raw")
_NUMBERS = "biuf"
"""NumPy kinds of number: booleans, signed and unsigned integers, floats."""
_FLOATS = ("FLOAT_16", "FLOAT_32", "FLOAT_64")


def gather_calibration(model: ModelRef, graph: OnnxGraph, folder: Path) -> None:
    """Write the data and their list to a new folder. Raises StepFailed naming what cannot be used."""
    require_listable(folder)
    folder.mkdir()
    place = model.quantize.calibration if model.quantize else RANDOM_CALIBRATION
    try:
        if place == RANDOM_CALIBRATION:
            lines = list(_random(model, graph, folder))
        else:
            lines = _of_folder(place, graph, folder) if _is_folder(place) else _of_list(place, folder)
    except StepFailed as error:  # from a list, which is read in the same way as an input list
        raise _unusable(error.failure.message) from None
    (folder / CALIBRATION_LIST).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def require_listable(folder: Path) -> None:
    """Raise StepFailed if files of the folder cannot be listed by their paths: blanks separate the entries of a list."""
    if len(str(folder).split()) > 1:
        raise _unusable(
            f"A calibration list cannot name files below {tempfile.gettempdir()}, as its path contains blanks: set TMPDIR "
            "to a path without any."
        )


def require_calibration(address: str) -> None:
    """Raise StepFailed if a list on this host names a missing file, or a folder has no usable data; copy nothing."""
    if _is_folder(address):
        _data_files(address)
    else:
        require_listed(address)


def calibration_digest(folder: Path) -> str:
    """Return a digest of the values and their order in the list, independent of where the folder is located."""
    listing = (folder / CALIBRATION_LIST).read_text(encoding="utf-8").replace(str(folder), "")
    files = sorted(path for path in folder.rglob("*.raw") if path.is_file())
    return data_digest([listing, *map(file_digest, files)])


def settled(model: ModelRef, tensor: OnnxTensor) -> tuple[int, ...]:
    """Return the shape of an input: the requested one, or else the network's own."""
    return tuple(int(size) for size in model.shapes.get(tensor.name, tensor.dimensions))


def _random(model: ModelRef, graph: OnnxGraph, folder: Path) -> Iterator[str]:
    import numpy as np

    generator = np.random.default_rng(zlib.crc32(model.name.encode()))
    for inference in range(RANDOM_INFERENCES):
        words = []
        for index, tensor in enumerate(graph.inputs):
            shape = settled(model, tensor)
            if tensor.type in _FLOATS:
                values = generator.standard_normal(prod(shape), dtype=np.float32)
            else:  # 0 unless a range is requested, as for random inputs
                low, high = model.input_ranges.get(tensor.name, (0, 0))
                values = generator.integers(low, high, prod(shape), endpoint=True).astype(np.float32)
            path = folder / f"{inference}-{index}.raw"
            values.tofile(path)
            words.append(listed_word(tensor.name, path, alone=len(graph.inputs) == 1))
        yield " ".join(words)


def _of_list(address: str, folder: Path) -> list[str]:
    staged = listed_inputs([address], folder)
    lines = staged.list_file.read_text(encoding="utf-8").splitlines()
    staged.list_file.unlink()
    for name, path in staged.files.items():
        lines = [
            " ".join(word.replace(name, str(path)) if word.endswith(name) else word for word in line.split())
            for line in lines
        ]
    return [line for line in lines if is_inference(line)]


def _is_folder(address: str) -> bool:
    try:
        fs, path = open_address(address)
        return kind_at(fs, path, address) == "directory"
    except Exception as error:  # every fsspec backend raises its own errors, with the address in the text
        raise _unusable(f"{masked(address)} cannot be accessed: {describe_error(address, error)}.") from None


def _of_folder(address: str, graph: OnnxGraph, folder: Path) -> list[str]:
    """Convert each file to an inference, which is possible only for a network with a single input."""
    if len(graph.inputs) != 1:
        names = ", ".join(tensor.name for tensor in graph.inputs)
        raise _unusable(
            f"{masked(address)} is a folder, but the network has several inputs ({names}): give an input list."
        )
    fs, files = _data_files(address)
    lines = []
    for number, file in enumerate(files):
        name = Path(file).name
        target = folder / f"{number}.raw"
        target.write_bytes(_values(read_data(fs, file, name, LARGEST_DATA), name))
        lines.append(listed_word(graph.inputs[0].name, target, alone=True))
    return lines


def _data_files(address: str) -> tuple[AbstractFileSystem, list[str]]:
    try:
        fs, path = open_address(address)
        listing = fs.ls(path, detail=False)
    except Exception as error:  # every fsspec backend raises its own errors, with the address in the text
        raise _unusable(f"{masked(address)} cannot be listed: {describe_error(address, error)}.") from None
    files = sorted(name for name in map(str, listing) if name.endswith(_ENDS))
    if not 0 < len(files) <= MOST_INFERENCES:
        raise _unusable(
            f"{masked(address)} holds {len(files)} files that end in .npy or .raw; give 1 to {MOST_INFERENCES}."
        )
    return fs, files


def _values(content: bytes, name: str) -> bytes:
    """Return the values as the float32 content of a raw file."""
    if not name.endswith(".npy"):
        return content
    import io

    import numpy as np

    try:
        # Not np.load, which also accepts an archive of arrays or a pickle.
        values = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
        if values.dtype.kind not in _NUMBERS:
            raise ValueError(f"it holds {values.dtype}")
        with np.errstate(over="ignore"):
            return values.astype(np.float32).tobytes()
    except MemoryError:
        raise _unusable(
            f"{name} cannot be read as an array of numbers: its header states a size larger than memory."
        ) from None
    except Exception as error:  # NumPy parses the header as Python, which raises many kinds of error
        why = shown(str(error)[:200]).rstrip(".")
        raise _unusable(f"{name} cannot be read as an array of numbers: {why}.") from error


def _unusable(message: str) -> StepFailed:
    return StepFailed(FailureKind.CALIBRATION_UNUSABLE, Step.QUANTIZE, message)
