"""The pages of a report as text. Names of networks and ops are data: escaped in markup, and in the data of scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from qhas.devices.facts import Health
from qhas.diff.model import CellDiff
from qhas.outside_text import shown
from qhas.profile.figures import FIGURES, Figure
from qhas.profile.picture import Timeline, Work
from qhas.report import plots
from qhas.report.assets import assets
from qhas.report.families import ALL, Family, family_of
from qhas.report.findings import Findings
from qhas.report.gather import CellFiles
from qhas.report.history_plot import history_plots
from qhas.report.links import cell_page, files, first_links, link
from qhas.report.matrix import matrix
from qhas.report.standing import Tone, standing
from qhas.report.steps import step_rows, where_the_time_went
from qhas.report.summary import summary
from qhas.runs import keys
from qhas.runs.record import CellRecord, CellStatus, Origin, SweepRecord
from qhas.runs.rows import (
    ORIGIN_TITLE,
    Column,
    by_origin,
    columns,
    legend,
    row,
    site_table,
)
from qhas.runs.stored import planned_cells
from qhas.sweep.spec import Cell
from qhas.units import size, words

_WHO = {"network", "soc", "variant", "status", "device"}
"""Columns that a failed cell has, too; its message takes the place of the others."""
_ROWS = 600
"""Cells in the table of a page; the matrix has all of them, and so the page stays readable and below 1 MB."""
Neighbours = tuple[Cell | None, Cell | None]
"""The cells before and after one."""


def _as_shown(value: Any) -> Any:
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


_templates = Environment(
    loader=PackageLoader("qhas.report", "templates"),
    autoescape=True,
    finalize=_as_shown,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


# A filter's escapes are made of the text: it is the same whoever writes it, and pictures are long lists of numbers.
_templates.policies["json.dumps_function"] = lambda value, **_: shown(orjson.dumps(value).decode())


class PathShare(NamedTuple):
    """A piece of the bar that shows what a dominant path consists of, in percent."""

    op: str
    family: str
    begin: float
    width: float


class Tile(NamedTuple):
    """A figure of the head of a cell's page; `change` as in `+3.1 %`."""

    title: str
    text: str
    change: str = ""
    worse: bool = False


def run_page(run: SweepRecord, cells: Sequence[CellRecord], findings: Findings) -> str:
    """The page of a run, at `reports/<run_id>/index.html`."""
    return _render(
        "run.html",
        "..",
        run=run,
        cells=cells,
        summary=summary(run, cells, findings),
        baseline=findings.baseline,
        counts=_counts(cells, findings),
        groups=[_group(records, origin, findings) for origin, records in by_origin(list(cells))],
        not_run=_not_run(run, cells),
        sites=site_table(run.sites),
        sweep_json=f"../../{keys.sweep_record(run.run_id)}",
    )


def cell_page_text(
    run: SweepRecord,
    record: CellRecord,
    neighbours: Neighbours,
    findings: Findings,
    files_of: CellFiles,
) -> str:
    """The page of a cell, at `reports/<run_id>/cells/<model>/<soc>/<variant>/index.html`."""
    to_run, to_root = "../../../..", "../../../../../.."
    before, after = (f"{to_run}/{cell_page(cell)}" if cell else "" for cell in neighbours)
    diff, timeline = files_of.diff, files_of.timeline
    drawn = [
        plots.waterfall(diff) if diff else None,
        plots.samples(record.latency, record.origin) if record.latency and record.good else None,
        *history_plots(findings.histories.get(record.cell.key, ()), record.origin),
    ]
    return _render(
        "cell.html",
        f"{to_run}/..",
        run=run,
        record=record,
        to_run=to_run,
        before=before,
        after=after,
        standing=standing(record, findings, diff),
        verdicts=findings.verdicts.get(record.cell.key, ()),
        baseline=findings.baseline,
        diff=diff,
        tiles=_tiles(record, diff),
        statement=legend([record]),
        plots={plot.id: plot for plot in drawn if plot},
        ops=files_of.ops,
        path=_path(record),
        timeline=timeline.model_dump(mode="json") if timeline else None,
        families=_timeline_families(timeline) if timeline else [],
        trace=link(record, to_root, "chrometrace"),
        pruned=next((a.pruned_at for a in record.artifacts if a.name == "chrometrace" and a.pruned_at), None),
        outputs=first_links(record, to_root) if record.failure else [],
        files=files(record, to_root),
        steps=step_rows(record),
        time_went=where_the_time_went(record),
        health=_health(record),
    )


def index_page(entries: Sequence[Any], left_out: int) -> str:
    """The page over runs, at `reports/index.html`."""
    return _render("index.html", ".", entries=entries, left_out=left_out)


