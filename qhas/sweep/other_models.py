"""Models that are no DLC yet: told by what their files begin with, before a tool is asked to prepare one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from qhas.failures import InvalidInput
from qhas.machine.secrets import masked


class _Format(NamedTuple):
    """How files of a format begin, and the sentence for whoever gives one as a DLC."""

    name: str
    begins: Callable[[bytes], Any]
    step: str


_HEAD = 16
_CONVERT = (
    "convert it with the SDK's snpe-onnx-to-dlc; the host SDK's is in \"$(python -m hostsdk root)\"/bin"
)
# ModelProto: ir_version, then one of its other fields: producer, domain, model version, documentation, graph, opset.
_ONNX = re.compile(rb"\x08[\x03-\x20][\x12\x1a\x22\x28\x32\x3a\x42]")
_FORMATS = (
    _Format("an ONNX model", _ONNX.match, f"{_CONVERT}."),
    _Format(
        "a TFLite model",
        lambda head: head[4:8] == b"TFL3",
        "convert it with the SDK's snpe-tflite-to-dlc or qairt-converter.",
    ),
    _Format(
        "a context binary or library",
        lambda head: head.startswith(b"\x7fELF"),
        "give the DLC that it was made of.",
    ),
)


def require_dlc(address: str, open_file: Callable[[], Any]) -> None:
    """Raise InvalidInput for a file that is surely of another format. What is unknown is left to the tools."""
    with open_file() as file:
        head = file.read(_HEAD)
    for kind in _FORMATS:
        if kind.begins(head):
            raise InvalidInput(f"{masked(address)} is {kind.name}, not a DLC; {kind.step}")
