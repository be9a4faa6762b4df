"""The example notebook runs unchanged, cell by cell, on a store like the one that `make demo` leaves."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from qhas.store import Store
from tests.qhas.archive.stored import put_nights

NOTEBOOK = Path(__file__).parents[1] / "examples" / "notebook.ipynb"


def cells(kind: str) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == kind]


def run_cell(source: str, names: dict[str, object]) -> object:
    """Return what a notebook would show below the cell: the value of its last expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "notebook", "exec"), names)
    return eval(compile(ast.Expression(last.value), "notebook", "eval"), names) if last else None  # type: ignore[attr-defined]


def test_every_cell_runs_and_shows_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put_nights(Store(str(tmp_path / "qhas-demo" / "store")))
    names: dict[str, object] = {}
    shown = [run_cell("".join(cell["source"]), names) for cell in cells("code")]
    rich = [thing._repr_html_() for thing in shown if hasattr(thing, "_repr_html_")]
    assert len(rich) == 4
    assert any("nightly-2" in text for text in rich)


def test_it_is_stored_without_results_and_is_a_notebook() -> None:
    document = json.loads(NOTEBOOK.read_text())
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells("code"))
    assert len({cell["id"] for cell in document["cells"]}) == len(document["cells"])
