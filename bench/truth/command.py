"""`python -m bench truth`: the tables of docs/truth.md, the page itself, or the trial of a network of one's own."""

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
from bench.truth import page, tables, trial
from hostsdk.errors import ToolError
from qhas.truth import calibration
from qhas.truth.tables import Device, NetworkClass, Precision, devices, measured_models
from qhas.truth.traits import Traits

_ROOT = Path(__file__).parents[2]
_DEFAULT_SOCS = ["qcs9100", "sa8255", "sm8750"]


def main(argv: Sequence[str]) -> int:
    """Exit code 0, 1 where a network could not be tried, 2 for options that make no sense."""
    given = _parse(argv)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    try:
        if given.onnx:
            return _try(given, console)
    except (BenchFailed, ToolError) as error:
        print(f"The network was not tried: {error}", file=sys.stderr)
        return 1
    if given.write:
        table = _ROOT / "qhas/truth" / calibration.TABLE
        table.write_text(calibration.as_table(calibration.recomputed_table()), encoding="utf-8")
        calibration.table.cache_clear()
        for path in [table, *page.write(_ROOT)]:
            console.print(str(path.relative_to(_ROOT)))
        return 0
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
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench truth", description=__doc__)
    parser.add_argument(
        "--write", action="store_true", help="make calibration.tsv, docs/truth.md and its pictures"
    )
    parser.add_argument("--onnx", type=Path, metavar="FILE", help="a network to try, .onnx or .onnx.gz")
    parser.add_argument("--model", help="its name in AI Hub, as mobilenet_v2: what it is set against")
    parser.add_argument("--component", default="", help="which part of a model that has several")
    parser.add_argument(
        "--soc", action="append", help=f"default: {', '.join(_DEFAULT_SOCS)}; repeat it, or `all`"
    )
    given = parser.parse_args(argv)
    if bool(given.onnx) != bool(given.model):
        parser.error("--model and --onnx go together")
    if given.model and given.model not in measured_models():
        parser.error(f"nothing was measured of {given.model!r}; names are as in qhas/truth/measured.tsv")
    return given


def _try(given: argparse.Namespace, console: Console) -> int:
    chosen = _devices(given.soc or _DEFAULT_SOCS)
    with tempfile.TemporaryDirectory(prefix="qhas-truth-") as scratch:
        folder = Path(scratch)
        dlc, traits = trial.converted(given.onnx, folder)
        rows = [
            _row(trial.tried(given.model, given.component, dlc, traits, device, folder)) for device in chosen
        ]
    titles = (
        "device", "SoC", "simulated ms", "when the table was made", "measured ms", "measured / simulated", "expected",
    )  # fmt: skip
    _show(console, f"{given.model}: {_described(traits)}", tables.Table(titles, rows))
    return 0


def _devices(socs: Sequence[str]) -> list[Device]:
    known = [device for device in devices() if not device.refused]
    if "all" in socs:
        return known
    chosen = [device for device in known if {*socs} & {*device.socs}]
    if unknown := {*socs} - {soc for device in chosen for soc in device.socs}:
        names = ", ".join(device.socs[0] for device in known)
        raise BenchFailed(f"no device was measured for {', '.join(sorted(unknown))}; there are {names}.")
    return chosen


def _row(made: trial.Trial) -> tuple[str, ...]:
    then, expected = made.simulated_then_ms, made.expected
    inside = (
        isinstance(expected, calibration.Expectation)
        and made.measured_ms is not None
        and expected.low_ms <= made.measured_ms <= expected.high_ms
    )
    return (
        made.device.title,
        made.soc,
        f"{made.simulated_ms:.4g}",
        f"{then:.4g} ({made.simulated_ms / then - 1:+.1%})" if then else "–",
        f"{made.measured_ms:.4g}" if made.measured_ms else "–",
        f"{made.measured_ms / made.simulated_ms:.2f}" if made.measured_ms else "–",
        expected.sentence
        if not made.measured_ms
        else f"{expected.sentence}: {'held' if inside else 'not held'}",
    )


def _described(traits: Traits) -> str:
    precision: Precision | str = traits.precision or "mixed format"
    kind: NetworkClass = traits.kind
    return f"{precision}, {kind}"


def _show(console: Console, title: str, table: tables.Table) -> None:
    shown = Shown(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for at, name in enumerate(table.titles):
        shown.add_column(name, justify="left" if at == 0 else "right", overflow="fold")
    for row in table.rows:
        shown.add_row(*map(Text, row))
    console.print(shown)
    console.print()
