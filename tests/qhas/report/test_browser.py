"""Reports in a real browser: a silent console, no requests to the network, names never run, keys that work."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.profiles import EVENTS, chrometrace, htp_op, op_event, qhas
from fakes.records import MOMENT, latency, measured, metrics, model, record, run_record, spec
from qhas.failures import FailureKind, Step
from qhas.profile.picture import read_timeline
from qhas.report.findings import Findings, History
from qhas.report.publish import publish_report
from qhas.runs import keys
from qhas.runs.record import Attempt, CellRecord, Origin
from qhas.store import Artifact, Store
from qhas.sweep.spec import Cell
from tests.browser import in_browser_thread
from tests.qhas.diff.networks import Layer, network
from tests.qhas.report.cell_pages import KEY, htp_instance, instance, nights, put_run
from tests.qhas.report.page import HOSTILE

pytestmark = pytest.mark.xdist_group("browser")
PATIENCE_MS = 240_000
"""On a busy machine Chromium takes a minute for what it does in one second on a quiet one."""


class Visit:
    """A page of its own in the browser, with everything it complained about and requested."""

    def __init__(self, context: Any) -> None:
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", lambda request: self.complaints.append(request.url))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, path: Path) -> Any:
        self.page.goto(path.as_uri())
        self.page.wait_for_load_state("load")
        return self.page


@pytest.fixture
def visit(chromium: Any) -> Iterator[Visit]:
    opened = in_browser_thread(_visit, chromium)
    yield opened
    in_browser_thread(opened.page.context.close)


def _visit(chromium: Any) -> Visit:
    context = chromium.new_context(viewport={"width": 1360, "height": 900}, offline=True)
    context.set_default_timeout(PATIENCE_MS)
    return Visit(context)


def cell_of(name: str, soc: str = "sm8750") -> Cell:
    return Cell(model=model(name), soc=soc)


def with_files(store: Store, cell: CellRecord, op: str, folder: Path, cycles: int = 200_000) -> CellRecord:
    """The record, with a QHAS summary and a picture that contain an op of that name."""
    trace = folder / "chrometrace.json"
    named = json.loads(op_event(op, ts=200, dur=400))
    named["args"] |= {"QNN Op Type": op, "QNN Op Name": op, "Dominant Path Cycles": 300}
    trace.write_text(chrometrace([*EVENTS, json.dumps(named)]))
    document = qhas(
        qnn_op_instances_nodes=[instance(op, op, cycles)],
        htp_op_types=[htp_op(op, 20)],
        htp_op_instances=[htp_instance(50, start_cycle=1), htp_instance(100, start_cycle=251, qnn_op=op)],
    )
    contents = {
        "qhas": json.dumps(document).encode(),
        "chrometrace": trace.read_bytes(),
        "timeline": read_timeline(trace, clock_mhz=1500).model_dump_json().encode(),
        "network": network([Layer("conv", type=op), Layer(op, type=op), Layer("fused")])
        .model_dump_json()
        .encode(),
    }
    artifacts = []
    for name, content in contents.items():
        store.write(f"{keys.cell(cell.run_id, cell.cell)}/{name}.json.gz", gzip.compress(content))
        artifacts.append(
            Artifact(
                name=name,
                path=f"{name}.json.gz",
                sha256=hashlib.sha256(content).hexdigest(),
                size=len(content),
            )
        )
    kept = cell.model_copy(update={"artifacts": artifacts})
    store.write(keys.manifest(keys.cell(cell.run_id, cell.cell)), kept.model_dump_json().encode())
    return kept


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights of four cells: two simulated, one measured, one failed. Their ops have hostile names."""
    folder = tmp_path_factory.mktemp("report")
    store, hostile = Store(str(folder / "store")), "".join(HOSTILE)
    for run_id, day in (("nightly-0", -1), ("nightly-1", 0)):
        put_run(store, run_id, day)
    with_files(store, record(cell_of("net"), run_id="nightly-0"), hostile, folder, cycles=100_000)
    attempt = Attempt(step=Step.PREPARE, number=1, started_at=MOMENT, seconds=3)
    simulated = record(cell_of("net"), attempts=[attempt], metrics=metrics(statement=hostile))
    cells = [
        with_files(store, simulated, hostile, folder),
        with_files(store, record(cell_of("other", "sa8255")), "Conv2d", folder),
        with_files(store, measured(cell_of("phone"), latency=latency(*range(100, 130))), "Softmax", folder),
        record(cell_of("broken"), failure=FailureKind.LOG_EMPTY, origin=Origin.DEVICE, artifacts=[]),
    ]
    run = run_record(4, 1, spec=spec(models=[model(name) for name in ("net", "other", "phone", "broken")]))
    findings = Findings(histories={KEY: [History("median latency, µs", nights(20))]})
    return Path(publish_report(store, run, cells, findings))


