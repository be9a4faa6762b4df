"""A store opened for reading answers everything a notebook needs and is never written to."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

import qhas
from qhas.archive import Archive
from qhas.store import Store
from tests.qhas.archive.stored import FAST, TRACE, put_nights
from tests.qhas.diff.stored import store_run
from tests.qhas.diff.summaries import Made
from tests.qhas.report.page import HOSTILE, Page


@pytest.fixture
def lab(tmp_path: Path) -> Archive:
    put_nights(Store(str(tmp_path / "store")))
    return qhas.open(tmp_path / "store")


def everything(lab: Archive) -> Iterator[object]:
    """Yield the results of every kind of query."""
    run = lab.run()
    yield from (lab, lab.runs(), lab.cells("net", soc="sm8750"), lab.ops(), lab.history("net", "sm8750"))
    yield from (run, run.figures(), run.ops(), run.verdicts(), run.cells)
    yield from (run.cells[0], run.cells[0].figures, run.cells[0].ops(), run.cells[0].trace())
    yield from (lab.query("select * from runs"), lab.compare("nightly-1", "latest").contributions())


def files_below(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_nothing_of_it_writes_to_the_store(lab: Archive, tmp_path: Path) -> None:
    before = files_below(tmp_path)
    assert all(thing is not None for thing in everything(lab))
    assert files_below(tmp_path) == before


def test_runs_and_figures_are_tables_with_a_row_each(lab: Archive) -> None:
    assert lab.runs().column("run_id").to_pylist() == ["nightly-2", "nightly-1"]
    figures = lab.run("nightly-1").figures()
    assert figures.column("network").to_pylist() == ["net", "other"]
    assert figures.column("dram_read").to_pylist()[0] == lab.cell("nightly-1/net/sm8750").figures["dram_read"]


def test_ops_have_their_time_shape_and_cell(lab: Archive) -> None:
    rows = lab.run("latest").ops().to_pylist()
    assert [(row["network"], row["op"]) for row in rows] == [
        ("net", "conv"),
        ("net", "add"),
        ("other", "conv"),
        ("other", "add"),
    ]
    add = rows[1]
    assert add["shape"] == "1 x 1 x 512"
    assert add["dominant_cycles"] == 400_000
    assert add["us"] == pytest.approx(400_000 / 1400, rel=0.01)
    assert lab.cell("latest/net/sm8750").ops().to_pylist() == rows[:2]


def test_a_cell_without_a_summary_has_a_table_of_ops_without_rows(tmp_path: Path) -> None:
    store_run(Store(str(tmp_path / "store")), "one", {"net": FAST}, changes={"net": {"failure": "log_empty"}})
    assert qhas.open(tmp_path / "store").run("one").cells[0].ops().num_rows == 0


def test_a_trace_is_the_stored_file_itself_or_a_checked_copy(tmp_path: Path) -> None:
    remote, local = Store("memory://notebook-traces/lab"), Store(str(tmp_path / "store"))
    for store in (remote, local):
        put_nights(store)
    there = qhas.open(tmp_path / "store").cell("nightly-1/net/sm8750").trace()
    assert there.is_relative_to(tmp_path / "store")
    opened = qhas.open("memory://notebook-traces/lab", tmp_path / "copies")
    copied = opened.cell("nightly-1/net/sm8750").trace()
    assert copied.is_relative_to(tmp_path / "copies")
    assert there.read_bytes() == copied.read_bytes() == TRACE


def test_copies_go_with_the_archive_that_made_them() -> None:
    put_nights(Store("memory://notebook-gone/lab"))
    opened = qhas.open("memory://notebook-gone/lab")
    copied = opened.cell("latest/net/sm8750").trace()
    assert copied.exists()
    del opened
    gc.collect()
    assert not copied.exists()


def test_a_history_has_the_figures_asked_for_oldest_first(lab: Archive) -> None:
    table = lab.history("net", "sm8750", "dram_read")
    assert table.column("run_id").to_pylist() == ["nightly-1", "nightly-2"]
    assert "dram_read" in table.column_names


def test_runs_and_cells_are_compared_as_the_command_does(lab: Archive) -> None:
    runs, cells = lab.compare("nightly-1", "latest"), lab.compare("nightly-1/net/sm8750", "latest/net/sm8750")
    assert runs.cells().column("verdict").to_pylist() == ["worse", "same"]
    assert runs.cells().to_pylist()[0]["sentence"] == cells.sentence
    assert cells.contributions().to_pylist()[0]["us"] > 0


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda lab: lab.run("nightli-1"), "nightly-1"),
        (lambda lab: lab.run("nightly"), "2 runs begin with nightly"),
        (lambda lab: lab.cell("latest/net/sm8650"), "net/sm8750/default"),
        (lambda lab: lab.cell("latest/other/sm8750").trace(), "no chrometrace; it has qhas"),
        (lambda lab: lab.history("net", "sm8750", "median"), "median_us"),
        (lambda lab: lab.compare("nightly-1", "latest/net/sm8750"), "a run and a cell"),
        (lambda lab: lab.query("drop view cells"), "is DROP"),
    ],
)
def test_what_is_not_there_is_refused_in_one_sentence(lab: Archive, ask: object, says: str) -> None:
    with pytest.raises(qhas.InvalidInput) as refused:
        ask(lab)  # type: ignore[operator]
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(qhas.InvalidInput, match="There is no store at"):
        qhas.open(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_without_a_place_it_is_the_store_of_the_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_nights(Store(str(tmp_path / "store")))
    (tmp_path / "site.yaml").write_text("store: store\n")
    monkeypatch.setenv("QHAS_SITE", str(tmp_path / "site.yaml"))
    assert qhas.open().run().run_id == "nightly-2"


def test_a_notebook_shows_runs_cells_and_comparisons_as_tables(lab: Archive) -> None:
    def shown(thing: object) -> str:
        return Page(thing._repr_html_()).text  # type: ignore[attr-defined]

    assert "2 runs" in shown(lab)
    assert "Measured on devices" in shown(lab.run()) or "Simulated" in shown(lab.run())
    assert "DRAM read" in shown(lab.cell("latest/net/sm8750"))
    assert "worse" in shown(lab.compare("nightly-1", "nightly-2"))
    assert "nightly-2" in repr(lab.run())


@pytest.mark.parametrize("text", HOSTILE)
def test_names_of_ops_and_devices_are_text_in_a_notebook(tmp_path: Path, text: str) -> None:
    store = Store(str(tmp_path / "store"))
    slow = [Made(text, type=text), Made(f"{text}-2", type=text, dominant=700_000)]
    store_run(store, "one", {"net": [Made(text, type=text)]})
    store_run(
        store,
        "two",
        {"net": slow},
        day=1,
        changes={"net": {"remarks": [text]}},
    )
    lab = qhas.open(tmp_path / "store")
    things = (lab, lab.run("two"), lab.run("two").cells[0], lab.compare("one", "two"))
    pages = [
        Page(thing._repr_html_()) for thing in (*things, lab.compare("one/net/sm8750", "two/net/sm8750"))
    ]
    assert {tag for page in pages for tag in page.tags} <= {
        *("p", "b", "table", "thead", "tbody", "tr", "th", "td")
    }
