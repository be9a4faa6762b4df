"""`qhas gate`: judge a change of networks on this machine, with no device, account or secret."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from qhas.cli.bar import sweep_bar
from qhas.cli.frame import Exit, command, print_json
from qhas.cli.options import JsonOption, SiteOption, require_folder, require_folders
from qhas.cli.screen import console, errors
from qhas.diff.compare import THRESHOLD_PERCENT
from qhas.documents import Written, describe, parse_yaml
from qhas.failures import InvalidInput
from qhas.gate.faults import require_a_network
from qhas.gate.formats import junit, markdown, time_or_rate
from qhas.gate.gate import GateSpec, judge, require_networks_of
from qhas.gate.model import STOPS, GateResult
from qhas.gate.sides import read_sides
from qhas.naming import check_soc
from qhas.outside_text import shown
from qhas.site import load_site
from qhas.site.fit import require_socs
from qhas.site.sdk import find_sdk
from qhas.sweep.budget import NetworkBudget
from qhas.sweep.language import CONTEXT, LONGEST, PROMPT
from qhas.sweep.spec import PrepareOptions
from qhas.units import signed_percent, words

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
"""Names the file to which a step appends the Markdown that GitHub shows as its summary."""
FOLDER = Path(".qhas-gate")


class _Budgets(Written):
    """A gate's `budgets.yaml`: limits by network, as in a sweep."""

    budgets: dict[str, NetworkBudget]


@command
def gate(
    base: Annotated[
        str,
        typer.Argument(
            metavar="BASE",
            help="A DLC, an ONNX, the config.json of a language model, a folder, or a git revision.",
        ),
    ],
    head: Annotated[str, typer.Argument(metavar="HEAD", help="The same after the change.")],
    soc: Annotated[list[str], typer.Option(help="SoC, e.g. sa8255; repeat it for more.")],
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--models", help="In folders and revisions, only networks whose path matches this pattern."
        ),
    ] = None,
    budgets: Annotated[
        Path | None, typer.Option(help="YAML with `budgets:` as in a sweep; a network over one fails.")
    ] = None,
    threshold: Annotated[
        float, typer.Option(min=0, max=1000, help="Smallest change of time, in percent, that counts.")
    ] = THRESHOLD_PERCENT,
    context: Annotated[
        int, typer.Option(min=PROMPT, max=LONGEST, help="For language models: tokens in the whole context.")
    ] = CONTEXT,
    optimization_level: Annotated[int | None, typer.Option(help="1, 2 or 3.")] = None,
    vtcm_mb: Annotated[int | None, typer.Option(help="VTCM in MB; 0 is the SoC's maximum.")] = None,
    markdown_file: Annotated[
        Path | None,
        typer.Option("--markdown", help="Write the result here, for a comment on the pull request."),
    ] = None,
    junit_file: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML here.")] = None,
    accuracy: Annotated[
        bool, typer.Option(help="Compare outputs with ONNX Runtime's, if a side is an ONNX.")
    ] = True,
    folder: Annotated[
        Path, typer.Option(help="Cache of what was converted and compiled, for a quicker next gate.")
    ] = FOLDER,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Compare networks before and after a change; exit code 1 if one is slower, fails, or is over its budget."""
    summary = os.environ.get(SUMMARY_VARIABLE)
    require_folders(markdown_file, junit_file, Path(summary) if summary else None)
    require_folder(folder)
    spec = _spec(soc, budgets, threshold, {"optimization_level": optimization_level, "vtcm_mb": vtcm_mb})
    spec = replace(spec, accuracy=accuracy, context=context)
    lab = load_site(site)
    lab = lab.model_copy(update={"store": str((folder / "store").resolve())})
    with tempfile.TemporaryDirectory(prefix="qhas-gate-") as scratch:
        sides = read_sides(base, head, models or ["*"], Path(scratch))
        require_a_network(*sides)
        require_networks_of(spec.budgets, *sides)
        sdk = find_sdk(lab.sdk)
        require_socs(sdk, spec.socs)
        with sweep_bar(errors if as_json else console):
            result = judge(*sides, spec, lab, sdk, folder.resolve())
    if as_json:
        print_json(result.model_dump(mode="json") | {"passed": result.passed, "sentence": result.sentence})
    else:
        _show(result)
    _write(result, markdown_file, junit_file)
    return Exit.GOOD if result.passed else Exit.CELLS_FAILED


def _spec(
    socs: list[str], budgets: Path | None, threshold: float, options: dict[str, int | None]
) -> GateSpec:
    try:
        named = list(dict.fromkeys(map(check_soc, socs)))
        prepare = PrepareOptions.model_validate(options)
    except ValidationError as error:
        raise InvalidInput(f"These options are not valid: {describe(error)}.") from error
    except ValueError as error:
        raise InvalidInput(f"--soc is not valid: {error}.") from error
    limits = parse_yaml(budgets, _Budgets, "budgets").budgets if budgets else {}
    return GateSpec(named, prepare, limits, threshold)


def _write(result: GateResult, markdown_file: Path | None, junit_file: Path | None) -> None:
    text = markdown(result)
    if markdown_file:
        markdown_file.write_text(text, encoding="utf-8")
    if junit_file:
        junit_file.write_text(junit(result), encoding="utf-8")
    if summary := os.environ.get(SUMMARY_VARIABLE):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(text)


def _show(result: GateResult) -> None:
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for title in ("network", "SoC", "time", "change", ""):
        table.add_column(title, justify="right" if title in ("time", "change") else "left", overflow="fold")
    for line in result.lines:
        change = "" if line.change_percent is None else signed_percent(line.change_percent)
        state = Text(words(line.state), "red" if line.state in STOPS else "")
        table.add_row(Text(shown(line.network)), line.soc, time_or_rate(line), change, state)
    console.print(table)
    for line in result.lines:
        if line.state in STOPS or line.diff:
            console.print(f"{line.label}: {shown(line.sentence)}", soft_wrap=True, markup=False)
    word = "passed" if result.passed else "failed"
    console.print(f"Gate {word} (times: {result.times}). {result.counts}.", soft_wrap=True, markup=False)
