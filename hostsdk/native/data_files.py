"""Weights stored in files beside an ONNX network: check them, and upgrade the opset without loading them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hostsdk.errors import ErrorCode, ToolError

_COMPONENT = "Converter"
_DIGITS = 30
"""The digits read of an offset or a length: enough for more bytes than any file has."""


def has_data_files(onnx_path: Path) -> bool:
    """Whether any weights of the network are stored in files beside it."""
    import onnx

    return is_external(onnx.load(onnx_path, load_external_data=False))


def is_external(model: Any) -> bool:
    """Whether any weights of a loaded model are stored in files beside it."""
    return any(constant.external_data for constant in model.graph.initializer)


def require_data(model: Any, folder: Path) -> None:
    """Raise `ToolError` for weights that are missing from the folder or incomplete."""
    for constant in model.graph.initializer:
        if not constant.external_data:
            continue
        place = {entry.key: entry.value for entry in constant.external_data}
        name = place.get("location", "")
        file = folder / name
        try:
            inside = file.resolve().is_relative_to(folder.resolve())
            size = file.stat().st_size if file.is_file() else None
        except (OSError, ValueError):  # too long for a path, or contains a NUL
            raise _unusable(
                f"{constant.name} is at {name[:100]!r}, which is not a path: save the network again"
            ) from None
        if not inside:
            raise _unusable(
                f"{constant.name} is at {name}, outside the network's folder: put the file beside the network and save it again"
            )
        if size is None:
            raise _unusable(
                f"{constant.name} is in {name} beside the network, which is missing: copy it there as well"
            )
        end = _number(place, "offset") + _number(place, "length")
        if size < end:
            raise _unusable(
                f"{constant.name} is in {name} up to byte {end}, but the file has {size}: it was cut off; copy it again"
            )


def bring_data(model: Any, folder: Path, scratch: Path) -> None:
    """Copy the files into `scratch` under the same names, loading no weights. ONNX does not accept links."""
    named = {
        entry.value
        for constant in model.graph.initializer
        for entry in constant.external_data
        if entry.key == "location"
    }
    for name in named if folder.resolve() != scratch.resolve() else ():
        target = scratch / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, target)


def _number(place: dict[str, str], key: str) -> int:
    text = place.get(key, "0")
    return int(text[:_DIGITS]) if text.isdecimal() else 0


def _unusable(fault: str) -> ToolError:
    return ToolError(ErrorCode.MODEL_LOAD, f"its weight {fault}.", _COMPONENT)


def without_data(model: Any, change: Callable[[Any], Any]) -> Any:
    """Apply `change` to a model while its weights in files are inputs; the result has weights again."""
    from onnx import helper

    graph = model.graph
    apart = [constant for constant in graph.initializer if constant.external_data]
    names = {constant.name for constant in apart}
    declared = [value for value in graph.input if value.name in names]
    kept = [constant for constant in graph.initializer if not constant.external_data]
    known = {value.name for value in declared}
    del graph.initializer[:]
    graph.initializer.extend(kept)
    graph.input.extend(
        helper.make_tensor_value_info(each.name, each.data_type, each.dims)
        for each in apart
        if each.name not in known
    )
    changed = change(model)
    stays = [value for value in changed.graph.input if value.name not in names or value.name in known]
    del changed.graph.input[:]
    changed.graph.input.extend(stays)
    changed.graph.initializer.extend(apart)
    return changed
