"""`qhas advise`: rewrites of an ONNX network that make it faster on a SoC, each one tested."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from qhas.advise.advise import advise as advised
from qhas.advise.model import Advice, Verdict
from qhas.cli.frame import Exit, command, print_json
from qhas.cli.options import JsonOption, SiteOption, require_folders
from qhas.cli.profile import absolute
from qhas.cli.screen import console
from qhas.cli.tune import SdkOption, SocOption, trial_bar
from qhas.failures import InvalidInput
from qhas.site import load_site
from qhas.tune.subject import open_bench
from qhas.units import microseconds, signed_percent


@command
def advise(
    network: Annotated[Path, typer.Argument(metavar="ONNX", help="An ONNX network on this host.")],
    soc: SocOption,
    output: Annotated[
        Path | None,
        typer.Option(help="Where to write the rewritten network; by default NAME.SOC.onnx next to it."),
    ] = None,
    sdk: SdkOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Try rewrites of an ONNX network, list those that speed it up on the simulator, and write it with all of them."""
    if network.suffix.lower() != ".onnx":
        raise InvalidInput(
            f"{network} is not an ONNX file; a DLC is already compiled and cannot be rewritten."
        )
    target = output or network.with_suffix(f".{soc}.onnx")
    if target.exists() and output is None and target == network:
        raise InvalidInput(f"{target} is the network itself; name another --output.")
    require_folders(target)
    with (
        open_bench(absolute(str(network)), soc, load_site(site), sdk) as bench,
        trial_bar(as_json=as_json) as progress,
    ):
        answer = advised(network, bench, target, progress)
    if as_json:
        print_json(answer.model_dump(mode="json") | {"sentence": answer.sentence})
    else:
        _show(answer)
    return Exit.GOOD


def _show(answer: Advice) -> None:
    if helped := answer.of(Verdict.HELPED):
        table = Table("rewrite", "alone, simulated", "places", "what changes", "largest error", box=None)
        for each in helped:
            table.add_row(
                *map(
                    Text,
                    (
                        each.name,
                        signed_percent(each.gain_percent),
                        str(each.places),
                        f"{each.sentence}; {each.source}",
                        f"{each.error:.1g}" if each.error else "0",
                    ),
                )
            )
        console.print(table)
    for each in answer.of(Verdict.NO_HELP):
        time = microseconds(each.time_us or 0)
        console.print(
            Text(
                f"tried, no help: {each.name}, {signed_percent(each.gain_percent)} ({time}), simulated", "dim"
            ),
            soft_wrap=True,
        )
    for each in (*answer.of(Verdict.NOT_EXACT), *answer.of(Verdict.REFUSED)):
        reason = each.why or f"an output differs by {each.error:.2g} of its largest value"
        console.print(Text(f"tried, {each.verdict}: {each.name}: {reason}", "yellow"), soft_wrap=True)
    console.print(Text(answer.sentence), soft_wrap=True)
    interface = [
        each.interface for each in answer.attempts if each.name in answer.together and each.interface
    ]
    if answer.written:
        console.print(
            Text(f"Written: {answer.written}{'; ' if interface else ''}{'; '.join(interface)}"),
            soft_wrap=True,
        )
