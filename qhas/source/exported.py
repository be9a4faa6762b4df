"""What an exporter records in a node about its origin: the path and class of its module, and a line of source.

PyTorch writes it in two ways, seen in files of versions 2.9 and 2.14:

`torch.onnx.export(dynamo=True)` leaves entries in a node's `metadata_props`, each the `repr` of a Python list or a traceback:

    pkg.torch.onnx.name_scopes       ['', 'network', 'network.0', 'linear']: paths from the root, the last the node's own name
    pkg.torch.onnx.class_hierarchy   ['__main__.Net', 'torch.nn...Sequential', 'torch.nn...Linear', 'aten.linear.default']
    pkg.torch.onnx.stack_trace       File "/home/me/net.py", line 96, in forward, and so on, the innermost call last
    namespace                        : __main__.Net/network: torch.nn...Sequential/network.0: torch.nn...Linear/linear: aten...

The older exporter writes the path into the name: `/features/features.3/conv/Conv_1`, where a scope that begins with
the one before it is a child without a name of its own (`features.3`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from qhas.network.onnx_file import OnnxNode

_SCOPES = "pkg.torch.onnx.name_scopes"
_CLASSES = "pkg.torch.onnx.class_hierarchy"
_STACK = "pkg.torch.onnx.stack_trace"
_NAMESPACE = "namespace"
_STRING = r"""(?:'((?:[^'\\]|\\.)*+)'|"((?:[^"\\]|\\.)*+)")"""
_TEXT = re.compile(_STRING)
_LIST = re.compile(rf"\[(?:{_STRING}(?:, {_STRING})*+)?\]")
_FRAME = re.compile(r'File "([^"\n]{1,1000})", line (\d{1,9})')
_OF_TORCH = re.compile(r"[\\/](?:site|dist)-packages[\\/]torch[\\/]")
"""A frame of PyTorch's own modules, which the network's source calls."""


class Exported(NamedTuple):
    """Where a node comes from; None for what its exporter did not say. The root module has an empty path."""

    module: str | None = None
    kind: str | None = None
    """Class of the module, as in `torch.nn.modules.linear.Linear`."""
    file: str | None = None
    line: int | None = None


def exported(node: OnnxNode) -> Exported:
    """Return what the exporter of a node says about its origin."""
    scopes, classes = _scopes(node)
    module = scopes[-2] if len(scopes) > 1 else _of_name(node)
    kind = classes[-2] if module is not None and 1 < len(classes) == len(scopes) else None
    file, line = _frame(node.metadata.get(_STACK, ""))
    return Exported(module, kind, file, line)


def _scopes(node: OnnxNode) -> tuple[Sequence[str], Sequence[str]]:
    """Return the paths and classes from the root to the node itself, as far as they are known."""
    if scopes := _listed(node.metadata.get(_SCOPES, "")):
        return scopes, _listed(node.metadata.get(_CLASSES, ""))
    pairs = [part.partition(": ") for part in node.metadata.get(_NAMESPACE, "").split("/") if ": " in part]
    return [path for path, _, _ in pairs], [kind for _, _, kind in pairs]


def _listed(text: str) -> list[str]:
    """Return the strings of a Python list; none if it is not a list, or not one of strings."""
    if not _LIST.fullmatch(text):
        return []
    return [single or double for single, double in _TEXT.findall(text)]


def _of_name(node: OnnxNode) -> str | None:
    """Return the path in a name that ends in the node's type, possibly with a number; None for other names."""
    first, *scopes = node.name.split("/")
    if first or not scopes or not re.fullmatch(rf"{re.escape(node.type)}(_\d+)?", scopes[-1]):
        return None
    return ".".join(_steps(scopes[:-1]))


def _steps(scopes: Iterable[str]) -> list[str]:
    """Return the names of attributes, each below the one before."""
    steps: list[str] = []
    before = ""
    for scope in scopes:
        steps.append(scope.removeprefix(f"{before}.") if before else scope)
        before = scope
    return steps


def _frame(trace: str) -> tuple[str | None, int | None]:
    """Return file and line of the innermost call outside PyTorch, or of the innermost one if there is none."""
    frames = _FRAME.findall(trace)
    if not frames:
        return None, None
    own = [frame for frame in frames if not _OF_TORCH.search(frame[0])]
    file, line = (own or frames)[-1]
    return file, int(line)
