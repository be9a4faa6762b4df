"""The page of a run: names are data, simulated and measured stay apart, nothing is loaded from the network."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fakes.records import health, latency, measured, metrics, model, record, run_record, spec
from qhas.failures import FACTS, FailureKind
from qhas.outside_text import shown
from qhas.profile.figures import DRAM_READ, LATENCY, Figure
from qhas.profile.metrics import OpShare
from qhas.report.findings import Findings
from qhas.report.publish import publish_report
from qhas.report.run_page import run_page
from qhas.runs.record import BudgetResult, BudgetState, CellRecord, Origin
from qhas.store import Artifact, Store
from qhas.sweep.spec import Cell
from qhas.verdict.model import CellVerdict, Verdict
from tests.qhas.report.compared import compared
from tests.qhas.report.page import HOSTILE, Page

PERFETTO = "https://ui.perfetto.dev"
TOP_OP = "top op, share of dominant path"


def with_op(op: str, **changes: object) -> CellRecord:
    share = OpShare(op=op, cycles=5, dominant_cycles=4, dominant_percent=61.4)
    return record(metrics=metrics(top_ops=[share]), **changes)  # type: ignore[arg-type]


def page_of(*cells: CellRecord, findings: Findings | None = None) -> Page:
    run = run_record(len(cells), sum(bool(cell.failure) for cell in cells))
    return Page(run_page(run, list(cells), findings or Findings()))


def cell_of(name: str = "net", soc: str = "sm8750", variant: str = "default") -> Cell:
    return Cell(model=model(name), soc=soc, variant=variant)


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_the_name_of_an_op_is_data(name: str) -> None:
    harmless, page = page_of(with_op("Conv2d")), page_of(with_op(name))
    assert page.tags == harmless.tags
    assert shown(name) in page.table(TOP_OP)[0][TOP_OP]
    assert not page.code


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_every_text_that_a_tool_can_choose_is_data(name: str) -> None:
    failed = record(failure=FailureKind.TOOL_FAILED)
    assert failed.failure is not None
    failed = failed.model_copy(update={"failure": failed.failure.model_copy(update={"message": name})})
    stated = record(metrics=metrics(statement=name))
    hostile = Cell.model_construct(**dict(cell_of()) | {"variant": name})
    odd = with_op("Conv2d").model_copy(update={"cell": hostile})
    other = record(cell_of(variant="other"), metrics=odd.metrics)
    harmless = page_of(record(failure=FailureKind.TOOL_FAILED), record(metrics=metrics(statement="x")), other)
    page = page_of(failed, stated, odd)
    assert page.tags == harmless.tags
    assert not page.code


def test_simulated_and_measured_figures_have_tables_matrices_and_plots_of_their_own() -> None:
    simulated = record(cell_of("simulated"), origin=Origin.SIMULATOR)
    page = page_of(simulated, record(cell_of("measured"), origin=Origin.DEVICE))
    networks = [[row[0] for row in table[1:]] for table in page.tables]
    assert networks == [["measured"], ["measured"], ["simulated"], ["simulated"]]
    assert set(page.data) == {"device-times", "simulator-times"}
    for origin, other in (("device", "simulated"), ("simulator", "measured")):
        assert f'"{other}"' not in json.dumps(page.data[f"{origin}-times"]["data"])


def test_the_column_of_simulated_times_says_so() -> None:
    simulated, measured_page = page_of(record()), page_of(record(origin=Origin.DEVICE))
    assert "est. time" in simulated.tables[1][0]
    assert "est. time" not in measured_page.tables[1][0]
    assert "QHAS time (first, cold, profiled)" in measured_page.tables[1][0]


def test_a_failed_cell_shows_its_reason_and_next_step_and_links_its_output() -> None:
    output = Artifact(name="output", path="prepare-1.txt", sha256="0" * 64, size=9)
    page = page_of(record(failure=FailureKind.SOC_REJECTED, artifacts=[output]))
    text = " ".join(page.tables[1][1])
    assert "soc_rejected" in text
    assert "what happened: soc_rejected." in text
    assert FACTS[FailureKind.SOC_REJECTED].hint in text
    assert "../../runs/nightly-1/net/sm8750/default/prepare-1.txt" in page.targets()


def test_the_log_of_the_device_is_linked_first_where_the_cell_failed() -> None:
    log = Artifact(name="device_log", path="device.log.gz", sha256="0" * 64, size=9)
    output = Artifact(name="output", path="net_run-1.txt", sha256="0" * 64, size=9)
    page = page_of(measured(failure=FailureKind.DSP_CRASHED, artifacts=[output, log]))
    linked = [str(attrs["href"]) for tag, attrs in page.elements if tag == "a" and "/runs/" in str(attrs)]
    assert [link.rpartition("/")[2] for link in linked[1:]] == ["device.log.gz", "net_run-1.txt"]


def test_the_page_needs_no_network_and_its_links_are_relative() -> None:
    page = page_of(record(), record(failure=FailureKind.DISK), with_op("x", origin=Origin.DEVICE))
    outside = {target for target in page.targets() if re.match(r"[a-z]+:|//|/", target)}
    assert {target for target in outside if not target.startswith("data:image/svg+xml")} == {PERFETTO}
    assert not set(page.tags) & {"iframe", "object", "base", "img"}


def test_scripts_come_from_beside_the_reports_only() -> None:
    page = page_of(record())
    policy = next(attrs["content"] for _, attrs in page.elements if "http-equiv" in attrs)
    assert "default-src 'none'; script-src 'self' file:;" in str(policy)
    assert not page.code
    assert all("on" not in {key[:2] for key in attrs} for _, attrs in page.elements)


def test_every_relative_link_of_a_published_report_leads_to_an_object(tmp_path: Path) -> None:
    store, cell = Store(str(tmp_path)), record()
    for key in ("sweep.json", "net/sm8750/default/manifest.json", "net/sm8750/default/chrometrace.json.gz"):
        store.write(f"runs/nightly-1/{key}", b"{}")
    address = Path(publish_report(store, run_record(), [cell]))
    pages = [address, address.parent.parent / "index.html", *address.parent.rglob("cells/**/*.html")]
    assert len(pages) == 3
    for page in pages:
        relative = [one for one in Page(page.read_text(encoding="utf-8")).targets() if ":" not in one]
        assert len(relative) >= 3
        missing = [target for target in relative if not (page.parent / target).is_file()]
        assert not missing, page


def test_what_reports_share_is_stored_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_report(store, run_record(), [])
    written: list[str] = []
    write = store.write
    monkeypatch.setattr(store, "write", lambda key, content: (written.append(key), write(key, content)))
    publish_report(store, run_record(run_id="nightly-2"), [])
    assert not [key for key in written if key.startswith("reports/assets/")]


def test_the_pages_of_cells_come_before_the_run_that_links_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    write = store.write
    monkeypatch.setattr(store, "write", lambda key, content: (written.append(key), write(key, content)))
    publish_report(store, run_record(), [record()])
    pages = [key for key in written if key.endswith(".html")]
    assert pages == [
        "reports/nightly-1/cells/net/sm8750/default/index.html",
        "reports/nightly-1/index.html",
        "reports/index.html",
    ]


def test_a_run_without_a_cell_is_still_a_page() -> None:
    text = run_page(run_record(1, 1), [], Findings())
    assert "0 of 1 cells good" in text
    assert "net on sm8750" in text, "it says which cell was not run"


def test_the_title_is_the_sweep_as_its_author_named_it() -> None:
    text = run_page(run_record(3, 1, spec=spec(name="nightly-vision")), [], Findings())
    assert "nightly-vision: 2 of 3 cells good" in text


def test_the_matrix_has_a_row_a_network_and_variant_and_a_column_a_soc() -> None:
    cells = [
        record(cell_of("a", "sm8650")),
        record(cell_of("a", "sm8750")),
        record(cell_of("b", "sm8750", "vtcm_mb-2")),
    ]
    head, *rows = page_of(*cells).tables[0]
    assert head == ["network", "sm8650", "sm8750"]
    assert [[text.strip() for text in row] for row in rows] == [
        ["a", "1,371 µs", "1,371 µs"],
        ["b vtcm_mb-2", "", "1,371 µs"],
    ]


def test_a_cell_of_the_matrix_leads_to_its_page() -> None:
    assert "cells/a/sm8650/default/index.html" in page_of(record(cell_of("a", "sm8650"))).targets()


def test_the_matrix_says_how_a_cell_stands_against_the_baseline_and_why() -> None:
    findings = Findings(baseline="nightly-0", diffs={record().cell.key: compared(1000, 1100)})
    page = page_of(record(), findings=findings)
    assert page.tables[0][1][1].split() == ["1,371", "µs", "+10.0", "%", "worse"]
    (cell,) = [attrs for tag, attrs in page.elements if tag == "a" and "title" in attrs]
    assert "six Conv2d gained a format change" in str(cell["title"])
    assert "Against nightly-0: 1 worse, 0 better, 0 same." in page.text
    assert "Worst is net/sm8750/default" in page.text


def verdict(kind: Verdict, metric: Figure = LATENCY) -> CellVerdict:
    named = {"cell": record().cell.key, "run_id": "nightly-1", "origin": Origin.DEVICE, "value": 1.0}
    return CellVerdict(**named, metric=metric, verdict=kind, sentence=f"It is {kind}.")


def test_the_gravest_verdict_is_the_one_that_is_shown() -> None:
    verdicts = [verdict(Verdict.STEADY), verdict(Verdict.NEW, DRAM_READ)]
    page = page_of(measured(), findings=Findings(verdicts={record().cell.key: verdicts}))
    assert page.tables[0][1][1].endswith("new: DRAM reads")
    assert [row["verdict"] for row in page.table("verdict")] == ["new: DRAM reads"]


def test_a_failure_is_graver_than_any_verdict() -> None:
    findings = Findings(verdicts={record().cell.key: [verdict(Verdict.NEW)]})
    page = page_of(record(failure=FailureKind.DISK), findings=findings)
    assert page.tables[0][1][1].split() == ["–", "disk"]


def test_a_cell_over_budget_says_by_how_much() -> None:
    result = BudgetResult(
        figure="time_us", state=BudgetState.OVER, value=9, at_most=5, sentence="9 µs, 5 allowed."
    )
    page = page_of(record(budgets=[result]))
    assert "over budget" in page.tables[0][1][1]
    assert "1 over budget: net on sm8750." in page.text
    assert any("9 µs, 5 allowed." in str(attrs.get("title")) for _, attrs in page.elements)


def test_the_summary_says_failures_first_and_then_what_the_verdicts_say() -> None:
    findings = Findings(morning="Two cells are slower.", diffs={record().cell.key: compared(1000, 1100)})
    text = page_of(record(failure=FailureKind.DISK), findings=findings).text
    assert text.index("1 failed: 1 disk.") < text.index("Two cells are slower.")
    assert "1 worse" not in text[: text.index("Simulated on a host")]


def test_of_very_many_cells_the_table_has_those_that_need_a_look() -> None:
    cells = [record(cell_of(f"net{number}")) for number in range(700)]
    cells += [record(cell_of("broken"), failure=FailureKind.DISK)]
    text = run_page(run_record(701, 1), cells, Findings())
    page = Page(text)
    assert len(text.encode()) < 1_000_000
    assert len(page.tables[0]) == 702
    assert page.table(TOP_OP)[0]["network"] == "broken"
    assert "101 more cells are only in the matrix" in page.text


def test_dots_have_a_line_per_network_and_a_series_per_soc_and_variant() -> None:
    cells = [
        record(cell_of(name, soc, variant))
        for name in ("a", "b")
        for soc, variant in (("sm8650", "default"), ("sm8750", "vtcm_mb-2"))
    ]
    dots = page_of(*cells).data["simulator-times"]["data"]
    assert [(dot["name"], dot["text"]) for dot in dots] == [
        ("sm8650", ["a", "b"]),
        ("sm8750 vtcm_mb-2", ["a", "b"]),
    ]


def test_dots_of_equal_time_stand_beside_each_other() -> None:
    cells = [record(cell_of("a", soc)) for soc in ("sm8550", "sm8650", "sm8750")]
    plot = page_of(*cells).data["simulator-times"]
    heights = [dot["y"][0] for dot in plot["data"]]
    assert len(set(heights)) == 3
    assert all(-0.5 < height < 0.5 for height in heights), "and on the line of their network"


def test_the_bar_of_a_dominant_path_has_a_piece_per_op_type_and_no_more_than_all() -> None:
    ops = [
        OpShare(op=f"Conv{n}", cycles=1, dominant_cycles=1, dominant_percent=share)
        for n, share in ((1, 61.4), (2, 30.0), (3, 0.1))
    ]
    page = page_of(record(metrics=metrics(top_ops=ops)))
    pieces = [(float(str(a["x"])), float(str(a["width"]))) for tag, a in page.elements if tag == "rect"]
    assert pieces == [(0, 61.4), (61.4, 30.0)]


def test_a_measured_cell_shows_latency_device_and_health() -> None:
    page = page_of(measured(latency=latency(100, 104, 110)))
    (shown,) = page.table("median")
    assert (shown["median"], shown["p90"], shown["spread"], shown["device"]) == (
        *("104 µs", "110 µs", "10%"),
        "oneplus13",
    )
    assert "skin 33.5 → 36 °C" in shown["before → after"]
    titles = page.tables[1][0]
    assert titles.index("median") < titles.index("QHAS time (first, cold, profiled)")


def test_a_poor_latency_is_marked() -> None:
    page = page_of(measured(health=health(after=3)))
    (shown,) = page.table("median")
    assert shown["mark"] == "poor"
    assert "thermal status 3 after the run: do not quote" in shown[TOP_OP]
    assert page.tables[0][1][1].split()[-1] == "poor"


def test_the_dots_of_measured_cells_are_their_latencies() -> None:
    plot = page_of(measured(latency=latency(100, 104, 110)), record(origin=Origin.DEVICE))
    (dots,) = plot.data["device-times"]["data"]
    assert dots["x"] == [104]
    assert (dots["error_x"]["array"], dots["error_x"]["arrayminus"]) == ([6], [4])
    assert "Median latency" in plot.text


def test_dots_without_latencies_say_that_they_are_the_first_inference() -> None:
    assert "first, cold, profiled inference" in page_of(record(origin=Origin.DEVICE)).text


def test_times_far_apart_are_on_a_logarithmic_axis_that_says_so() -> None:
    fast, slow = (record(cell_of(name), metrics=metrics(time_us=us)) for name, us in (("a", 50), ("b", 5000)))
    page = page_of(fast, slow)
    assert page.data["simulator-times"]["layout"]["xaxis"]["type"] == "log"
    assert "µs (simulator), logarithmic" in page.text
    assert "logarithmic" not in page_of(slow).text


@pytest.mark.parametrize(("after", "word"), [(1100, "worse"), (900, "better"), (1000, "%")])
def test_a_change_has_its_word_and_none_is_told_of_the_same(after: float, word: str) -> None:
    page = page_of(record(), findings=Findings(diffs={record().cell.key: compared(1000, after)}))
    assert page.tables[0][1][1].split()[-1] == word
