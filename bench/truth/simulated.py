"""Read the shipped table of simulated figures and add rows to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from bench.truth.matrix import Cell, Failed, Result
from bench.truth.tables import Table
from qhas.truth.tables import rows

_NAME = "simulated.tsv"
FAILED = Path(__file__).with_name("not_simulated.tsv")
"""Networks that have no figure, each with a reason."""
_FIRST = ("model", "precision", "form", "wheel", "soc_model", "options")


@cache
def _rows() -> dict[tuple[str, ...], dict[str, str]]:
    return {tuple(row[name] for name in _FIRST): row for row in rows(_NAME)}


def _key(cell: Cell) -> tuple[str, ...]:
    return (
        cell.network, cell.precision.value, "-", cell.wheel, str(cell.soc_model), cell.device.options or "-",
    )  # fmt: skip


def row_of(cell: Cell) -> float | None:
    """Return the microseconds in the cell's row, or None if it has none."""
    row = _rows().get(_key(cell))
    return float(row["simulated_us"]) if row else None


def compared(made: Mapping[Cell, Result]) -> Table:
    """Compare the new figures with the table, the largest difference first."""
    both = [
        (result.simulated_us / then - 1, cell, result.simulated_us, then)
        for cell, result in made.items()
        if not isinstance(result, Failed) and (then := row_of(cell))
    ]
    both.sort(key=lambda row: -abs(row[0]))
    return Table(
        ("network", "format", "SoC", "table, µs", "here, µs", "difference"),
        [
            (cell.network, cell.precision.value, cell.soc, f"{then:,.1f}", f"{now:,.1f}", f"{apart:+.2%}")
            for apart, cell, now, then in both
        ],
    )


def add(path: Path, made: Mapping[Cell, Result]) -> int:
    """Add the figures that the table has no row for; return how many."""
    new = {
        _key(cell): result
        for cell, result in made.items()
        if not isinstance(result, Failed) and _key(cell) not in _rows()
    }
    header, *lines = path.read_text("utf-8").splitlines()
    lines += [
        "\t".join(
            [
                *key,
                f"{made.simulated_us:.1f}",
                *(f"{value:.1f}" if value else "-" for value in (made.low_us, made.high_us)),
                "-" if made.ops_without_cost is None else str(made.ops_without_cost),
            ]
        )
        for key, made in new.items()
    ]
    path.write_text("\n".join([header, *sorted(lines)]) + "\n", encoding="utf-8")
    return len(new)


def note_failures(made: Mapping[Cell, Result], path: Path = FAILED) -> None:
    """Record why networks have no figure, and remove those that now have one."""
    known = dict(_failures(path))
    for cell, result in made.items():
        key = (cell.network, cell.precision.value)
        known.pop(key, None)
        if isinstance(result, Failed):
            known[key] = result.sentence.replace("\t", " ")
    lines = ["\t".join([*key, why]) for key, why in sorted(known.items())]
    path.write_text("\n".join(["model\tprecision\twhy", *lines]) + "\n", encoding="utf-8")


def _failures(path: Path) -> Iterator[tuple[tuple[str, str], str]]:
    for line in path.read_text("utf-8").splitlines()[1:]:
        model, precision, why = line.split("\t")
        yield (model, precision), why


def failures() -> Table:
    """Return the networks that have no figure, with the reasons, as a table."""
    rows_of = [(model, precision, why) for (model, precision), why in _failures(FAILED)]
    return Table(("network", "format", "why"), rows_of)
