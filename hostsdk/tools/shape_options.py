"""Options that set the dimensions of a network's inputs, for every tool that reads an ONNX file."""

from __future__ import annotations

from typing import Any

from hostsdk.errors import ErrorCode, ToolError
from hostsdk.tools.options import Options, whole_number


def add_shape_options(options: Options) -> None:
    """Add `--input_dim`, `--define_symbol` and `--batch`."""
    options.add_argument(
        "-d",
        "--input_dim",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "DIMS"),
        help="an input's shape, as in image 1,3,224,224; repeatable",
    )
    options.add_argument(
        "-s",
        "--define_symbol",
        nargs=2,
        action="append",
        default=[],
        metavar=("SYMBOL", "VALUE"),
        help="the value of a dimension's symbol; repeatable",
    )
    options.add_argument(
        "-b", "--batch", type=whole_number(1), metavar="N", help="the first dimension of every input"
    )


def shapes(chosen: Any) -> dict[str, Any]:
    """Return the chosen shapes in the form that jobs accept. Raises `ToolError` for one that is not a shape."""
    inputs = {name: _dimensions(name, text) for name, text in chosen.input_dim}
    symbols = {name: _dimensions(name, value)[0] for name, value in chosen.define_symbol}
    return {"inputs": inputs, "symbols": symbols, "batch": chosen.batch}


def _dimensions(name: str, text: str) -> list[int]:
    try:
        sizes = [int(each) for each in text.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise ToolError(
            ErrorCode.INVALID_PARAMETER,
            f"the dimensions of {name} are {text!r}, but must be integers of 1 or more, separated by commas.",
            "Command Line",
        )
    return sizes
