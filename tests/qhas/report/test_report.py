"""The page of a run: names are data, simulated and measured stay apart, nothing comes from the network."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from qhas.failures import FACTS, FailureKind
from qhas.record import Artifact, CellRecord, Origin
from qhas.report import publish_report, render
from qhas.spec import Cell
from qhas.store import Store
from qhas.summary import OpShare
from tests.qhas.measured import health, latency, measured
from tests.qhas.samples import metrics, model, record, run_record, spec

PERFETTO = "https://ui.perfetto.dev"
HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    '"><img src=x onerror=alert(1)>',
    "'; alert(1); '",
    "\u2028alert(1)",
    "{{ 7 * 7 }}",
]


class Page(HTMLParser):
    """What a browser would make of the page: elements with their attributes, tables as rows of text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[list[list[str]]] = []
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self.tables and self.tables[-1] and self.tables[-1][-1]:
            self.tables[-1][-1][-1] += data

    def plots(self) -> dict[str, dict[str, object]]:
        """The plots' data, by the id of the element they are drawn in."""
        (script,) = (text for text in self.scripts if "const plots" in text)
        body = script[script.index("{") : script.index("};") + 1]
        return {
            name: json.loads(data)
            for name, data in re.findall(r'^"([a-z]+-\d)": (\{.*\}),$', body, flags=re.MULTILINE)
        }


def with_op(op: str, **changes: object) -> CellRecord:
    share = OpShare(op=op, cycles=5, dominant_cycles=4, dominant_percent=61.4)
    return record(metrics=metrics(top_ops=[share]), **changes)  # type: ignore[arg-type]


def page_of(*cells: CellRecord) -> Page:
    return Page(render(run_record(len(cells), sum(bool(cell.failure) for cell in cells)), list(cells)))


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_the_name_of_an_op_is_data_in_table_and_plots(name: str) -> None:
    harmless, page = page_of(with_op("Conv2d")), page_of(with_op(name))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in harmless.elements]
    assert name in page.tables[0][1][page.tables[0][0].index("top op, share of dominant path")]
    assert name in json.dumps(page.plots(), ensure_ascii=False).replace('\\"', '"')


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_every_text_that_a_tool_can_choose_is_data(name: str) -> None:
    failed = record(failure=FailureKind.TOOL_FAILED)
    assert failed.failure is not None
    failed = failed.model_copy(update={"failure": failed.failure.model_copy(update={"message": name})})
    stated = record(metrics=metrics(statement=name))
    hostile = Cell.model_construct(**dict(Cell(model=model(), soc="sm8750")) | {"variant": name})
    odd = with_op("Conv2d").model_copy(update={"cell": hostile})
    other = record(Cell(model=model(), soc="sm8750", variant="other"), metrics=odd.metrics)
    harmless = page_of(record(failure=FailureKind.TOOL_FAILED), record(metrics=metrics(statement="x")), other)
    page = page_of(failed, stated, odd)
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in harmless.elements]


def test_simulated_and_measured_figures_have_tables_and_plots_of_their_own() -> None:
    cells = [
        record(Cell(model=model("simulated"), soc="sm8750"), origin=Origin.SIMULATOR),
        record(Cell(model=model("measured"), soc="sm8750"), origin=Origin.DEVICE),
    ]
    page = page_of(*cells)
    networks = [[row[0] for row in table[1:]] for table in page.tables]
    assert networks == [["measured"], ["simulated"]]
    plots = page.plots()
    assert set(plots) == {"device-1", "device-2", "simulator-1", "simulator-2"}
    for origin, other in (("device", "simulated"), ("simulator", "measured")):
        assert all(f'"{other}"' not in json.dumps(plots[f"{origin}-{n}"]["data"]) for n in (1, 2))


def test_the_column_of_simulated_times_says_so() -> None:
    simulated, measured = page_of(record()), page_of(record(origin=Origin.DEVICE))
    assert "est. time" in simulated.tables[0][0]
    assert "est. time" not in measured.tables[0][0]
    assert "QHAS time (first, cold, profiled)" in measured.tables[0][0]


def test_a_failed_cell_shows_its_reason_and_next_step_and_links_its_output() -> None:
    output = Artifact(name="output", path="prepare-1.txt", sha256="0" * 64, size=9)
    page = page_of(record(failure=FailureKind.SOC_REJECTED, artifacts=[output]))
    text = " ".join(page.tables[0][1])
    assert "soc_rejected" in text
    assert "what happened: soc_rejected." in text
    assert FACTS[FailureKind.SOC_REJECTED].hint in text
    assert ("a", {"href": "../../runs/nightly-1/net/sm8750/default/prepare-1.txt"}) in page.elements


def test_the_page_needs_no_network_and_its_links_are_relative() -> None:
    page = page_of(record(), record(failure=FailureKind.DISK), with_op("x", origin=Origin.DEVICE))
    targets = {value for _, attrs in page.elements for key, value in attrs.items() if key in ("src", "href")}
    outside = {target for target in targets if target and re.match(r"[a-z]+:|//|/", target)}
    assert outside == {PERFETTO}
    assert all(target and target.startswith("../") for target in targets - outside)
    assert not [tag for tag, _ in page.elements if tag in ("link", "iframe", "object", "base", "img")]