def cell_page(report: Path, name: str, soc: str = "sm8750") -> Path:
    return report.parent / "cells" / name / soc / "default" / "index.html"


def every_page(report: Path) -> list[Path]:
    return [report.parent.parent / "index.html", report, *sorted(report.parent.rglob("cells/**/*.html"))]


def test_no_page_complains_or_asks_for_anything_but_files_beside_it(report: Path, visit: Visit) -> None:
    pages = every_page(report)
    assert len(pages) == 6
    for page in pages:
        visit.open(page)
    assert visit.complaints == []
    reports = report.parent.parent.as_uri()
    outside = [one for one in visit.requests if not one.startswith((reports, "data:", "blob:"))]
    assert outside == []


def test_hostile_names_are_text(report: Path, visit: Visit) -> None:
    page = visit.open(cell_page(report, "net"))
    assert "<script>alert(1)</script>" in page.inner_text("main")
    assert page.locator("main img").count() == 0
    assert visit.complaints == []


def test_plots_and_timeline_are_drawn(report: Path, visit: Visit) -> None:
    page = visit.open(cell_page(report, "net"))
    assert page.locator("#timeline svg path").count() > 0
    assert page.locator("#waterfall .main-svg").count() > 0
    assert page.locator("#history-1 .main-svg").count() > 0
    page = visit.open(report)
    assert page.locator("#device-times .main-svg").count() > 0
    assert page.locator("#simulator-times .main-svg").count() > 0


def test_the_network_is_drawn_an_op_a_line_and_leads_to_the_timeline(report: Path, visit: Visit) -> None:
    page = visit.open(cell_page(report, "other", "sa8255"))
    lines = page.locator("#network .line")
    assert lines.count() == 3
    assert lines.nth(1).locator(".name a").inner_text() == "Conv2d"
    assert page.locator("#network .unseen .name").all_inner_texts() == ["conv", "fused"]
    lines.nth(1).locator(".name a").click()
    assert page.locator("#timeline .marked").count() == 1
    assert visit.complaints == []


@pytest.mark.slow
def test_the_mouse_over_the_timeline_tells_what_ran(report: Path, visit: Visit) -> None:
    page = visit.open(cell_page(report, "other", "sa8255"))
    box = page.locator("#timeline svg").bounding_box()
    page.mouse.move(box["x"] + 118 + (box["width"] - 130) * 0.7, box["y"] + 45)
    told = page.inner_text("#timeline .hint")
    assert "HMX 256" in told
    assert "Conv2d" in told
    rate = re.search(r"DRAM read: ([\d.]+) B a cycle, ([\d.]+) GB/s", told)
    assert rate
    assert float(rate[2]) == pytest.approx(1.5 * float(rate[1]), rel=0.01)


@pytest.mark.slow
def test_memory_lanes_tell_their_scale_in_both_units(report: Path, visit: Visit) -> None:
    page = visit.open(cell_page(report, "other", "sa8255"))
    labels = page.locator("#timeline svg text").all_text_contents()
    at = labels.index("DRAM read")
    assert re.fullmatch(r"≤ [\d.]+ B a cycle", labels[at + 1])
    assert re.fullmatch(r"[\d.]+ GB/s", labels[at + 2])


@pytest.mark.slow
def test_the_timeline_zooms_where_the_mouse_drags_and_back(report: Path, visit: Visit) -> None:
    page = visit.open(cell_page(report, "other", "sa8255"))
    whole = page.text_content("#timeline svg")
    box = page.locator("#timeline svg").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 45)
    page.mouse.down()
    page.mouse.move(box["x"] + 600, box["y"] + 45)
    page.mouse.up()
    assert page.text_content("#timeline svg") != whole
    page.mouse.dblclick(box["x"] + 300, box["y"] + 45)
    assert page.text_content("#timeline svg") == whole