def _render(template: str, to_reports: str, **context: Any) -> str:
    return _templates.get_template(template).render(
        assets=assets(), to_assets=f"{to_reports}/assets", to_index=f"{to_reports}/index.html", **context
    )


def _counts(cells: Sequence[CellRecord], findings: Findings) -> list[tuple[str, Tone, int]]:
    """Words of the matrix with the number of their cells, the gravest first."""
    counted = Counter((found.tone, found.word) for found in (standing(cell, findings) for cell in cells))
    tones = list(Tone)
    return [
        (word, tone, count)
        for (tone, word), count in sorted(
            counted.items(), key=lambda item: (tones.index(item[0][0]), -item[1])
        )
    ]


def _not_run(run: SweepRecord, cells: Sequence[CellRecord]) -> list[str]:
    done = {record.cell.key for record in cells}
    return [cell.label for cell in planned_cells(run.spec) if cell.key not in done]


def _group(records: list[CellRecord], origin: Origin, findings: Findings) -> dict[str, object]:
    shown = columns(origin, records)
    rows = [_row(record, findings) for record in records]
    if len(rows) > _ROWS:
        rows = sorted(rows, key=lambda one: list(Tone).index(one["standing"].tone))[:_ROWS]
    plot = plots.time_by_network(records, origin)
    return {
        "id": origin.value,
        "title": ORIGIN_TITLE[origin],
        "legend": legend(records),
        "matrix": matrix(records, findings),
        "who": [column for column in shown if column.field in _WHO],
        "figures": [column for column in shown if column.field not in _WHO],
        "judged": bool(findings.verdicts or findings.diffs or any(record.budgets for record in records)),
        "rows": rows,
        "left_out": len(records) - len(rows),
        "plots": [plot] if plot else [],
        "families": _families(piece.op for one in rows for piece in one["path"]),
    }


def _row(record: CellRecord, findings: Findings) -> dict[str, Any]:
    return {
        "text": asdict(row(record)),
        "href": cell_page(record.cell),
        "standing": standing(record, findings),
        "path": _path(record),
        "links": first_links(record, "../.."),
    }


def style_of(column: Column, cells: dict[str, str]) -> str:
    """The class of a table's cell."""
    if column.field == "status":
        return "good" if cells["status"] == CellStatus.COMPLETE else "failed"
    return {"mark": "failed", "health": "note"}.get(column.field, "n" if column.numeric else "")


_templates.globals.update(family_of=family_of, size=size, style_of=style_of, words=words)


def _path(record: CellRecord) -> list[PathShare]:
    """What the dominant path consists of, as far as the record tells: the rest is no piece."""
    pieces, begin = [], 0.0
    for share in record.metrics.top_ops if record.metrics and record.good else ():
        if share.dominant_percent >= 0.5:
            pieces.append(
                PathShare(
                    share.op, family_of(share.op).name, round(begin, 1), round(share.dominant_percent, 1)
                )
            )
            begin += share.dominant_percent
    return pieces


def _families(ops: Iterable[str]) -> list[Family]:
    found = {family_of(op) for op in ops}
    return [family for family in ALL if family in found]


def _timeline_families(timeline: Timeline) -> list[str]:
    """The colour of every op type of the picture, by its place."""
    return [family_of(op.qnn).name if op.work is Work.OP else op.work.value for op in timeline.ops]


def _tiles(record: CellRecord, diff: CellDiff | None) -> list[Tile]:
    if not record.good:
        return []
    return [
        _tile(figure, value, record.origin, diff)
        for figure in FIGURES
        if figure.tile and (value := figure.read(record)) is not None
    ]


def _tile(figure: Figure, value: float, origin: Origin, diff: CellDiff | None) -> Tile:
    compared = diff.figure(figure.name) if diff else None
    percent = compared.percent if compared else None
    worse = bool(percent and percent > 0 and figure.less_is_better)
    return Tile(figure.title_of(origin), figure.text(value), f"{percent:+.1f} %" if percent else "", worse)


def _health(record: CellRecord) -> list[tuple[str, str, str]]:
    """Reading, before, after; readings that neither side has are left out."""
    if record.health is None:
        return []
    sides = [_readings(record.health.before), _readings(record.health.after)]
    names = dict.fromkeys([*sides[0], *sides[1]])
    return [(name, sides[0].get(name, ""), sides[1].get(name, "")) for name in names]


def _readings(health: Health | None) -> dict[str, str]:
    if health is None:
        return {}
    told = {
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
        name: f"{value:g}" if isinstance(value, float) else str(value)
        for name, value in told.items()
        if value is not None
    }


def with_neighbours(cells: Sequence[CellRecord]) -> list[tuple[CellRecord, Neighbours]]:
    """Every cell with those before and after it, for stepping through."""
    keyed = [None, *(record.cell for record in cells), None]
    return [(record, (keyed[at], keyed[at + 2])) for at, record in enumerate(cells)]
