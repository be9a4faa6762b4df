"""`python -m bench truth`: the tables of docs/truth.md, the page itself, all networks again, or one of your own."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table as Shown
from rich.text import Text

from bench.failure import BenchFailed
from bench.truth import matrix, page, simulated, structure, tables, trial
from hostsdk.errors import ToolError
from hostsdk.socs import find
from qhas.cli.profile import shapes_of
from qhas.failures import InvalidInput
from qhas.truth import calibration
from qhas.truth.tables import WHEEL, Device, components, device_of, devices, measured_models
from qhas.truth.traits import Traits

_ROOT = Path(__file__).parents[2]
_DEFAULT_SOCS = ["qcs9100", "sa8255", "sm8750"]


def main(argv: Sequence[str]) -> int:
    """Return exit code 0, 1 if a network could not be tried, or 2 for options that make no sense."""
    given = _parse(argv)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    try:
        if given.onnx:
            return _try(given, console)
        if given.run is not None:
            return _run(given, console)
    except (BenchFailed, ToolError, InvalidInput) as error:
        print(f"The network was not tried: {error}", file=sys.stderr)
        return 1
    if given.write:
        _write(console)
    else:
        _show_all(console)
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench truth", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--write",
        action="store_true",
        help="write calibration.tsv, checked.tsv, docs/truth.md and its pictures",
    )
    what.add_argument(
        "--run", nargs="*", metavar="NETWORK",
        help="simulate what qhas/truth/simulated.tsv has no row for, for all or some structure files, and add it",
    )  # fmt: skip
    parser.add_argument(
        "--again",
        action="store_true",
        help="with --run: also what it has a row for, to compare both",
    )
    parser.add_argument(
        "--wheel", default=WHEEL, help=f"with --run: version of the compiler; default {WHEEL}"
    )
    parser.add_argument(
        "--jobs",
        type=_count,
        default=1,
        metavar="N",
        help="with --run: number of networks to run in parallel",
    )
    parser.add_argument(
        "--results", type=Path, default=Path("bench-truth"), metavar="DIR",
        help="with --run: where figures are kept; an interrupted run resumes from there",
    )  # fmt: skip
    what.add_argument(
        "--onnx", type=Path, metavar="FILE", help="a network to try, .onnx, .onnx.gz or .onnx.xz"
    )
    parser.add_argument(
        "--shape", action="append", default=[], metavar="INPUT=SIZES",
        help="with --onnx: shape of an input without fixed sizes, as in image=1,3,224,224; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--model", help="its name in AI Hub, as in mobilenet_v2, whose measurements it is compared with"
    )
    parser.add_argument("--component", default="", help="the part, for a model that has several")
    parser.add_argument(
        "--soc", action="append", help=f"default: {', '.join(_DEFAULT_SOCS)}; repeat it, or `all`"
    )
    given = parser.parse_args(argv)
    if bool(given.onnx) != bool(given.model):
        parser.error("--model and --onnx must be given together")
    if given.model and given.model not in measured_models():
        parser.error(
            f"there are no measurements for {given.model!r}; see qhas/truth/measured.tsv for the names"
        )
    if given.model and given.component not in (parts := components(given.model)):
        named = f"--component {' or '.join(parts)}" if any(parts) else "no --component"
        parser.error(f"{given.model} was measured as {named}")
    if unknown := {*(given.run or ())} - {*structure.names()}:
        parser.error(
            f"there is no structure file for {min(unknown)}; there are {', '.join(structure.names())}"
        )
    return given


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive integer")
    return int(text)


def _show_all(console: Console) -> None:
    held, of = tables.pooled_coverage()
    for title, table_of in (
        ("By device, format and class", tables.by_device),
        ("By size, float", tables.by_size),
        ("Voltage corner", tables.by_corner),
        ("What it cannot see", tables.unseen),
        (f"Off by more than {tables.FAR:g}", tables.bad_rows),
    ):
        _show(console, title, table_of())
    console.print(f"The intervals hold {held} of {of} networks of families left out: {held / of:.0%}.")


def _write(console: Console) -> None:
    table = _ROOT / "qhas/truth" / calibration.TABLE
    table.write_text(calibration.as_table(calibration.recomputed_table()), encoding="utf-8")
    calibration.table.cache_clear()
    checked = _ROOT / "hostsdk/checked.tsv"
    checked.write_text(tables.checked_table(checked.read_text("utf-8")), encoding="utf-8")
    for path in [table, checked, *page.write(_ROOT)]:
        console.print(str(path.relative_to(_ROOT)))


def _run(given: argparse.Namespace, console: Console) -> int:
    every = list(matrix.cells(given.wheel, given.run))
    wanted = every if given.again else [cell for cell in every if simulated.row_of(cell) is None]
    kept = matrix.Kept(given.results)
    console.print(f"{len(wanted)} of {len(every)} figures to simulate; results are kept in {given.results}.")

    def told(cell: matrix.Cell, result: matrix.Result) -> None:
        text = result.sentence if isinstance(result, matrix.Failed) else f"{result.simulated_us:,.1f} µs"
        console.print(f"{cell.network} {cell.precision} {cell.soc}: {text}", markup=False)

    matrix.run(wanted, kept, given.jobs, told)
    made = {cell: result for cell in wanted if (result := kept.get(cell))}
    if given.again:
        _show(console, "Made again, against the table", simulated.compared(made))
    simulated.note_failures(made)
    path = _ROOT / "qhas/truth/simulated.tsv"
    console.print(f"{simulated.add(path, made)} rows added to {path.relative_to(_ROOT)}.")
    return 0


def _try(given: argparse.Namespace, console: Console) -> int:
    targets = _targets(given.soc or _DEFAULT_SOCS)
    with tempfile.TemporaryDirectory(prefix="qhas-truth-") as scratch:
        folder = Path(scratch)
        dlc, traits, grown = trial.converted(given.onnx, shapes_of(given.shape), folder)
        rows = [
            _row(made) for made in trial.tried(given.model, given.component, dlc, traits, targets, folder)
        ]
    titles = (
        "device", "SoC", "simulated ms", "when the table was made", "measured ms", "measured / simulated",
        "vendor's interval ms", "ops without a cost", "spill", "expected",
    )  # fmt: skip
    _show(console, f"{given.model}: {_described(traits)}", tables.Table(titles, rows))
    if grown:
        console.print(
            f"{given.onnx.name} has no values for {grown} weights; they were generated from a fixed seed."
        )
    return 0


def _targets(socs: Sequence[str]) -> list[trial.Target]:
    """Return the requested SoCs with their devices.

    Raises ToolError, in the host SDK's words, for an unknown name, and BenchFailed for a SoC that cannot be estimated.
    """
    if "all" in socs:
        return [trial.Target(device.socs[0], device) for device in devices() if not device.refused]
    return [_target(soc.lower()) for soc in socs]


def _target(soc: str) -> trial.Target:
    device: Device | None = device_of(soc)
    if device and device.refused:
        raise BenchFailed(f"{soc.upper()} cannot be estimated: {device.refused}.")
    if not find(soc, "--soc").has_cost_model:
        raise BenchFailed(f"the simulator has no cost model for {soc.upper()}.")
    return trial.Target(soc, device)


def _row(made: trial.Trial) -> tuple[str, ...]:
    then, expected, figures = made.simulated_then_ms, made.expected, made.estimate
    inside = (
        isinstance(expected, calibration.Expectation)
        and made.measured_ms is not None
        and expected.low_ms <= made.measured_ms <= expected.high_ms
    )
    return (
        made.target.device.title if made.target.device else "not measured",
        made.target.soc,
        f"{made.simulated_ms:.4g}",
        f"{then:.4g} ({made.simulated_ms / then - 1:+.1%})" if then else "–",
        f"{made.measured_ms:.4g}" if made.measured_ms else "–",
        f"{made.measured_ms / made.simulated_ms:.2f}" if made.measured_ms else "–",
        f"{figures.low_us / 1000:.4g} to {figures.high_us / 1000:.4g}"
        if figures.low_us and figures.high_us
        else "–",
        "–" if figures.ops_without_cost is None else str(figures.ops_without_cost),
        "–" if figures.spill_bytes is None else f"{figures.spill_bytes:,} B",
        expected.sentence
        if not made.measured_ms
        else f"{expected.sentence}: {'held' if inside else 'not held'}",
    )


def _described(traits: Traits) -> str:
    return f"{traits.precision or 'mixed format'}, {traits.kind}"


def _show(console: Console, title: str, table: tables.Table) -> None:
    shown = Shown(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for at, name in enumerate(table.titles):
        shown.add_column(name, justify="left" if at == 0 else "right", overflow="fold")
    for row in table.rows:
        shown.add_row(*map(Text, row))
    console.print(shown)
    console.print()