@pytest.mark.slow
def test_an_op_leads_to_the_timeline_and_the_timeline_to_the_op(report: Path, visit: Visit) -> None:
    page = visit.open(cell_page(report, "other", "sa8255"))
    whole = page.text_content("#timeline svg")
    page.locator("a[data-from]").first.click()
    assert page.locator("#timeline .marked").count() == 1
    assert page.text_content("#timeline svg") != whole
    page.mouse.dblclick(*centre(page, "#timeline svg"))
    assert page.text_content("#timeline svg") == whole
    page.locator("#timeline svg").scroll_into_view_if_needed()
    x, _ = centre(page, "#timeline svg")
    page.mouse.click(x, page.locator("#timeline svg").bounding_box()["y"] + 45)
    page.wait_for_selector("tr.chosen a[data-from]")
    assert page.evaluate("document.activeElement.textContent") == "Conv2d"


def centre(page: Any, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.slow
def test_the_filter_leaves_the_rows_that_fit_and_dims_the_matrix(report: Path, visit: Visit) -> None:
    page = visit.open(report)
    page.keyboard.press("/")
    page.keyboard.type("sa8255")
    shown = page.locator("table.cells tbody tr:visible")
    assert shown.count() == 1
    assert "other" in shown.inner_text()
    assert page.locator(".matrix td.dim").count() == 3
    assert page.inner_text("#shown") == "1 of 4"
    page.keyboard.press("Escape")
    assert page.locator("table.cells tbody tr:visible").count() == 4


@pytest.mark.slow
def test_a_matrix_that_fits_does_not_scroll(report: Path, visit: Visit) -> None:
    sizes = visit.open(report).eval_on_selector(
        ".overview > .wide", "box => [box.scrollWidth, box.clientWidth]"
    )
    assert sizes[0] == sizes[1]


@pytest.mark.slow
def test_a_chip_of_the_summary_filters(report: Path, visit: Visit) -> None:
    page = visit.open(report)
    page.click("button.chip.failed")
    assert "broken" in page.locator("table.cells tbody tr:visible").inner_text()


@pytest.mark.slow
def test_a_column_sorts_by_its_numbers(tmp_path: Path, visit: Visit) -> None:
    cells = [
        record(cell_of(name), metrics=metrics(time_us=us))
        for name, us in (("b", 900), ("a", 12_000), ("c", 70))
    ]
    run = run_record(3, spec=spec(models=[model(name) for name in "bac"]))
    page = visit.open(Path(publish_report(Store(str(tmp_path)), run, cells)))
    first = page.locator("table.cells tbody tr td:first-child")
    page.click("table.cells th:has-text('est. time')")
    assert first.all_inner_texts() == ["c", "b", "a"]
    page.click("table.cells th:has-text('est. time')")
    assert first.all_inner_texts() == ["a", "b", "c"]


@pytest.mark.slow
def test_keys_walk_through_cells_and_open_them(report: Path, visit: Visit) -> None:
    page = visit.open(report)

    def press(key: str) -> str:
        with page.expect_navigation():
            page.keyboard.press(key)
        return str(page.url)

    for key in ("j", "j", "k"):
        page.keyboard.press(key)
    first = press("Enter")
    assert "/cells/" in first
    second = press("j")
    assert second not in (first, report.as_uri())
    assert press("k") == first
    assert press("u") == report.as_uri()
    page.keyboard.press("?")
    assert page.locator("dialog#help").is_visible()
    assert visit.complaints == []


@pytest.mark.slow
def test_the_page_is_dark_where_the_system_is_and_the_choice_is_kept(report: Path, visit: Visit) -> None:
    def paper(page: Any) -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    page = visit.open(report)
    light = paper(page)
    page.emulate_media(color_scheme="dark")
    dark = paper(page)
    assert dark != light
    page.keyboard.press("t")
    assert paper(page) == light
    page.reload()
    assert paper(page) == light, "the choice outlives the page, and is not the system's"
    page.keyboard.press("t")
    assert paper(page) == dark


@pytest.mark.slow
def test_the_report_prints_without_controls_on_white(report: Path, visit: Visit) -> None:
    page = visit.open(cell_page(report, "net"))
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator(".bar button").first.is_visible()
    assert not page.locator(".actions").is_visible()
