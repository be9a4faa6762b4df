"""What exporters record in nodes about their origin."""

from __future__ import annotations

import pytest

from qhas.network.onnx_file import OnnxNode
from qhas.source.exported import Exported, exported

STACK = """File "/home/me/net.py", line 96, in forward
    return self.network(x)
  File "/opt/lib/python3.12/site-packages/torch/nn/modules/container.py", line 250, in forward
    input = module(input)
  File "/opt/lib/python3.12/site-packages/torch/nn/modules/linear.py", line 134, in forward
    return F.linear(input, self.weight, self.bias)
"""
LINEAR = "torch.nn.modules.linear.Linear"
CLASSES = f"['__main__.Net', 'torch.nn.modules.container.Sequential', '{LINEAR}', 'aten.linear.default']"
SCOPES = "['', 'network', 'network.0', 'linear']"


def node(name: str = "node_linear", kind: str = "Gemm", **metadata: str) -> OnnxNode:
    entries = {f"pkg.torch.onnx.{key}": text for key, text in metadata.items() if key != "namespace"}
    entries |= {key: text for key, text in metadata.items() if key == "namespace"}
    return OnnxNode(name, kind, ("x",), ("y",), entries)


def test_a_module_is_the_scope_that_the_node_itself_is_in() -> None:
    found = exported(node(name_scopes=SCOPES, class_hierarchy=CLASSES))
    assert (found.module, found.kind) == ("network.0", LINEAR)


def test_the_line_is_the_innermost_of_a_source_that_is_not_pytorchs() -> None:
    assert exported(node(stack_trace=STACK))[2:] == ("/home/me/net.py", 96)


def test_where_all_of_it_is_pytorchs_it_is_the_innermost() -> None:
    own = STACK.replace("/home/me", r"C:\x\site-packages\torch\nn")
    assert exported(node(stack_trace=own)).line == 134


def test_a_namespace_tells_the_module_where_scopes_are_not_left() -> None:
    text = f": __main__.Net/network: torch.nn.Sequential/network.0: {LINEAR}/linear: aten.linear.default"
    assert exported(node(namespace=text))[:2] == ("network.0", LINEAR)


def test_a_node_of_the_root_is_in_a_module_without_a_path() -> None:
    assert exported(node(name_scopes="['', 'add']", class_hierarchy="['__main__.Net', 'aten.add']"))[:2] == (
        "",
        "__main__.Net",
    )


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("/features/features.3/features.3.1/block/block.1/Conv_2", "features.3.1.block.1"),
        ("/encoder/layer.0/attention/self/Conv", "encoder.layer.0.attention.self"),
        ("/Conv", ""),
        ("/head/Convolution", None),
        ("head/Conv", None),
        ("Conv_3", None),
        ("", None),
    ],
)
def test_the_older_exporter_writes_the_path_into_the_name(name: str, module: str | None) -> None:
    assert exported(node(name, "Conv")) == Exported(module)


@pytest.mark.parametrize("text", ["", "[", "['a", "[1, 2]", "\\'" * 1000, "('" * 20_000, "x" * 60_000])
def test_damaged_metadata_tell_nothing(text: str) -> None:
    damaged = {"name_scopes": text, "class_hierarchy": text, "stack_trace": text, "namespace": text}
    assert exported(node(**damaged)) == Exported()
