"""Ops are mapped to nodes by what the converter reports, by names and by tensors, and by nothing else."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from qhas.network.network import Graph, Network, NetworkOp
from qhas.network.onnx_file import OnnxGraph, OnnxNode
from qhas.source.mapping import map_sources
from qhas.source.op_trace import read_op_trace
from qhas.source.source_map import Evidence, SourceMap, parse_sources


def node(name: str, kind: str, taken: str, made: str) -> OnnxNode:
    return OnnxNode(name, kind, tuple(taken.split()), tuple(made.split()))


def op(name: str, kind: str, taken: str, made: str) -> NetworkOp:
    return NetworkOp(name=name, type=kind, inputs=tuple(taken.split()), outputs=tuple(made.split()))


def mapped(
    nodes: list[OnnxNode], ops: list[NetworkOp], trace: dict[str, tuple[str, ...]] | None = None
) -> SourceMap:
    network = Network(graphs=(Graph(name="g", ops=tuple(ops), tensors=()),))
    return map_sources(OnnxGraph((), (), tuple(nodes)), network, trace)


def names(sources: SourceMap, op_name: str) -> list[str]:
    return [each.name for each in sources.nodes_of(op_name)]


CONV = node("/stem/Conv", "Conv", "x w", "c")
RELU = node("/stem/Relu", "Relu", "c", "r")


@pytest.mark.parametrize(
    "written",
    ["/stem/Conv", "/stem/Conv_token_12", "/stem/Conv_token_12_3", "_stem_Conv", "/stem/Conv_QuantizeLinear"],
)
def test_an_op_is_of_the_node_whose_name_it_has_but_for_what_tools_append(written: str) -> None:
    sources = mapped([CONV, RELU], [op(written, "Conv2d", "x w", "t")])
    assert names(sources, written) == ["/stem/Conv"]
    assert sources.ops[written].evidence is Evidence.NAME


def test_an_op_that_stands_for_two_nodes_is_of_both_its_own_first() -> None:
    sources = mapped([CONV, RELU], [op("/stem/Conv", "Conv2d", "x w", "r")])
    assert names(sources, "/stem/Conv") == ["/stem/Conv", "/stem/Relu"]


def test_an_op_of_another_name_is_of_the_node_whose_tensor_it_makes() -> None:
    sources = mapped(
        [node("", "Conv", "x w", "c")], [op("conv_17", "Conv2d", "x w", "c_QuantizeLinear_Output")]
    )
    assert names(sources, "conv_17") == ["c"]
    assert sources.ops["conv_17"].evidence is Evidence.TENSOR


def test_an_op_inside_a_function_is_of_the_node_that_the_function_is() -> None:
    swish = node("act", "HardSwish", "c", "s")
    inner = "_inlfunc_HardSwish_token_3_HS_X_QuantizeLinear"
    parts = [
        op("preproc_4", "ElementWiseNeuron", "c", inner),
        op("preproc_5", "ElementWiseBinary", f"c {inner}", "s"),
    ]
    sources = mapped([CONV, swish], parts)
    assert [names(sources, part.name) for part in parts] == [["act"], ["act"]]
    assert sources.ops["preproc_4"].evidence is Evidence.FUNCTION
    taken_elsewhere = [*parts, op("preproc_6", "ElementWiseBinary", f"c {inner}", "q")]
    assert "preproc_4" not in mapped([CONV, swish], taken_elsewhere).ops
    other = node("act", "Gelu", "c", "s")
    assert "preproc_4" not in mapped([CONV, other], parts).ops


def test_what_the_converter_tells_counts_where_no_name_does() -> None:
    product, total = node("/fc/MatMul", "MatMul", "x w", "p"), node("/fc/Add", "Add", "p b", "s")
    ops = [
        op("/fc/MatMul/MatMulAddFusion_2", "FullyConnected", "x w b", "fc_out"),
        op("reshape_2", "Reshape", "fc_out", "s"),
    ]
    trace = {each.name: ("gemm_input_reshape", "/fc/MatMul/MatMulAddFusion") for each in ops}
    sources = mapped([product, total], ops, trace)
    assert names(sources, ops[0].name) == ["/fc/MatMul"]
    assert names(sources, "reshape_2") == ["/fc/MatMul", "/fc/Add"]
    assert sources.ops["reshape_2"].evidence is Evidence.TRACE
    assert "/fc/MatMul/MatMulAddFusion_2" not in mapped([product, total], ops).ops


def test_what_only_moves_a_tensor_is_of_the_node_that_made_it() -> None:
    ops = [
        op("/stem/Conv", "Conv2d", "x w", "c_nhwc"),
        op("Transpose_token_3", "Transpose", "c_nhwc", "t"),
        op("Reshape_token_4", "Reshape", "t", "u"),
    ]
    sources = mapped([CONV, RELU], ops)
    assert names(sources, "Reshape_token_4") == ["/stem/Conv"]
    assert sources.ops["Transpose_token_3"].evidence is Evidence.MOVES


def test_what_recodes_an_input_is_of_the_node_that_takes_it() -> None:
    ops = [op("x_q", "Quantize", "x", "x_q_to_dq"), op("/stem/Conv", "Conv2d", "x_q_to_dq w", "c")]
    assert names(mapped([CONV], ops), "x_q") == ["/stem/Conv"]


def test_what_computes_and_has_no_name_of_a_node_is_of_none() -> None:
    ops = [op("Pad_token_1", "Pad", "x", "padded"), op("/stem/Conv", "Conv2d", "padded w", "c")]
    assert mapped([CONV], ops).ops.keys() == {"/stem/Conv"}


def test_a_name_that_only_says_the_type_shows_nothing() -> None:
    nodes = [node("Transpose", "Transpose", "a", "b"), CONV]
    ops = [op("/stem/Conv", "Conv2d", "x w", "c_nhwc"), op("Transpose_token_9", "Transpose", "c_nhwc", "t")]
    assert names(mapped(nodes, ops), "Transpose_token_9") == ["/stem/Conv"]


def test_a_name_of_two_nodes_shows_nothing() -> None:
    twice = [node("conv", "Conv", "x w", "a"), node("conv", "Conv", "a w", "b")]
    sources = mapped(twice, [op("conv", "Conv2d", "x w", "inner"), op("conv_1", "Conv2d", "inner w", "b")])
    assert sources.ops.keys() == {"conv_1"}


def test_a_profile_may_call_the_op_by_the_numbers_of_another_compile() -> None:
    sources = mapped([CONV], [op("/stem/Conv_token_12", "Conv2d", "x w", "c")])
    assert names(sources, "/stem/Conv_token_14_2") == ["/stem/Conv"]
    assert names(sources, "Input") == []


def test_what_is_stored_is_read_again() -> None:
    sources = mapped([CONV, RELU], [op("/stem/Conv", "Conv2d", "x w", "r")])
    assert parse_sources(gzip.compress(sources.model_dump_json(exclude_defaults=True).encode())) == sources


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        gzip.compress(b"[]"),
        gzip.compress(b'{"nodes": [], "ops": {"a": {"nodes": [7], "evidence": "name"}}}'),
    ],
    ids=["empty", "cut short", "a list", "a node that is not there"],
)
def test_a_damaged_map_is_none(content: bytes) -> None:
    assert parse_sources(content) is None


def test_a_trace_of_the_provider_names_nodes_by_ops(tmp_path: Path) -> None:
    sources = [{"name": "a", "type": "OP"}, {"name": "w", "type": "TENSOR"}]
    mappings = [{"dst_name": "a_token_1", "dst_qnn_op_type": "Conv2d", "sources": sources}]
    path = tmp_path / "op_trace.json"
    path.write_text(json.dumps({"schema_version": 2, "subgraph_traces": [{"op_mappings": mappings}]}))
    assert read_op_trace(path) == {"a_token_1": ("a",)}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"subgraph_traces": [{"op_mappings": [{"dst_name": "a"}]}]}']
)
def test_what_is_no_trace_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "op_trace.json").write_text(text)
    with pytest.raises(ValueError, match=r"op_trace\.json is not an op trace"):
        read_op_trace(tmp_path / "op_trace.json")