def test_every_relative_link_of_a_published_page_leads_to_an_object(tmp_path: Path) -> None:
    store, cell = Store(str(tmp_path)), record()
    for key in ("sweep.json", "net/sm8750/default/manifest.json", "net/sm8750/default/chrometrace.json.gz"):
        store.write(f"runs/nightly-1/{key}", b"{}")
    address = Path(publish_report(store, run_record(), [cell]))
    page = Page(address.read_text(encoding="utf-8"))
    targets = [attrs.get("src") or attrs.get("href") for _, attrs in page.elements]
    relative = [target for target in targets if target and target.startswith("..")]
    assert len(relative) >= 4
    assert all((address.parent / target).is_file() for target in relative)


def test_plotlys_script_is_stored_once_for_all_reports(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_report(store, run_record(), [])
    written: list[str] = []
    write = store.write
    monkeypatch.setattr(store, "write", lambda key, content: (written.append(key), write(key, content)))
    publish_report(store, run_record(run_id="nightly-2"), [])
    assert written == ["reports/nightly-2/index.html"]


def test_a_run_without_a_cell_is_still_a_page() -> None:
    assert "0 of 1 cells good" in render(run_record(1, 1), [])


def test_bars_keep_a_group_per_network_and_a_series_per_soc_and_variant() -> None:
    cells = [
        record(Cell(model=model(name), soc=soc, variant=variant))
        for name in ("a", "b")
        for soc, variant in (("sm8650", "default"), ("sm8750", "vtcm_mb-2"))
    ]
    bars = page_of(*cells).plots()["simulator-1"]["data"]
    assert [(bar["name"], bar["x"]) for bar in bars] == [
        ("sm8650", ["a", "b"]),
        ("sm8750 vtcm_mb-2", ["a", "b"]),
    ]  # type: ignore[attr-defined]


def test_the_dominant_path_of_every_cell_adds_up_to_all_of_it() -> None:
    ops = [OpShare(op=f"op{n}", cycles=1, dominant_cycles=1, dominant_percent=12.5) for n in range(7)]
    cells = [record(metrics=metrics(top_ops=ops)), record(Cell(model=model("other"), soc="sm8750"))]
    bars = page_of(*cells).plots()["simulator-2"]["data"]
    totals = [sum(bar["x"][index] for bar in bars) for index in range(2)]  # type: ignore[attr-defined]
    assert totals == pytest.approx([100.0, 100.0])


def test_the_title_is_the_sweep_as_its_author_named_it() -> None:
    text = render(run_record(3, 1, spec=spec(name="nightly-vision")), [])
    assert "nightly-vision: 2 of 3 cells good" in text


def test_a_measured_cell_shows_latency_device_and_health() -> None:
    titles, cells = page_of(measured(latency=latency(100, 104, 110))).tables[0]
    shown = dict(zip(titles, cells, strict=True))
    assert (shown["median"], shown["p90"], shown["spread"], shown["device"]) == (
        *("104 µs", "110 µs", "10%"),
        "oneplus13",
    )
    assert "skin 33.5 → 36 °C" in shown["before → after"]
    assert titles.index("median") < titles.index("QHAS time (first, cold, profiled)")


def test_a_poor_latency_is_marked() -> None:
    titles, cells = page_of(measured(health=health(after=3))).tables[0]
    shown = dict(zip(titles, cells, strict=True))
    assert shown["mark"] == "poor"
    assert "thermal status 3 after the run: do not quote" in shown["top op, share of dominant path"]


def test_the_log_of_the_device_is_linked_first_where_the_cell_failed() -> None:
    log = Artifact(name="device_log", path="device.log.gz", sha256="0" * 64, size=9)
    good, failed = measured(artifacts=[log]), measured(failure=FailureKind.DSP_CRASHED, artifacts=[log])

    def order(cell: CellRecord) -> list[str]:
        links = [attrs.get("href") for tag, attrs in page_of(cell).elements if tag in ("a", "details")]
        return ["more" if link is None else link.rpartition("/")[2] for link in links if link != PERFETTO]

    assert order(failed)[1:] == ["device.log.gz", "manifest.json"]
    assert order(good)[1:] == ["manifest.json", "more", "device.log.gz"]


def test_the_bars_of_measured_cells_are_their_latencies() -> None:
    plot = page_of(measured(latency=latency(100, 104, 110)), record(origin=Origin.DEVICE)).plots()["device-1"]
    (bar,) = plot["data"]  # type: ignore[misc]
    assert bar["y"] == [104]
    assert (bar["error_y"]["array"], bar["error_y"]["arrayminus"]) == ([6], [4])
    assert "Median latency" in json.dumps(plot["layout"])


def test_bars_without_latencies_say_that_they_are_the_first_inference() -> None:
    plot = page_of(record(origin=Origin.DEVICE)).plots()["device-1"]
    assert "first, cold, profiled inference" in json.dumps(plot["layout"])
