"""`qhas explain`: what bounds a network on a SoC, found by experiment on the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from qhas.cli.frame import Exit, command, print_json
from qhas.cli.options import JsonOption, SiteOption, cell_of
from qhas.cli.profile import absolute
from qhas.cli.screen import console
from qhas.cli.tune import SdkOption, trial_bar
from qhas.estimate.bench import Bench
from qhas.explain.explain import explain as explained
from qhas.explain.model import Explanation
from qhas.explain.shown import FINDING_TITLES, MOST_OPS, OP_TITLES, circumstances, finding_row, op_row
from qhas.failures import InvalidInput
from qhas.site import Site, load_site
from qhas.store import Store
from qhas.sweep.spec import PrepareOptions
from qhas.tune.subject import open_bench


@command
def explain(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK", help="Un-cached DLC or ONNX, or a stored cell, as RUN/MODEL/SOC/VARIANT."
        ),
    ],
    soc: Annotated[str | None, typer.Option(help="SoC, e.g. sa8255; a stored cell has its own.")] = None,
    sdk: SdkOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Show what bounds a network (DRAM, HMX, HVX, clock, VTCM, threads), per op and in three sentences.

    They are changed one at a time on the simulator.
    """
    with (
        _opened(network, soc, load_site(site), sdk) as (bench, options),
        trial_bar(as_json=as_json) as progress,
    ):
        answer = explained(bench, options, progress)
    if as_json:
        print_json(answer.model_dump(mode="json") | {"sentences": answer.sentences})
    else:
        _show(answer)
    return Exit.GOOD


@contextmanager
def _opened(
    network: str, soc: str | None, site: Site, sdk: str | None
) -> Iterator[tuple[Bench, PrepareOptions]]:
    if network.endswith((".dlc", ".onnx")) or "://" in network:
        if soc is None:
            raise InvalidInput(f"On which SoC? Add --soc to explain {network}, as in --soc sa8255.")
        with open_bench(absolute(network), soc, site, sdk) as bench:
            yield bench, PrepareOptions()
        return
    record = cell_of(Store(site.store), network, graphs=False)
    if soc not in (None, record.cell.soc):
        raise InvalidInput(f"{network} is a cell of {record.cell.soc}; leave --soc out.")
    with open_bench(record.cell.model.dlc, record.cell.soc, site, sdk or record.cell.sdk) as bench:
        if record.model and record.model.sha256 != bench.subject.sha256:
            raise InvalidInput(
                f"The DLC at {record.model.dlc} is not the one that {network} ran: it was changed."
            )
        yield bench, record.cell.prepare


def _show(answer: Explanation) -> None:
    table = Table(*FINDING_TITLES, "", box=None)
    for finding in answer.findings:
        table.add_row(*map(Text, finding_row(finding)))
    console.print(table)
    ops = Table(*OP_TITLES, box=None)
    for op in answer.ops[:MOST_OPS]:
        ops.add_row(*map(Text, op_row(op)))
    console.print(ops)
    console.print(circumstances(answer), soft_wrap=True, highlight=False)
    for sentence in answer.sentences:
        console.print(Text(sentence), soft_wrap=True)
