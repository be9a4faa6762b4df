"""An upgrade as Markdown, and how it is stored. Names are data: they are escaped."""

from __future__ import annotations

from collections.abc import Iterator

from qhas.diff.model import Figure
from qhas.markdown import as_code, as_text
from qhas.profile.figures import BY_NAME, SHOW
from qhas.runs import keys
from qhas.store import Store
from qhas.units import signed_percent
from qhas.upgrade.model import CellUpgrade, Step, Upgrade, WayBack


def keep(store: Store, upgrade: Upgrade) -> str:
    """Store the result and its page; return the page's address. Raises StoreError."""
    store.write(keys.upgrade(upgrade.upgrade_id, "json"), upgrade.model_dump_json(indent=2).encode())
    store.write(keys.upgrade(upgrade.upgrade_id, "md"), page(upgrade).encode())
    return store.url(keys.upgrade(upgrade.upgrade_id, "md"))


def page(upgrade: Upgrade) -> str:
    """Return a table of every cell, then each cell that changed with its steps."""
    return "\n".join(_lines(upgrade)) + "\n"


def _lines(upgrade: Upgrade) -> Iterator[str]:
    yield f"# {upgrade.between} {as_text(upgrade.before)} → {as_text(upgrade.after)}\n"
    yield f"{as_text(upgrade.sentence)}\n"
    yield f"Changes above {upgrade.threshold_percent:g} % count. {upgrade.compiled} graphs were compiled this time; the others were in the store.\n"
    yield "| cell | before | after | change | first with | cause |\n|---|---:|---:|---:|---|---|"
    for cell in upgrade.cells:
        first = ", ".join(as_text(step.after) for step in cell.steps)
        why = "; ".join(as_text(step.why) for step in cell.steps)
        yield f"| {as_text(cell.cell)} | {values(cell.time)} | {signed_percent(cell.time.percent)} | {first} | {why} |"
    for cell in upgrade.cells:
        if cell.steps:
            yield from _of_cell(cell)
    yield from _every(upgrade)
    yield from _prepare(upgrade)
    if upgrade.failed:
        yield "\n## Not compared\n"
        yield from (f"- {as_text(cell.cell)}: {as_text(cell.why)}." for cell in upgrade.failed)
    yield f"\nRuns: {', '.join(map(as_code, upgrade.runs))}."


def _of_cell(cell: CellUpgrade) -> Iterator[str]:
    yield f"\n## {as_text(cell.cell)}: {signed_percent(cell.time.percent)}\n"
    for step in cell.steps:
        yield f"- **{as_text(step.before)} → {as_text(step.after)}**, {signed_percent(step.time.percent)}: {as_text(step.why)}."
        if not step.first:
            yield f"  Somewhere between: no single version crosses {as_text(step.before)} → {as_text(step.after)} alone."
        if step.way_back:
            yield f"  {as_text(way_back(step, step.way_back))}"


def _every(upgrade: Upgrade) -> Iterator[str]:
    """Yield the cycles of every cell with every SDK, in the order in which those were requested."""
    sdks = list(dict.fromkeys(sdk for row in upgrade.cycles.values() for sdk in row))
    if sdks:
        yield "\n## Cycles with every SDK\n"
        yield f"| cell | {' | '.join(map(as_text, sdks))} |\n|---|{'---:|' * len(sdks)}"
    for cell, row in sorted(upgrade.cycles.items()):
        counts = (f"{row[sdk]:,.0f}" if sdk in row else "" for sdk in sdks)
        yield f"| {as_text(cell)} | {' | '.join(counts)} |"


def _prepare(upgrade: Upgrade) -> Iterator[str]:
    figures = [(cell.cell, figure) for cell in upgrade.cells for figure in cell.prepare]
    if figures:
        yield "\n## Prepare\n"
        yield "Compile times were measured on the host and depend on its other load.\n"
        yield "| cell | | before | after | change |\n|---|---|---:|---:|---:|"
    for cell, figure in figures:
        title = BY_NAME[figure.name].title
        yield f"| {as_text(cell)} | {title} | {values(figure)} | {signed_percent(figure.percent)} |"


def way_back(step: Step, proof: WayBack) -> str:
    """Describe in a sentence what the old options did with the new SDK."""
    options = ", ".join(f"{name}: {str(value).lower()}" for name, value in proof.options.items())
    remainder = signed_percent(proof.time.percent)
    if proof.restores:
        return f"With {{{options}}} SDK {step.after} is back at the figure of {step.before} ({remainder}), run {proof.run_id}."
    return f"With {{{options}}} SDK {step.after} is still {remainder} off {step.before}, run {proof.run_id}."


def values(figure: Figure) -> str:
    """Return both values of a figure as two cells of a table."""
    show = SHOW[figure.unit]
    return " | ".join("" if value is None else show(value) for value in (figure.before, figure.after))
