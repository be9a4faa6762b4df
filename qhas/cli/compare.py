"""`qhas compare`: what changed between two runs, two cells or two QHAS files, and why."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from qhas.cli.frame import Exit, command, print_json
from qhas.cli.merging import TraceOption, merge, require_target
from qhas.cli.options import JsonOption, SiteOption, cell_of, run_of, store_of
from qhas.cli.screen import console
from qhas.cli.tables.diff import show_cell
from qhas.cli.tables.diff import show_run as show_runs
from qhas.diff.circumstances import Evidence
from qhas.diff.compare import THRESHOLD_PERCENT
from qhas.diff.compare import compare as compare_sides
from qhas.diff.model import CellDiff, Outcome, RunDiff
from qhas.diff.runs import CellNotComparable, Chosen, compare_runs, evidence_of
from qhas.failures import InvalidInput
from qhas.llm.foreseen import change as language_change
from qhas.profile.qhas_file import QhasInvalid, read_qhas
from qhas.profile.runtrace import runtrace_beside
from qhas.runs.baseline import baseline_of
from qhas.runs.expected import change
from qhas.runs.record import CellRecord, by_graph
from qhas.runs.stored import load_run
from qhas.store import Store

_FILE_ENDINGS = (".json", ".json.gz")
_EXPECTED = 10
"""Maximum number of cells whose expected times are shown; `--json` has all."""


@command
def compare(
    before: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="A run (its id, the beginning of it, or `latest`), a cell as RUN/MODEL/SOC/VARIANT, or a QHAS file "
            "(.json, .json.gz).",
        ),
    ],
    after: Annotated[
        str | None, typer.Argument(metavar="B", help="What to compare with A, in the same forms.")
    ] = None,
    baseline: Annotated[
        bool, typer.Option("--baseline", help="Compare A with the last finished run of its sweep before it.")
    ] = False,
    model: Annotated[list[str] | None, typer.Option(help="Only models that match this pattern.")] = None,
    soc: Annotated[list[str] | None, typer.Option(help="Only SoCs that match this pattern.")] = None,
    threshold: Annotated[
        float, typer.Option(min=0, max=1000, help="Smallest change of time, in percent, that counts.")
    ] = THRESHOLD_PERCENT,
    trace: TraceOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Show what changed from A to B, and why; exit code 1 if a cell became slower by more than the threshold."""
    if baseline == (after is not None):
        raise InvalidInput("Give two to compare, A and B, or one run and --baseline.")
    require_target(trace)
    chosen = Chosen(model or [], soc or [])
    if baseline or not (_is_one(before) or _is_one(after or "")):
        store = store_of(site)
        last = run_of(store, after or before)
        first = baseline_of(store, last) if after is None else run_of(store, before)
        diff = compare_runs(store, first, last, chosen=chosen, threshold_percent=threshold)
        if trace:
            cell = _only_cell(diff)
            merge(cell, (f"{diff.before}/{cell.after.cell}", f"{diff.after}/{cell.after.cell}"), trace, site)
        return _show_run_diff(diff, _expected_of(store, diff), as_json)
    if model or soc:
        raise InvalidInput("--model and --soc choose cells of two runs; leave them out for a cell or a file.")
    sides = [_evidence(address, site) for address in (before, after or "")]
    change = compare_sides(*sides, threshold_percent=threshold, labels=(before, after or ""))
    if trace:
        merge(change, (before, after or ""), trace, site)
    return _show_cell_diff(change, _change(*(side.record for side in sides)), as_json)


def _only_cell(diff: RunDiff) -> CellDiff:
    """Return the only cell that was compared. Raises InvalidInput unless there is exactly one."""
    if len(diff.cells) != 1:
        raise InvalidInput(
            f"--trace needs one cell of each run, but {len(diff.cells)} were compared; choose with --model and --soc, or name "
            "two cells as RUN/MODEL/SOC/VARIANT."
        )
    return diff.cells[0]


def _expected_of(store: Store, diff: RunDiff) -> dict[str, str]:
    """Return, by cell, what is expected of a device before and after; measured cells are left out."""
    old, new = (
        {record.cell.key: record for record in by_graph(load_run(store, run_id)[1])}
        for run_id in (diff.before, diff.after)
    )
    keys = [cell.after.cell for cell in diff.cells if cell.after.cell]
    changes = {key: _change(old.get(key), new.get(key)) for key in keys}
    return {key: sentence for key, sentence in changes.items() if sentence}


def _change(before: CellRecord | None, after: CellRecord | None) -> str:
    return language_change(before, after) or change(before, after) if before and after else ""


def _show_expected(expected: Iterable[tuple[str, str]]) -> None:
    for name, sentence in islice(expected, _EXPECTED):
        console.print(f"expected {name}: {sentence}", style="dim", markup=False, soft_wrap=True)


def _show_run_diff(diff: RunDiff, expected: dict[str, str], as_json: bool) -> Exit:
    if as_json:
        print_json(diff.model_dump(mode="json") | {"expected": expected})
    elif len(diff.cells) == 1 and not (diff.not_compared or diff.only_before or diff.only_after):
        show_cell(console, diff.cells[0])
    else:
        show_runs(console, diff)
    if not as_json:
        _show_expected(expected.items())
    if not diff.cells:
        raise InvalidInput(
            f"No cell of {diff.before} and {diff.after} could be compared; {diff.not_compared[0].reason}"
        )
    return Exit.CELLS_FAILED if diff.worse else Exit.GOOD


def _show_cell_diff(diff: CellDiff, expected: str, as_json: bool) -> Exit:
    if as_json:
        print_json(diff.model_dump(mode="json") | {"expected": expected or None})
    else:
        show_cell(console, diff)
        _show_expected([(diff.after.label, expected)] if expected else [])
    return Exit.CELLS_FAILED if diff.verdict is Outcome.WORSE else Exit.GOOD


def _is_one(address: str) -> bool:
    """Whether the address is a file or a cell rather than a whole run: run ids contain no slash."""
    return address.endswith(_FILE_ENDINGS) or "/" in address


def _evidence(address: str, site: Path | None) -> Evidence:
    """Read a file, or a cell of the site's store. Raises InvalidInput."""
    if address.endswith(_FILE_ENDINGS):
        try:
            path = Path(address)
            return Evidence(read_qhas(path), beside=runtrace_beside(path))
        except QhasInvalid as error:
            raise InvalidInput(
                f"{str(error).rstrip('.')}; give a QHAS summary of qnn-profile-viewer."
            ) from error
    if "/" not in address:
        raise InvalidInput(
            f"{address} is a whole run, but the other is one cell; give RUN/MODEL/SOC/VARIANT."
        )
    store = store_of(site)
    record = cell_of(store, address)
    try:
        return evidence_of(store, record)
    except CellNotComparable as error:
        raise InvalidInput(f"Cell {record.cell.key} cannot be compared: {error}.") from error
