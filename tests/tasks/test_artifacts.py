"""A run as the Prefect UI shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.records import metrics, model, record, run_record
from qhas.failures import FailureKind
from qhas.profile.metrics import OpShare
from qhas.runs.links import LinkMaker
from qhas.runs.record import CellRecord, Origin
from qhas.site import Links, Site
from qhas.store import Store
from qhas.sweep.spec import Cell
from tasks.artifacts import (
    LINKED_CELLS,
    artifact_key,
    cell_table,
    failure_page,
    links_of,
    trace_page,
)

SERVED = Site(links=Links(base="https://lab"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


@pytest.mark.parametrize("name", ["nightly-vision-simulator", "Sweep.v2_device", "..x"])
def test_keys_are_what_prefect_takes(name: str) -> None:
    assert set(artifact_key(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_a_row_holds_the_figures_as_plain_text() -> None:
    op = OpShare(op="q::Softmax*", cycles=1, dominant_cycles=1, dominant_percent=50)
    (row,) = cell_table(Origin.SIMULATOR, [record(metrics=metrics(top_ops=[op]))])
    assert (row["network"], row["SoC"], row["status"], row["est. time"]) == (
        "net",
        "sm8750",
        "complete",
        "1,371 µs",
    )
    assert "q::Softmax* 50%" in row.values()


def page_of(*records: CellRecord, store: Store, site: Site = SERVED) -> str:
    """Return the page that links to these cells' traces."""
    page = trace_page(records, store, LinkMaker(site, store))
    assert page is not None
    return page


def test_a_trace_is_one_click_away(store: Store) -> None:
    page = page_of(record(), store=store)
    assert "[trace](https://lab/runs/nightly-1/net/sm8750/default/chrometrace.json.gz)" in page
    assert "[Perfetto](https://ui.perfetto.dev/#!/?url=https%3A%2F%2Flab%2Fruns" in page


def test_where_no_browser_can_open_a_trace_its_address_stands(store: Store) -> None:
    page = page_of(record(), store=store, site=Site())
    assert f"`{store.root}/runs/nightly-1/net/sm8750/default/chrometrace.json.gz`" in page


def test_of_many_cells_the_first_have_links(store: Store) -> None:
    many = [record(Cell(model=model(f"n{i}"), soc="sm8750")) for i in range(LINKED_CELLS + 2)]
    page = page_of(*many, store=store)
    assert page.count("[trace]") == LINKED_CELLS
    assert "And 2 more: see the report." in page


def test_names_are_no_markup_in_a_page(store: Store) -> None:
    cell = Cell(model=model(), soc="sm8750").model_copy(update={"variant": "[x](https://evil)|*"})
    assert r"\[x\](https://evil)\|\*" in page_of(record(cell), store=store)


def test_a_run_without_traces_has_no_page_of_them(store: Store) -> None:
    assert trace_page([record(artifacts=[])], store, LinkMaker(SERVED, store)) is None


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
    assert f"**Next step:** {bad.failure.hint}" in page
    assert "    # one\n    two" in page
