"""Models given as a different format than they are: recognised by how their files begin, before a tool is called."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from qhas.failures import InvalidInput
from qhas.machine.secrets import masked
from qhas.network.architecture import read_architecture
from qhas.network.onnx_file import open_input, read_onnx
from qhas.sweep.spec import ModelRef


class _Format(NamedTuple):
    """How files of a format begin, and what to say if one is given as a DLC."""

    name: str
    begins: Callable[[bytes], Any]
    step: str


_HEAD = 16
_ZIP = b"PK\3\4"
# ModelProto: ir_version, then one of its other fields: producer, domain, model version, documentation, graph, opset.
_ONNX = re.compile(rb"\x08[\x03-\x20][\x12\x1a\x22\x28\x32\x3a\x42]")
_PACKED = re.compile(rb"\x1f\x8b|\xfd7zXZ\0|\x28\xb5\x2f\xfd|BZh[1-9]1AY&SY|7z\xbc\xaf\x27\x1c")
"""gzip, xz, zstd, bzip2, 7-Zip."""
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_TEXT = re.compile(rb"\xef\xbb\xbf|\xff\xfe|\xfe\xff|[\t\r\n -~]{%d}" % _HEAD)
"""A byte order mark, or ASCII to the end of the head."""
_FORMATS = (
    _Format("an ONNX model", _ONNX.match, "give it as `onnx:`, and it is converted first."),
    _Format(
        "a TFLite model",
        lambda head: head[4:8] == b"TFL3",
        "convert it with the SDK's snpe-tflite-to-dlc or qairt-converter.",
    ),
    _Format(
        "a context binary or library",
        lambda head: head.startswith(b"\x7fELF"),
        "give the DLC that it was made from.",
    ),
    _Format("a compressed file", _PACKED.match, "decompress it."),
    _Format(
        "a Keras or HDF5 file",
        lambda head: head.startswith(b"\x89HDF"),
        "export it as ONNX, and give that as `onnx:`.",
    ),
    _Format("a Python pickle", _PICKLE.match, "export it as ONNX, and give that as `onnx:`."),
    _Format(
        "a Git LFS pointer",
        lambda head: head == b"version https://",
        "fetch the file itself with `git lfs pull`.",
    ),
    _Format(
        "a JSON file",
        re.compile(rb"\s*\{").match,
        "give the config.json of a language model as `llm:`, or correct the path.",
    ),
    _Format("a text file", _TEXT.match, "correct its path."),
)


def require_format(model: ModelRef, open_file: Callable[[], Any]) -> None:
    """Raise InvalidInput for a file that is certainly of a different format. Unknown ones are left to the tools."""
    if model.llm:
        return
    with open_file() as file:
        head = file.read(_HEAD)
    if model.onnx and head.startswith(_ZIP):
        raise InvalidInput(
            f"{masked(model.onnx)} is a DLC or another zip file, not an ONNX; give a DLC as `dlc:`."
        )
    for kind in _FORMATS:
        if kind.begins(head) and not (model.onnx and kind.begins == _ONNX.match):
            wanted = "an ONNX" if model.onnx else "a DLC"
            raise InvalidInput(f"{masked(model.source)} is {kind.name}, not {wanted}; {kind.step}")


def require_settled(model: ModelRef, path: Path) -> None:
    """Raise InvalidInput for an ONNX that cannot be read or has input dimensions without a number.

    The same for a config.json that does not describe a model.
    """
    if model.llm:
        read_architecture(path)
    if not model.onnx:
        return
    try:
        fault = open_input(read_onnx(path), model.shapes)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{masked(model.onnx)} cannot be converted: {error}.") from error
    if fault:
        raise InvalidInput(f"{masked(model.onnx)} cannot be converted: {fault}.")
