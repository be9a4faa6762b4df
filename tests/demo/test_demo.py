"""What `make demo` promises, cell by cell, judged by programs that are not ours."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import jsonschema
import numpy as np
import onnx
import pytest
from _pytest.mark import ParameterSet

from hostsdk.viewer.log import read_log
from qhas.cell.calibration import calibration_digest, gather_calibration
from qhas.cell.conversion import made_keys
from qhas.cell.inputs import gather_inputs
from qhas.cell.prepared import MADE_ONNX, PreparedGraphs
from qhas.failures import Step
from qhas.machine.digest import file_digest
from qhas.network.onnx_file import read_onnx
from qhas.profile.picture import CounterKind, read_timeline
from qhas.runs.record import CellStatus, Origin
from qhas.runs.stored import load_run
from qhas.site.demo import NETWORKS, SOCS, demo_site
from qhas.site.sdk import find_sdk
from qhas.store import Store
from qhas.units import counted
from tests.demo.conftest import QHAS, SMALL, DemoRun, environment
from tests.hostsdk.networks import reference
from tests.judges import netron, perfetto

pytestmark = [
    pytest.mark.hostsdk,
    pytest.mark.server,
    pytest.mark.xdist_group("demo"),
    pytest.mark.timeout(1200),
]
CELLS = [(network, soc) for network in NETWORKS for soc in SOCS]
DEFAULT = {(network, soc) for network in SMALL for soc in SOCS}


def _with_marks(*cell: str) -> ParameterSet:
    return pytest.param(*cell, marks=[] if cell[0] in SMALL else pytest.mark.slow)


each_cell = pytest.mark.parametrize(("network", "soc"), [_with_marks(*cell) for cell in CELLS])
each_network = pytest.mark.parametrize("network", [_with_marks(network) for network in NETWORKS])


@pytest.mark.slow
def test_the_whole_demo_has_a_cell_for_every_network_on_every_soc(demo: DemoRun) -> None:
    assert set(demo.cells) == set(CELLS)


def test_every_cell_is_complete_and_said_to_be_simulated(demo: DemoRun) -> None:
    assert set(demo.cells) >= DEFAULT
    assert {cell.status for cell in demo.cells.values()} == {CellStatus.COMPLETE}
    assert {cell.origin for cell in demo.cells.values()} == {Origin.SIMULATOR}
    assert "not measured" in demo.printed


def test_the_table_and_the_paths_are_printed(demo: DemoRun) -> None:
    assert all(name in demo.printed for name in (*SMALL, *SOCS))
    paths = re.findall(r"^ +(/\S+chrometrace\.json\.gz)$", demo.printed, re.MULTILINE)
    assert len(paths) == len(demo.cells)
    assert all(Path(path).is_file() for path in paths)
    (report,) = re.findall(r"^Report: file://(\S+)$", demo.printed, re.MULTILINE)
    assert Path(report).is_file()
    assert demo.printed.index(paths[-1]) < demo.printed.index("est. time") < demo.printed.index(report)


@each_cell
def test_perfetto_accepts_the_chrometrace_whole(
    demo: DemoRun, network: str, soc: str, tmp_path: Path
) -> None:
    trace = demo.artifact(network, soc, "chrometrace", tmp_path)
    events = demo.document(network, soc, "chrometrace", tmp_path)["traceEvents"]
    assert perfetto.import_errors(trace) == {}
    assert perfetto.slice_count(trace) == sum(event["ph"] == "X" for event in events)


@each_cell
def test_the_qhas_validates_against_its_schema(demo: DemoRun, network: str, soc: str, tmp_path: Path) -> None:
    schema = demo.document(network, soc, "qhas_schema", tmp_path)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(demo.document(network, soc, "qhas", tmp_path), schema)


@each_cell
def test_netron_opens_the_htp_graph(demo: DemoRun, network: str, soc: str, tmp_path: Path) -> None:
    model = netron.open_model(demo.artifact(network, soc, "htp_graph", tmp_path))
    metrics = demo.cells[network, soc].metrics
    assert metrics is not None
    assert model["node_count"] >= metrics.qnn_nodes


@each_network
def test_netron_opens_the_network_and_its_prepared_form_alike(
    demo: DemoRun, network: str, tmp_path: Path
) -> None:
    before = netron.open_model(demo.folder / "networks" / f"{network}.dlc")
    after = netron.open_model(_prepared(demo, network, SOCS[0], tmp_path))
    assert before["node_count"] == after["node_count"] > 10


@each_cell
def test_log_trace_and_summary_agree_on_cycles_and_dram(
    demo: DemoRun, network: str, soc: str, tmp_path: Path
) -> None:
    simulated = _simulator_events(demo.artifact(network, soc, "log", tmp_path))
    events = demo.document(network, soc, "chrometrace", tmp_path)["traceEvents"]
    overview = [event for event in events if event.get("pid") == 0]
    drawn = read_timeline(demo.artifact(network, soc, "chrometrace", tmp_path))
    metrics = demo.cells[network, soc].metrics
    assert metrics is not None
    assert metrics.timeline_cycles == simulated["Simulated (Accelerator exec cycles)"]
    assert int(metrics.time_us) == simulated["Simulated (Accelerator exec time us)"]  # which is truncated
    end = max(event["ts"] + event["dur"] for event in overview if event["ph"] == "X")
    assert (
        0 <= metrics.timeline_cycles - end <= 6
    )  # the simulator closes the graph six cycles after its last op
    assert metrics.dram_read == sum(value for name, value in simulated.items() if name.endswith(" Fill"))
    moved = {
        counter.name: sum(counter.bytes) for counter in drawn.counters if counter.kind is CounterKind.MOVED
    }
    assert (moved["DRAM read"], moved["DRAM write"]) == (metrics.dram_read, metrics.dram_write)
    # Spills are counted in whole DMA blocks, writes in bytes.
    assert (
        0 < metrics.dram_write <= sum(value for name, value in simulated.items() if name.endswith(" Spill"))
    )


@each_cell
def test_the_emulator_computes_what_onnx_runtime_computes(
    demo: DemoRun, network: str, soc: str, tmp_path: Path
) -> None:
    record = demo.cells[network, soc]
    inputs = gather_inputs(record.cell.model, _prepared(demo, network, soc, tmp_path), tmp_path)
    (source,) = inputs.files.values()
    path = _quantised(demo, network, soc, tmp_path)
    session = reference(path)
    (tensor,) = session.get_inputs()
    (expected,) = session.run(None, {tensor.name: np.fromfile(source, np.float32).reshape(tensor.shape)})
    found = np.fromfile(demo.artifact(network, soc, "output_tensor", tmp_path), np.float32)
    error = np.abs(found - expected.ravel()).max()
    assert error <= 2.001 * _output_step(path)
    assert error < np.ptp(expected) / 2, "the same of every value would be as near"


@pytest.mark.slow
def test_a_second_run_reuses_every_graph_and_finds_the_same_figures(demo: DemoRun) -> None:
    models = "".join(
        f"- {{name: {name}, onnx: networks/{name}.onnx, quantize: {{calibration: networks/{name}-calibration}}, "
        f"inputs: networks/{name}/input_list.txt}}\n"
        for name in ("squeezenet", "inception_v2")
    )
    (demo.folder / "again.yaml").write_text(
        f"name: again\nsocs: [sa8255, sa8797, sar2230p]\nmodels:\n{models}"
        "exclude: [{model: inception_v2, soc: sa8797}, {model: inception_v2, soc: sar2230p}]\n"
    )
    require_same_again(demo, 4, "sweep", "again.yaml")


def test_a_network_profiled_alone_reuses_its_graph_and_has_the_figures_it_had(demo: DemoRun) -> None:
    data = ("--calibration=networks/squeezenet-calibration", "--inputs=networks/squeezenet/input_list.txt")
    require_same_again(
        demo, 1, "profile", "networks/squeezenet.onnx", "--quantize=w8a8", *data, "--soc", "sa8255"
    )


def require_same_again(demo: DemoRun, cells: int, *command: str) -> None:
    """Check that the command reuses all graphs and reproduces the figures of the demo's cells; then remove its run."""
    done = subprocess.run(
        [str(QHAS), *command, "--site", "site.yaml", "--run-id", "again"],
        cwd=demo.folder,
        env=environment() | {"PREFECT_HOME": str(demo.folder / "prefect")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{cells} of {counted(cells, 'prepared graph')} came from the store" in done.stdout
    _, records = load_run(Store(str(demo.store)), "again")
    shutil.rmtree(demo.store / "runs" / "again")
    for record in records:
        first = demo.cells[record.cell.model.name, record.cell.soc].metrics
        assert first is not None
        assert first.compile_seconds is not None
        assert record.metrics == first.model_copy(update={"compile_seconds": None})


def _prepared(demo: DemoRun, network: str, soc: str, folder: Path) -> Path:
    """Fetch the prepared DLC of a cell from the store."""
    facts = demo.cells[network, soc].prepared
    assert facts is not None
    names = PreparedGraphs(Store(str(demo.store))).fetch(facts.key, folder)
    assert names is not None
    assert zipfile.is_zipfile(folder / names[0])
    return folder / names[0]


def _quantised(demo: DemoRun, network: str, soc: str, folder: Path) -> Path:
    """Fetch the 8-bit ONNX that a cell's DLC was converted from, from the store."""
    cell, sdk = demo.cells[network, soc].cell, find_sdk(demo_site(demo.folder).sdk)
    onnx, calibration = demo.folder / "networks" / f"{network}.onnx", folder / "calibration"
    gather_calibration(cell.model, read_onnx(onnx), calibration)
    made = made_keys(cell, sdk, file_digest(onnx), calibration_digest(calibration))
    names = PreparedGraphs(Store(str(demo.store))).fetch(made[Step.QUANTIZE], folder)
    assert names == [MADE_ONNX]
    return folder / MADE_ONNX


def _simulator_events(log: Path) -> dict[str, int]:
    """Return the simulator's own figures, as the finalize message of the log states them."""
    return {
        event.identifier: event.value
        for message in read_log(log).messages
        for root in message.events
        for event, _ in root.walk()
    }


def _output_step(path: Path) -> float:
    """Return the scale of the quantiser at the network's output."""
    model = onnx.load(path)
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    producer = next(node for node in model.graph.node if model.graph.output[0].name in node.output)
    assert producer.op_type == "DequantizeLinear"
    return float(constants[producer.input[1]])
