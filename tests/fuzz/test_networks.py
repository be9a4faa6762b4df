"""What comes with networks: ONNX files, language model configurations, source maps, arrays, multi-run traces."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import numpy as np
import pytest

from hostsdk.viewer.features import FeatureError, read_configuration
from qhas.cell.calibration import _values
from qhas.failures import InvalidInput, StepFailed
from qhas.network.architecture import read_architecture
from qhas.network.cut import cut
from qhas.network.dlc import read_network
from qhas.network.network import Network
from qhas.network.onnx_file import open_input, read_onnx
from qhas.profile.merged_trace import Side, merge_traces
from qhas.profile.trace import TraceInvalid
from qhas.source.exported import exported
from qhas.source.mapping import map_sources
from qhas.source.op_trace import read_op_trace
from qhas.source.source_map import parse_sources
from tests.fuzz.fuzzing import SECONDS, fuzz
from tests.fuzz.test_profiles import TRACE, from_file, stored
from tests.onnx_bytes import write_onnx
from tests.qhas.llm.conftest import CONFIG
from tests.qhas.source.test_exported import CLASSES, SCOPES, STACK

pytestmark = [pytest.mark.slow, pytest.mark.timeout(int(SECONDS) + 600)]
DLC = Path(__file__).parents[2] / "hostsdk" / "trial.dlc"
MAP = {
    "nodes": [{"name": "/stem/Conv", "type": "Conv", "module": "stem", "kind": "Conv2d", "file": "/a/net.py", "line": 96}],
    "ops": {"/stem/Conv_token_12": {"nodes": [0], "evidence": "name"}},
}  # fmt: skip
OP_TRACE = {
    "schema_version": 2,
    "subgraph_traces": [{"op_mappings": [{"dst_name": "a_1", "sources": [{"name": "a", "type": "OP"}]}]}],
}


def onnx_seeds(folder: Path) -> list[bytes]:
    written = write_onnx(folder / "seed.onnx").read_bytes()
    told = b"".join(text.encode() for text in (SCOPES, CLASSES, STACK))
    return [written, written + told, *stored("inputs/*.onnx")]


def test_onnx_graphs(tmp_path: Path) -> None:
    network = read_network(DLC)

    def read(path: Path) -> None:
        graph = read_onnx(path)
        open_input(graph, {"x": [1, 3]})
        for node in graph.nodes:
            exported(node)
        map_sources(graph, network)

    fuzz(onnx_seeds(tmp_path), from_file(tmp_path, "net.onnx", read), ValueError)


def test_configurations_of_language_models(tmp_path: Path) -> None:
    seeds = [json.dumps(CONFIG).encode(), json.dumps({"model_type": "x", "text_config": CONFIG}).encode()]
    fuzz(seeds, from_file(tmp_path, "config.json", read_architecture), InvalidInput)


def test_traces_of_converters_and_maps_of_sources(tmp_path: Path) -> None:
    trace = from_file(tmp_path, "op_trace.json", read_op_trace)
    fuzz([json.dumps(OP_TRACE).encode()], trace, ValueError, share=0.4)

    def sources(content: bytes) -> None:
        if found := parse_sources(gzip.compress(content, 1)):
            for name in [*found.ops, "x"]:
                found.module_of(name)
                [node.place for node in found.nodes_of(name)]
        parse_sources(content)

    fuzz([json.dumps(MAP).encode()], sources, share=0.6)


def test_networks_that_are_cut(tmp_path: Path) -> None:
    seeds = [DLC.read_bytes(), *stored("inputs/*.dlc")]
    read = from_file(tmp_path, "net.dlc", lambda path: cut(path, tmp_path / "cut.dlc", [0, 1]))
    fuzz(seeds, read, ValueError, share=0.7)
    kept = read_network(DLC).model_dump_json().encode()
    fuzz([kept], Network.model_validate_json, ValueError, share=0.3)


def test_calibration_arrays() -> None:
    seeds = []
    for values in (np.ones((1, 3, 4), np.float32), np.zeros(5, np.int64), np.array(2.5)):
        np.save(seed := io.BytesIO(), values)
        seeds.append(seed.getvalue())
    np.savez(archive := io.BytesIO(), a=np.ones(3))
    fuzz([*seeds, archive.getvalue()], lambda content: _values(content, "a.npy"), StepFailed)


def test_traces_that_are_merged(tmp_path: Path) -> None:
    def read(path: Path) -> None:
        merge_traces([Side("before", path), Side("after", path)], tmp_path / "merged.json")
        json.loads((tmp_path / "merged.json").read_bytes())

    fuzz([TRACE, *stored("inputs/trace-*.json")], from_file(tmp_path, "trace.json", read), TraceInvalid)


def test_configurations_of_the_viewer(tmp_path: Path) -> None:
    seeds = [b'{"features": {"qhas_json": true, "gzip": false, "runtrace": true}, "gzip": true}']
    fuzz(seeds, from_file(tmp_path, "config.json", read_configuration), FeatureError)
