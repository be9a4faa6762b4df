"""The store's keys are promises to other tools: they stay the same byte for byte, and are spelled in one place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from fakes.records import record
from qhas.failures import InvalidInput
from qhas.runs import keys
from qhas.store import Artifact
from tests.source import modules, on_the_source, tree

ROOT = Path(__file__).parents[3]
RECORD = record(run_id="nightly-1")
CELL = RECORD.cell
TRACE = Artifact(name="chrometrace", path="chrometrace.json.gz", sha256="0" * 64, size=1)
_SPELLED = re.compile(r"(runs|prepared|reports|history|sweeps)/")
_PREFIXES = {"runs", "prepared", "reports", "history", "sweeps"}
_LISTING = {"children", "objects", "delete"}


@pytest.mark.parametrize(
    ("key", "as_stored"),
    [
        (keys.run("nightly-1"), "runs/nightly-1"),
        (keys.sweep_record("nightly-1"), "runs/nightly-1/sweep.json"),
        (keys.claim("nightly-1"), "runs/nightly-1/claim.json"),
        (keys.pin("nightly-1"), "runs/nightly-1/pinned"),
        (keys.verdicts("nightly-1"), "runs/nightly-1/verdicts.json"),
        (keys.reruns("nightly-1"), "runs/nightly-1/reruns.json"),
        (keys.reruns("nightly-1", "lab2"), "runs/nightly-1/reruns-lab2.json"),
        (keys.cell("nightly-1", CELL), f"runs/nightly-1/{CELL.key}"),
        (keys.manifest(keys.cell("nightly-1", CELL)), f"runs/nightly-1/{CELL.key}/manifest.json"),
        (keys.file(RECORD, TRACE), f"runs/nightly-1/{CELL.key}/chrometrace.json.gz"),
        (keys.prepared("abc"), "prepared/abc"),
        (keys.report("nightly-1"), "reports/nightly-1/index.html"),
        (keys.report("nightly-1", "cells/a/index.html"), "reports/nightly-1/cells/a/index.html"),
        (keys.report_asset("report.js"), "reports/assets/report.js"),
        (keys.report_entry("nightly-1", "abc"), "reports/index/nightly-1/abc.json"),
        (keys.KNOWN_ENTRIES, "reports/index.json"),
        (keys.REPORT_INDEX, "reports/index.html"),
        (keys.durations("nightly"), "sweeps/nightly/durations.json"),
        (
            keys.history_of_run(keys.HISTORY, date(2026, 3, 1), "nightly-1"),
            "history/date=2026-03-01/nightly-1.parquet",
        ),
        (keys.history_month(keys.HISTORY_OPS, "2026-03"), "history/ops/month=2026-03"),
    ],
)
def test_keys_are_what_they_were(key: str, as_stored: str) -> None:
    assert key == as_stored


def test_an_id_that_could_lead_elsewhere_is_no_run() -> None:
    with pytest.raises(InvalidInput, match="run id"):
        keys.run("../prepared")


def test_a_key_below_a_cell_is_taken_apart_into_what_it_was_made_of() -> None:
    place = keys.parse(keys.file(RECORD, TRACE))
    assert place == keys.CellKey("nightly-1", CELL.key, TRACE.path)
    assert place.prefix == keys.cell("nightly-1", CELL)
    assert keys.soc_of(place.cell) == CELL.soc


@pytest.mark.parametrize(
    "key", ["runs/a/sweep.json", "runs/a/net/sm8750/default", "prepared/a/b/c/d/e/f", "reports/a/b/c/d/e"]
)
def test_what_lies_below_no_cell_is_none(key: str) -> None:
    assert keys.parse(key) is None


def spelled(path: Path) -> Iterator[str]:
    """The lines that spell a prefix of the store."""
    docstrings = {id(node.value) for node in ast.walk(tree(path)) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            if _SPELLED.match(node.value):
                yield f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            first = node.args[0]
            if node.func.attr in _LISTING and isinstance(first, ast.Constant) and first.value in _PREFIXES:
                yield f"{path.relative_to(ROOT)}:{node.lineno}: {first.value}"


@on_the_source
def test_no_other_module_spells_a_key() -> None:
    product = [path for package in ("qhas", "tasks", "flows") for path in modules(package)]
    assert [line for path in product if path.name != "keys.py" for line in spelled(path)] == []


@pytest.mark.parametrize(
    "line", ["key = f'runs/{run_id}/sweep.json'", "key = 'reports/index.html'", "store.children('runs')"]
)
def test_a_spelled_key_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setattr("tests.qhas.runs.test_keys.ROOT", tmp_path)
    (tmp_path / "module.py").write_text(line)
    assert len(list(spelled(tmp_path / "module.py"))) == 1


@pytest.mark.parametrize(
    "name", ["con", "a b", "a..b", "\u00e9", "x\x1b[31m", "n\nl", "-x", "\u202ex", "a" * 101]
)
def test_a_file_that_somebody_left_under_no_name_of_ours_is_none_of_the_history(name: str) -> None:
    assert keys.parse_history(keys.HISTORY, f"history/date=2026-03-01/{name}.parquet") is None
    assert keys.parse_history(keys.HISTORY, f"history/month=2026-03/{name}.parquet") is None
    assert keys.are_reruns(f"reruns-{name}.json") is (name in ("con", "-x"))  # no device name after a word
