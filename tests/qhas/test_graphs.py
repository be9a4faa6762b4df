"""Each graph of a DLC has its own schematic, log and QHAS, and its place in record, page, history and comparison."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fakes.dlc import make_dlc
from fakes.sdk import Fault, Rule, Tool, build_fake_sdk, order
from qhas.diff.runs import compare_runs
from qhas.direct import run_direct
from qhas.failures import FailureKind
from qhas.history.reading import Where, read_history
from qhas.profile.qhas_file import parse_qhas
from qhas.report.publish import publish_report
from qhas.runs import keys
from qhas.runs.record import CellRecord, by_graph
from qhas.runs.stored import load_run
from qhas.site import SdkRef, Site
from qhas.store import Store
from qhas.sweep.spec import SweepSpec
from qhas.upkeep.verify import verify_run
from qhas.verdict.judge import judge_run

GRAPHS = ("prefill", "decode")
CELL = "llm/sa8255/default"


@dataclass(frozen=True)
class Rack:
    """A site on the fake SDK, and sweeps of one network of two graphs."""

    folder: Path

    @property
    def store(self) -> Store:
        return Store(str(self.folder / "store"))

    def run(self, run_id: str, salt: str = "", **changes: object) -> CellRecord:
        dlc = make_dlc(self.folder / "llm.dlc", graphs=GRAPHS, salt=salt)
        spec = SweepSpec.model_validate(
            {"name": "llms", "models": [{"name": "llm", "dlc": str(dlc)}], "socs": ["sa8255"], **changes}
        )
        site = Site(store=str(self.folder / "store"), sdk=SdkRef(root=self.folder / "sdk"))
        run_direct(spec, site, run_id)
        _, (record,) = load_run(self.store, run_id)
        return record


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Rack:
    folder = tmp_path_factory.mktemp("rack")
    build_fake_sdk(folder / "sdk")
    return Rack(folder)


@pytest.fixture(scope="module")
def record(rack: Rack) -> CellRecord:
    """The record of the first night; one of the two graphs has a budget of its own."""
    limits = {"time_us": 1_000_000, "graphs": {"decode": {"time_us": 1}}}
    return rack.run("llms-1", budgets={"llm": limits})


def names_of(record: CellRecord) -> set[str]:
    return {artifact.name for artifact in record.artifacts}


def test_a_cell_has_a_record_of_each_graph(record: CellRecord) -> None:
    assert record.failure is None
    assert [graph.name for graph in record.graphs] == list(GRAPHS)
    assert record.metrics is None
    first, second = (graph.metrics for graph in record.graphs)
    assert first
    assert second
    assert first.qnn_nodes == second.qnn_nodes + 1


def test_the_files_of_a_graph_are_those_of_a_cell_and_lie_in_its_folder(
    rack: Rack, record: CellRecord
) -> None:
    for view, graph in zip(by_graph([record]), GRAPHS, strict=True):
        assert view.cell.key == f"{CELL}/{graph}"
        assert names_of(view) >= {"chrometrace", "qhas", "schematic", "log", "timeline", "output_tensor"}
        for artifact in view.artifacts:
            assert keys.file(view, artifact).startswith(f"runs/llms-1/{CELL}/{graph}/")
            assert rack.store.exists(keys.file(view, artifact))
        qhas = view.artifact("qhas")
        assert qhas
        content = rack.store.read(keys.file(view, qhas))
        assert content
        assert parse_qhas(content, "QHAS").graph == graph


def test_each_graph_has_its_own_schematic(record: CellRecord) -> None:
    assert len({graph.schematic_sha256 for graph in record.graphs}) == len(GRAPHS)


def test_a_budget_may_be_of_one_graph(record: CellRecord) -> None:
    prefill, decode = by_graph([record])
    assert not prefill.over_budget
    assert [result.figure for result in decode.over_budget] == ["time_us"]
    assert [result.sentence.partition(":")[0] for result in record.over_budget] == ["decode"]


def test_the_report_has_a_page_a_graph(rack: Rack, record: CellRecord) -> None:
    run, cells = load_run(rack.store, record.run_id)
    publish_report(rack.store, run, cells)
    for graph in GRAPHS:
        page = rack.store.read(keys.report(run.run_id, f"cells/{CELL}/{graph}/index.html"))
        assert page
        assert f"../../../../../../../runs/{run.run_id}/{CELL}/{graph}/chrometrace.json.gz" in page.decode()
    index = rack.store.read(keys.report(run.run_id))
    assert index
    assert f"cells/{CELL}/decode/index.html" in index.decode()


def test_history_and_comparison_are_by_graph(rack: Rack, record: CellRecord) -> None:
    rack.run("llms-2", salt="slower")
    diff = compare_runs(rack.store, "llms-1", "llms-2")
    assert {cell.after.cell for cell in diff.cells} == {f"{CELL}/{graph}" for graph in GRAPHS}
    for run_id in ("llms-1", "llms-2"):
        run, cells = load_run(rack.store, run_id)
        judge_run(rack.store, run, cells)
    stored = read_history(rack.store, Where(sweep="llms"), ("run_id", "variant", "time_us")).to_pylist()
    rows = [row for row in stored if row["run_id"] in ("llms-1", "llms-2")]
    assert sorted(row["variant"] for row in rows) == sorted(f"default/{graph}" for graph in GRAPHS * 2)
    assert all(row["time_us"] for row in rows)


def test_a_run_that_is_whole_verifies_and_is_not_run_again(rack: Rack, record: CellRecord) -> None:
    assert not verify_run(rack.store, record.run_id).damages
    again = rack.run(
        record.run_id, budgets=load_run(rack.store, record.run_id)[0].spec.model_dump()["budgets"]
    )
    assert again == record


def test_a_prepared_dlc_is_used_again_with_all_its_schematics(rack: Rack, record: CellRecord) -> None:
    second = rack.run("llms-3")
    assert second.prepared
    assert second.prepared.reused
    assert [graph.schematic_sha256 for graph in second.graphs] == [
        graph.schematic_sha256 for graph in record.graphs
    ]


@pytest.fixture
def ailing(rack: Rack, request: pytest.FixtureRequest) -> Iterator[Rack]:
    order(rack.folder / "sdk", Rule(*request.param))
    yield rack
    order(rack.folder / "sdk")


@pytest.mark.parametrize(
    ("ailing", "kind"),
    [
        ((Tool.PREPARE, Fault.NO_SCHEMATIC), FailureKind.SCHEMATIC_MISSING),
        ((Tool.PREPARE, Fault.TWO_SCHEMATICS), FailureKind.SCHEMATIC_AMBIGUOUS),
        ((Tool.NET_RUN, Fault.NO_LOG), FailureKind.LOG_MISSING),
        ((Tool.NET_RUN, Fault.EMPTY_LOG), FailureKind.LOG_EMPTY),
    ],
    indirect=["ailing"],
)
def test_a_graph_without_a_file_of_its_own_fails_the_cell(ailing: Rack, kind: FailureKind) -> None:
    found = ailing.run(f"llms-{kind}", salt=kind)
    assert found.failure
    assert found.failure.kind is kind


def test_a_list_is_of_one_graph(rack: Rack) -> None:
    (rack.folder / "list.txt").write_text("x.raw\n")
    model = {"name": "llm", "dlc": str(rack.folder / "llm.dlc"), "inputs": str(rack.folder / "list.txt")}
    found = rack.run("llms-list", models=[model])
    assert found.failure
    assert (
        "2 graphs (prefill, decode), but an input list covers only one graph; use `graph_inputs`"
        in found.failure.message
    )


def test_each_graph_may_have_a_list_of_its_own(rack: Rack) -> None:
    lists = {}
    for graph, inferences in (("decode", 3), ("prefill", 1)):
        (rack.folder / graph).mkdir()
        (rack.folder / graph / "x.raw").write_bytes(bytes(4 * 3 * 8 * 8))
        (rack.folder / graph / "list.txt").write_text("input:=x.raw\n" * inferences)
        lists[graph] = str(rack.folder / graph / "list.txt")
    model = {"name": "llm", "dlc": str(rack.folder / "llm.dlc"), "graph_inputs": lists}
    found = rack.run("llms-lists", models=[model])
    assert found.failure is None
    assert all(view.metrics for view in by_graph([found]))
    one_less = rack.run("llms-one", models=[model | {"graph_inputs": {"decode": lists["decode"]}}])
    assert one_less.failure
    assert one_less.failure.message.startswith(
        "The DLC has 2 graphs (prefill, decode), but `graph_inputs` has lists for decode"
    )


def test_a_cell_of_one_graph_says_nothing_of_graphs(rack: Rack) -> None:
    shutil.copy(make_dlc(rack.folder / "net.dlc"), rack.folder / "single.dlc")
    single = rack.run("single", models=[{"name": "net", "dlc": str(rack.folder / "single.dlc")}])
    stored = json.loads(rack.store.read(keys.manifest(keys.cell("single", single.cell))) or b"")
    assert "graphs" not in stored
    assert "graph_budgets" not in stored["cell"]
    assert {artifact["path"] for artifact in stored["artifacts"]} >= {
        "chrometrace.json.gz",
        "net_schematic.bin.gz",
        "qnn-profiling-data.log.gz",
    }
    assert by_graph([single]) == [single]
