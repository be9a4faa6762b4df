"""A run as the Prefect UI shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from qhas.failures import FailureKind
from qhas.links import LinkMaker
from qhas.record import Origin
from qhas.site import Links, Site
from qhas.spec import Cell
from qhas.store import Store
from qhas.summary import OpShare
from tasks.artifacts import LINKED_CELLS, artifact_key, as_text, cell_table, failure_page, links_of
from tests.qhas.samples import metrics, model, record, run_record

SERVED = Site(links=Links(base="https://lab"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


@pytest.mark.parametrize("name", ["nightly-vision-simulator", "Sweep.v2_device", "..x"])
def test_keys_are_what_prefect_takes(name: str) -> None:
    assert set(artifact_key(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_a_row_opens_its_trace(store: Store) -> None:
    (row,) = cell_table(Origin.SIMULATOR, [record()], store, LinkMaker(SERVED, store))
    assert "[trace](https://lab/runs/nightly-1/net/sm8750/default/chrometrace.json.gz)" in row["open"]
    assert "[Perfetto](https://ui.perfetto.dev/#!/?url=https%3A%2F%2Flab%2Fruns" in row["open"]


def test_a_row_that_no_browser_can_open_says_where_the_trace_lies(store: Store) -> None:
    (row,) = cell_table(Origin.SIMULATOR, [record()], store, LinkMaker(Site(), store))
    assert row["open"] == f"`{store.root}/runs/nightly-1/net/sm8750/default/chrometrace.json.gz`"


def test_a_large_table_is_linked_for_its_first_rows_only(store: Store) -> None:
    many = [record(Cell(model=model(f"n{i}"), soc="sm8750")) for i in range(LINKED_CELLS + 1)]
    rows = cell_table(Origin.SIMULATOR, many, store, LinkMaker(SERVED, store))
    assert "https://" in rows[LINKED_CELLS - 1]["open"]
    assert "https://" not in rows[LINKED_CELLS]["open"]


def test_names_of_ops_are_no_markup(store: Store) -> None:
    op = OpShare(op="[x](https://evil)*", cycles=1, dominant_cycles=1, dominant_percent=50)
    one = record(metrics=metrics(top_ops=[op]))
    (row,) = cell_table(Origin.SIMULATOR, [one], store, LinkMaker(Site(), store))
    assert r"\[x\](https://evil)\* 50%" in row.values()


def test_a_pruned_trace_has_no_link(store: Store) -> None:
    one = record()
    gone = [artifact.model_copy(update={"pruned_at": one.finished_at}) for artifact in one.artifacts]
    assert links_of(record(artifacts=gone), LinkMaker(SERVED, store)) == {}


def test_a_good_run_has_no_page_of_failures(store: Store) -> None:
    assert failure_page(run_record(), [record()], store) is None


def test_a_failed_cell_is_told_with_its_next_step_and_its_evidence(store: Store) -> None:
    bad = record(failure=FailureKind.LOG_MISSING)
    assert bad.failure is not None
    bad = bad.model_copy(update={"failure": bad.failure.model_copy(update={"evidence": "# one\ntwo"})})
    page = failure_page(run_record(cells=2, failed=1), [bad], store)
    assert page is not None
    assert "# 1 of 2 cells failed" in page
    assert f"**Next step:** {as_text(bad.failure.hint)}" in page
    assert "    # one\n    two" in page
