"""`qhas layers`: which layers cost a network its accuracy."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from qhas.cli.frame import Exit, command, print_json
from qhas.cli.options import JsonOption, SiteOption, cell_of
from qhas.cli.screen import console
from qhas.failures import StepFailed
from qhas.layers.measure import failed, measure_layers
from qhas.layers.model import Layer, Layers, Nearness
from qhas.profile.figures import COSINE, SQNR
from qhas.site import load_site
from qhas.store import Store
from qhas.units import counted

_SHOWN = 20
_NAMED = 3
"""Maximum number of operations of a layer to name."""


@command
def layers(
    cell: Annotated[
        str, typer.Argument(metavar="CELL", help="A stored cell of an ONNX, as RUN/MODEL/SOC/VARIANT.")
    ],
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Show how much accuracy each layer loses on the emulator against ONNX Runtime, the worst first."""
    chosen = load_site(site)
    record = cell_of(Store(chosen.store), cell, graphs=False)
    try:
        answer = asyncio.run(measure_layers(record, chosen))
    except StepFailed as error:
        raise failed(error) from error
    if as_json:
        print_json(answer.model_dump(mode="json"))
    else:
        _show(answer)
    return Exit.GOOD


def _show(answer: Layers) -> None:
    table = Table("layer", "type", box=SIMPLE_HEAD, show_edge=False)
    for title in ("own SQNR", "own cosine", "SQNR up to here", "cosine up to here"):
        table.add_column(title, justify="right")
    table.add_column("")
    for layer in answer.layers[:_SHOWN]:
        table.add_row(*map(Text, _row(layer)))
    console.print(table)
    if len(answer.layers) > _SHOWN:
        console.print(f"{_SHOWN} of {len(answer.layers)} layers; --json has all.")
    console.print(
        "Own: compared with ONNX Runtime in floats, from the layer's own inputs on the emulator; a layer is all operations "
        "since the examined tensors before it. Up to here: from the network's inputs. Because every layer is an output, fewer "
        "of them are fused.",
        style="dim",
    )
    if answer.left_out:
        console.print(
            f"Not present on the HTP: {counted(len(answer.left_out), 'tensor')} of the ONNX.", style="dim"
        )


def _row(layer: Layer) -> list[str]:
    names = _several(layer.nodes) or layer.tensor
    return [names, _several(layer.types) or "input", *_texts(layer.own), *_texts(layer.total), layer.why]


def _several(names: list[str]) -> str:
    """Name the last ones, which produce the tensor, and count the others."""
    more = f"{len(names) - _NAMED} more, " if len(names) > _NAMED else ""
    return more + ", ".join(names[-_NAMED:])


def _texts(near: Nearness | None) -> tuple[str, str]:
    return (SQNR.text(near.sqnr_db), COSINE.text(near.cosine)) if near else ("", "")
