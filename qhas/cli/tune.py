"""`qhas tune`: the best options of graph-prepare for a network on a SoC."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from qhas.cli.bar import bar
from qhas.cli.frame import Exit, command, print_json
from qhas.cli.options import JsonOption, SiteOption
from qhas.cli.profile import absolute
from qhas.cli.screen import console, errors
from qhas.site import load_site
from qhas.tune.effect_rows import TITLES, effect_rows
from qhas.tune.model import Objective, Tuning
from qhas.tune.page import cells, coverage
from qhas.tune.search import TRIALS, Progress
from qhas.tune.subject import open_bench
from qhas.tune.tune import keep
from qhas.tune.tune import tune as tuned

SdkOption = Annotated[
    str | None, typer.Option(help="Host SDK to estimate with, by its name in the site, as in 2.48.")
]
NetworkArgument = Annotated[str, typer.Argument(help="Un-cached DLC, as path or URL, or an ONNX file.")]
SocOption = Annotated[str, typer.Option(help="SoC, e.g. sa8255.")]


@command
def tune(
    network: NetworkArgument,
    soc: SocOption,
    objective: Annotated[Objective, typer.Option(help="What to minimise.")] = Objective.TIME,
    trials: Annotated[
        int,
        typer.Option(
            min=1,
            max=1000,
            help="Maximum number of combinations to try; a grid without more is tried completely.",
        ),
    ] = TRIALS,
    check: Annotated[
        bool, typer.Option(help="Compare the best one's outputs with the default's on the emulator.")
    ] = True,
    devices: Annotated[
        bool,
        typer.Option(
            help="Measure the best three on a device of the SoC, if the site has one, and let that decide."
        ),
    ] = True,
    sdk: SdkOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Find the best options of graph-prepare for a network on a SoC on the simulator, and print them for sweep.yaml.

    Each trial is a compilation that is kept in the store, so a repeated call compiles nothing.
    """
    rack = load_site(site)
    with open_bench(absolute(network), soc, rack, sdk) as bench:
        with trial_bar(as_json=as_json) as progress:
            answer = tuned(bench, objective, trials, progress, check=check, rack=rack if devices else None)
        address = keep(bench.store, answer)
    if as_json:
        print_json(
            answer.model_dump(mode="json") | {"sentence": answer.sentence, "prepare": answer.best.options}
        )
    else:
        _show(answer)
        console.print(f"Page: {address}", soft_wrap=True, highlight=False)
    return Exit.GOOD


@contextmanager
def trial_bar(*, as_json: bool) -> Iterator[Progress]:
    """Show a progress bar over the trials inside the block."""
    with bar(errors if as_json else console) as shown:
        task = shown.add_task("compiling", total=None)
        yield lambda done, planned: shown.update(task, completed=done, total=planned)


def _show(answer: Tuning) -> None:
    effects = Table(*TITLES, box=None, title="What each option does, simulated", title_justify="left")
    for row in effect_rows(answer):
        effects.add_row(*row)
    console.print(effects)
    front = Table(
        "options", "time", "DRAM", "peak VTCM", "context", box=None,
        title="Pareto front of time, DRAM and VTCM, simulated", title_justify="left",
    )  # fmt: skip
    for number in answer.pareto:
        front.add_row(*map(Text, cells(answer.tried[number])))
    console.print(front)
    for refused in answer.refused:
        console.print(Text(f"not compiled: {refused.options}: {refused.why}", "yellow"), soft_wrap=True)
    console.print(coverage(answer), soft_wrap=True, highlight=False)
    console.print(Text(answer.sentence), soft_wrap=True)
    console.print(Text(answer.block.rstrip()))
