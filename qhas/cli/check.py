"""`qhas check`: which operations of an ONNX the HTP supports, on all SoCs at once, and what would help."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from qhas.cli.frame import Exit, command, print_json
from qhas.cli.options import JsonOption
from qhas.cli.profile import ShapeOption, shapes_of
from qhas.cli.screen import console
from qhas.failures import InvalidInput
from qhas.gate.support import Support, check_support
from qhas.naming import check_soc
from qhas.site.sdk import host_sdk_estimates

_SHOWN_OPS = 100
"""Maximum number of rows to print; `--json` has all."""


@command
def check(
    network: Annotated[Path, typer.Argument(metavar="ONNX", help="An ONNX network, float or quantised.")],
    soc: Annotated[
        list[str] | None,
        typer.Option(help="SoC, e.g. sa8255; repeatable; by default all that have estimates."),
    ] = None,
    shape: ShapeOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """List every operation that the HTP does not support, and what to do about it; exit code 1 if there is one.

    Nothing is prepared.
    """
    try:
        socs = list(dict.fromkeys(map(check_soc, soc or host_sdk_estimates()["supported"])))
    except ValueError as error:
        raise InvalidInput(f"--soc is not valid: {error}.") from error
    support = asyncio.run(check_support(network.absolute(), socs, shapes_of(shape or [])))
    if as_json:
        print_json(
            support.model_dump(mode="json") | {"covered": {name: support.covered(name) for name in socs}}
        )
    else:
        _show(support)
    return Exit.GOOD if support.whole else Exit.CELLS_FAILED


def _show(support: Support) -> None:
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for title in ("SoC", "unsupported ops", "MACs supported"):
        table.add_column(title, justify="left" if title == "SoC" else "right")
    for soc, left in support.socs.items():
        table.add_row(soc, str(len(left)), f"{100 * support.covered(soc):.1f} %")
    console.print(table)
    refused = list(support.not_taken())
    if not refused:
        console.print(f"All {support.nodes} operations are supported.")
        return
    ops = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for title in ("unsupported op", "node", "MACs", "on", "remedy"):
        ops.add_column(title, justify="right" if title == "MACs" else "left", overflow="fold")
    for each in refused[:_SHOWN_OPS]:
        everywhere = len(each.socs) == len(support.socs)
        ops.add_row(
            Text(each.op.type),
            Text(each.op.name or "unnamed"),
            f"{each.op.macs:,}" if each.op.macs else "",
            "all" if everywhere else ", ".join(each.socs),
            each.op.remedy,
        )
    console.print(ops)
    if len(refused) > _SHOWN_OPS:
        console.print(f"And {len(refused) - _SHOWN_OPS} more; --json has them all.")
