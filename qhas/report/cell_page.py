"""The page of a cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qhas import units
from qhas.devices.facts import Health
from qhas.diff.model import CellDiff
from qhas.explain.model import Explanation
from qhas.explain.shown import FINDING_TITLES, MOST_OPS, OP_TITLES, finding_row, op_row
from qhas.explain.shown import circumstances as circumstances_of_bounds
from qhas.profile.figures import FIGURES, UTILIZATION, Figure
from qhas.profile.language_figures import LANGUAGE_FIGURES
from qhas.profile.picture import Timeline, Work
from qhas.report import plots
from qhas.report.circumstances import circumstances, unit_shares
from qhas.report.dominant_path import path_of
from qhas.report.families import family_of
from qhas.report.findings import Findings
from qhas.report.gather import CellFiles
from qhas.report.history_plot import history_plots
from qhas.report.inferences import costs, phases, runtrace_note
from qhas.report.language import whole_of
from qhas.report.links import cell_page, files, first_links, link
from qhas.report.rendering import render
from qhas.report.standing import standing
from qhas.report.steps import step_rows, where_the_time_went
from qhas.runs.expected import estimated_too, moved, own_interval, unseen
from qhas.runs.expected import sentence as expected_sentence
from qhas.runs.record import CellRecord, Origin, SweepRecord
from qhas.runs.rows import (
    legend,
)
from qhas.sweep.spec import Cell
from qhas.units import size

Neighbours = tuple[Cell | None, Cell | None]
"""The cells before and after a cell."""


class Tile(NamedTuple):
    """A figure at the head of a cell's page; `change` is as in `+3.1 %`, `style` is good, bad or empty."""

    title: str
    text: str
    change: str = ""
    style: str = ""


def cell_page_text(
    run: SweepRecord,
    record: CellRecord,
    neighbours: Neighbours,
    findings: Findings,
    files_of: CellFiles,
) -> str:
    """Render the page of a cell, or of one of its graphs.

    A cell's page is at `reports/<run_id>/cells/<model>/<soc>/<variant>/index.html`, a graph's below that.
    """
    to_run = "/".join([".."] * cell_page(record.cell).count("/"))
    to_root = f"{to_run}/../.."
    before, after = (f"{to_run}/{cell_page(cell)}" if cell else "" for cell in neighbours)
    diff, timeline = files_of.diff, files_of.timeline
    drawn = [
        plots.waterfall(diff) if diff else None,
        plots.samples(record.latency, record.origin) if record.latency and record.good else None,
        *history_plots(findings.histories.get(record.cell.key, ()), record.origin),
    ]
    shares = list(unit_shares(files_of.ops.resources)) if files_of.ops and record.good else []
    return render(
        "cell.html",
        f"{to_run}/..",
        run=run,
        record=record,
        to_run=to_run,
        before=before,
        after=after,
        standing=standing(record, findings, diff),
        verdicts=[
            verdict
            for verdict in findings.verdicts.get(record.cell.key, ())
            if verdict.verdict.says_something or verdict.upgrade
        ],
        baseline=findings.baseline,
        accepted=findings.accepted.get(record.cell.key),
        diff=diff,
        circumstances=circumstances(record),
        tiles=[*tiles_of(record, diff, shares), *(Tile(title, text) for title, text in shares)],
        statement=legend([record]),
        expected=expected_sentence(record),
        unseen=unseen(record),
        own_interval=own_interval(record),
        moved=moved(record),
        estimated_too=estimated_too(record),
        plots={plot.id: plot for plot in drawn if plot},
        whole=whole_of(record),
        ops=files_of.ops,
        costs=costs(record),
        phases=phases(record),
        runtrace_note=runtrace_note(record),
        strange=files_of.strange,
        path=path_of(record),
        bounds=_bounds(files_of.explanation),
        timeline=timeline.model_dump(mode="json") if timeline else None,
        network=files_of.network,
        families=_timeline_families(timeline) if timeline else [],
        trace=link(record, to_root, "chrometrace"),
        pruned=next((a.pruned_at for a in record.artifacts if a.name == "chrometrace" and a.pruned_at), None),
        outputs=first_links(record, to_root) if record.failure else [],
        files=files(record, to_root),
        steps=step_rows(record),
        time_went=where_the_time_went(record),
        health=_health(record),
    )


def _bounds(answer: Explanation | None) -> dict[str, object] | None:
    """Return what bounds the network, as rows and sentences."""
    if answer is None:
        return None
    return {
        "sentences": answer.sentences,
        "findings": [*map(finding_row, answer.findings)],
        "ops": [*map(op_row, answer.ops[:MOST_OPS])],
        "finding_titles": FINDING_TITLES,
        "op_titles": OP_TITLES,
        "note": circumstances_of_bounds(answer),
    }


def _timeline_families(timeline: Timeline) -> list[str]:
    """Return the colour of every op type of the picture, in the picture's order."""
    return [family_of(op.qnn).name if op.work is Work.OP else op.work.value for op in timeline.ops]


def tiles_of(record: CellRecord, diff: CellDiff | None, shares: Sequence[object] = ()) -> list[Tile]:
    """Return the figures of a cell that did not fail, each with its change if there is a comparison.

    The vendor's utilisation counts waiting as use: if the shares of the units are known, it adds nothing and is left
    out.
    """
    if not record.good:
        return []
    return [
        _tile(figure, value, record.origin, diff)
        for figure in sorted(FIGURES, key=lambda figure: figure not in LANGUAGE_FIGURES)
        if figure.tile
        and not (shares and figure is UTILIZATION)
        and record.origin in figure.origins
        and (value := figure.read(record)) is not None
    ]


def _tile(figure: Figure, value: float, origin: Origin, diff: CellDiff | None) -> Tile:
    compared = diff.figure(figure.name) if diff else None
    percent = compared.percent if compared else None
    title, text = figure.title_of(origin), figure.text(value)
    if not percent:
        return Tile(title, text)
    judged = figure.less_is_better is not None
    style = ("bad" if figure.less_is_better is (percent > 0) else "good") if judged else ""
    return Tile(title, text, units.signed(percent, units.percent), style)


def _health(record: CellRecord) -> list[tuple[str, str, str]]:
    """Return rows of reading, before and after; readings that neither side has are left out."""
    if record.health is None:
        return []
    sides = [_readings(record.health.before), _readings(record.health.after)]
    names = dict.fromkeys([*sides[0], *sides[1]])
    return [(name, sides[0].get(name, ""), sides[1].get(name, "")) for name in names]


def _readings(health: Health | None) -> dict[str, str]:
    if health is None:
        return {}
    readings = {
        "taken at": f"{health.taken_at:%H:%M:%S} UTC",
        "thermal status": health.thermal_status,
        "skin, °C": health.skin_celsius,
        "battery, %": health.battery_percent,
        "charging": None if health.charging is None else ("yes" if health.charging else "no"),
        "free space": None if health.free_bytes is None else size(health.free_bytes),
        "up since": None if health.uptime_seconds is None else f"{health.uptime_seconds / 3600:.1f} h",
        **{f"{sensor}, °C": value for sensor, value in sorted(health.celsius.items())},
    }
    return {
        name: units.number(f"{value:g}") if isinstance(value, float) else str(value)
        for name, value in readings.items()
        if value is not None
    }


def with_neighbours(cells: Sequence[CellRecord]) -> list[tuple[CellRecord, Neighbours]]:
    """Pair every cell with the cells before and after it, for stepping through the pages."""
    keyed = [None, *(record.cell for record in cells), None]
    return [(record, (keyed[at], keyed[at + 2])) for at, record in enumerate(cells)]
