"""`qhas history`: a figure of a cell over the nights."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import StrEnum
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qhas.cli.frame import Exit, command, print_json
from qhas.cli.options import JsonOption, SiteOption, require_folders, store_of
from qhas.cli.screen import console, errors
from qhas.failures import InvalidInput
from qhas.profile.figures import BY_COLUMN, LATENCY, TIME, Figure
from qhas.runs.record import Origin
from qhas.store import Store
from qhas.units import counted, words

if TYPE_CHECKING:
    from qhas.history.damage import DamagedFile
    from qhas.history.series import Line

    Metric = str
else:
    Metric = StrEnum("Metric", {column: column for column in BY_COLUMN})

_PLOT = (110, 18)
"""Maximum number of columns, and number of lines."""
_DRAWN = 3
"""Minimum number of runs worth plotting."""
_MARKS = "•×+o*#"
_LISTED = 8
"""Number of runs listed below a plot."""
_DAY = "%Y-%m-%d"


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, _DAY)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date; write it as in 2026-03-01") from None


@command
def history(
    model: Annotated[str | None, typer.Argument(help="Name of the model, as in the sweep.")] = None,
    soc: Annotated[str | None, typer.Argument(help="SoC, e.g. sm8750.")] = None,
    metric: Annotated[
        Metric | None,
        typer.Option(help="Figure to show; by default the latency, or the estimated time if there is none."),
    ] = None,
    variant: Annotated[str | None, typer.Option(help="Only this variant.")] = None,
    sweep: Annotated[str | None, typer.Option(help="Only runs of the sweep of this name.")] = None,
    since: Annotated[
        datetime | None, typer.Option(parser=_day, metavar="DAY", help="First night, e.g. 2026-03-01.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write this CSV file instead of plotting.")] = None,
    compact: Annotated[
        bool, typer.Option("--compact", help="Only merge the files of each past month into one.")
    ] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Plot a figure of a network on a SoC over the nights, with the latest verdicts."""
    require_folders(csv)
    store = store_of(site)
    if compact:
        return _compact(store)
    if model is None or soc is None:
        raise InvalidInput("Name a model and a SoC, as in `qhas history inception_v2 sm8750`.")
    from qhas.history import Where  # Arrow takes half a second to import; other commands do not need it
    from qhas.history.series import lines, write_csv

    where = Where([model], soc, variant, sweep, since=since.date() if since else None)
    chosen = BY_COLUMN[metric] if metric else LATENCY
    series = lines(store, where, chosen.column, report_damage)
    if not series and metric is None:
        chosen = TIME
        series = [line for line in lines(store, where, chosen.column) if line.origin is Origin.SIMULATOR]
    if not series:
        wanted = metric or "latency or estimated time"
        near = _near(store, model, soc)
        raise InvalidInput(
            f"The history in {store.root} has no {wanted} of {model} on {soc} with these options{near}."
        )
    if csv:
        if len(series) > 1:
            choices = "; ".join(f"--variant {line.variant} --sweep {line.sweep}" for line in series)
            raise InvalidInput(f"A CSV holds one series, but there are {len(series)}; choose one: {choices}.")
        write_csv(series[0], chosen.column, csv)
        console.print(f"{counted(len(series[0].nights), 'run')} in {csv}.", markup=False, highlight=False)
    elif as_json:
        print_json({"metric": chosen.column, "lines": [_document(line) for line in series]})
    else:
        for line in series:
            _show(store, model, soc, line, chosen)
    return Exit.GOOD


def _near(store: Store, model: str, soc: str) -> str:
    """Suggest similar networks and SoCs that are in the history."""
    from qhas.history import Where, read_history

    rows = read_history(store, Where(), ["network", "soc"]).to_pylist()
    known = {f"{row['network']} {row['soc']}" for row in rows} - {f"{model} {soc}"}
    near = get_close_matches(f"{model} {soc}", sorted(known))
    return f"; near it: {', '.join(near)}" if near else ""


def report_damage(damage: DamagedFile) -> None:
    """Report on standard error which file of the history is left out."""
    errors.print(f"qhas: {damage}; its rows are left out.", style="yellow", soft_wrap=True)


def _compact(store: Store) -> Exit:
    from qhas.history import compact

    done = compact(store, datetime.now(UTC))
    console.print(
        f"{counted(len(done.months), 'month')} rewritten, {counted(done.removed, 'file')} removed.",
        highlight=False,
    )
    return Exit.GOOD


def _document(line: Line) -> dict[str, Any]:
    nights = [
        {**asdict(night), "date": night.date.isoformat(), "finished_at": night.finished_at.isoformat()}
        for night in line.nights
    ]
    return {"origin": line.origin, "variant": line.variant, "sweep": line.sweep, "nights": nights}


def _show(store: Store, model: str, soc: str, line: Line, figure: Figure) -> None:
    from qhas.runs.rows import ORIGIN_TITLE

    variant = "" if line.variant == "default" else f" ({line.variant})"
    title = f"{model} on {soc}{variant}, sweep {line.sweep}: {figure.words_of(line.origin)}. {ORIGIN_TITLE[line.origin]}"
    console.print(title, style="bold", markup=False, highlight=False)
    if len(line.nights) >= _DRAWN:
        console.file.write(f"{_plot(line, figure.column)}\n")
    for day, description in line.segments():
        console.print(f"{day.isoformat()}  {description}", style="dim", markup=False, highlight=False)
    for night in line.nights[-_LISTED:]:
        circumstances = "  ".join(filter(None, (night.device, f"SDK {night.sdk_version}", night.run_id)))
        console.print(
            f"{night.date.isoformat()}  {figure.text(night.value):>12}  {circumstances}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    _show_verdict(store, f"{model}/{soc}/{line.variant}", line, figure)


def _show_verdict(store: Store, cell: str, line: Line, figure: Figure) -> None:
    from qhas.verdict.stored import read_verdicts

    last = line.nights[-1]
    for judgement in read_verdicts(store, last.run_id):
        if (judgement.cell, judgement.metric, judgement.origin) == (cell, figure, line.origin):
            console.print(
                f"{words(judgement.verdict)}: {judgement.sentence}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )


def _plot(line: Line, column: str) -> str:
    """Plot in plain characters, so that a terminal and a file get the same; each device has its own mark."""
    import plotext

    figure = plotext.figure
    figure.clear()
    figure.theme("colorless")
    figure.plot_size(min(_PLOT[0], console.width), _PLOT[1])
    figure.date("x").activate(form=_DAY)
    devices = sorted({night.device or "" for night in line.nights})
    for device, mark in zip(devices, cycle(_MARKS), strict=False):
        nights = [night for night in line.nights if (night.device or "") == device]
        days = [night.date.strftime(_DAY) for night in nights]
        signal = figure.signal(days, [night.value for night in nights], marker=mark)
        if len(devices) > 1:
            signal.label(device)
        figure.draw(signal)
    for day, _ in line.segments():
        figure.line(day.strftime(_DAY), "vertical", style="dotted")
    figure.label(column, "y")
    return str(plotext.uncolorize(str(figure.build())))
