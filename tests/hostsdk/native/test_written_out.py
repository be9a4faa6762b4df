"""Operations that the libraries do not accept are replaced by simpler ones that compute the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.hostsdk

HERE = Path()
SHAPE = (2, 8, 6, 5)
GROUPED = {"num_groups": 4, "epsilon": 1e-3}


def network(kind: str, opset: int = 18, parameters: int = 0, **attributes: Any) -> Any:
    """Return a network of one operation on `x`; its constants have `parameters` values, one per channel or group."""
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(3)
    constants = {f"c{place}": random.standard_normal(parameters).astype(np.float32) for place in range(2)}
    names = list(constants) if parameters else []
    graph = helper.make_graph(
        [helper.make_node(kind, ["x", *names], ["y"], name="op", **attributes)],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, SHAPE)],
        [numpy_helper.from_array(constants[name], name) for name in names],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def computed(model: Any) -> Any:
    from onnxruntime import InferenceSession

    values = 3 * np.random.default_rng(1).standard_normal(SHAPE).astype(np.float32)
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": values})[0]


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(lambda: network("GroupNormalization", 18, 4, **GROUPED), id="factors of groups"),
        pytest.param(lambda: network("GroupNormalization", 21, 8, **GROUPED), id="factors of channels"),
        pytest.param(lambda: network("Mish"), id="Mish"),
        pytest.param(lambda: network("Softsign"), id="Softsign"),
        pytest.param(lambda: network("Celu"), id="Celu"),
        pytest.param(lambda: network("Celu", alpha=0.7), id="Celu of another alpha"),
    ],
)
def test_it_computes_the_same_and_the_last_operation_has_its_name(model: Any) -> None:
    import onnx

    from hostsdk.native.written_out import write_out

    made = model()
    kind, wanted = made.graph.node[0].op_type, computed(made)
    assert write_out(made, HERE) == 1
    onnx.checker.check_model(made)
    assert kind not in {node.op_type for node in made.graph.node}
    assert (made.graph.node[-1].name, made.graph.node[-1].output[0]) == ("op", "y")
    np.testing.assert_allclose(computed(made), wanted, rtol=1e-4, atol=1e-5)


def test_a_normalisation_of_its_own_is_a_factor_and_an_addend_where_activations_have_16_bits() -> None:
    import onnx
    from onnx import numpy_helper

    from hostsdk.native.written_out import OF_16_BITS, write_out

    made = network("BatchNormalization", 17, 8, epsilon=1e-3)
    mean, variance = np.linspace(-1, 1, 8, dtype=np.float32), np.linspace(0.2, 2, 8, dtype=np.float32)
    made.graph.initializer.extend(
        numpy_helper.from_array(each, name) for name, each in (("mean", mean), ("variance", variance))
    )
    made.graph.node[0].input.extend(["mean", "variance"])
    wanted = computed(made)
    assert write_out(made, HERE) == 0
    assert write_out(made, HERE, OF_16_BITS) == 1
    onnx.checker.check_model(made)
    assert [node.op_type for node in made.graph.node] == ["Mul", "Add"]
    np.testing.assert_allclose(computed(made), wanted, rtol=1e-4, atol=1e-5)


EINSUMS = {
    "attention's scores": ("bhid,bhjd->bhij", (2, 3, 5, 4), (2, 3, 6, 4)),
    "attention's result": ("bhij,bhjd->bhid", (2, 3, 5, 6), (2, 3, 6, 4)),
    "heads behind the words": ("bihd,bjhd->bhij", (2, 5, 3, 4), (2, 6, 3, 4)),
    "a projection": ("bij,jk->bik", (2, 5, 6), (6, 4)),
    "of two axes": ("bihd,hdk->bik", (2, 5, 3, 4), (3, 4, 7)),
    "relative places": ("bhwc,hkc->bhwk", (2, 3, 5, 4), (3, 6, 4)),
    "an outer product": ("i,j->ij", (5,), (6,)),
    "nothing is summed": ("bi,bj->bji", (2, 5), (2, 6)),
}


def einsum(equation: str | bytes, left: tuple[int, ...], right: tuple[int, ...]) -> Any:
    from onnx import TensorProto, helper

    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", left), ("z", right))
    ]
    node = helper.make_node("Einsum", ["x", "z"], ["y"], name="op", equation=equation)
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "net", values, [result])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(("equation", "left", "right"), EINSUMS.values(), ids=EINSUMS)
def test_an_einsum_of_two_becomes_a_product(
    equation: str, left: tuple[int, ...], right: tuple[int, ...]
) -> None:
    from onnxruntime import InferenceSession

    from hostsdk.native.written_out import write_out

    random = np.random.default_rng(4)
    feed = {
        name: random.standard_normal(shape).astype(np.float32) for name, shape in (("x", left), ("z", right))
    }
    model = einsum(equation, left, right)
    assert write_out(model, HERE) == 1
    assert "MatMul" in {node.op_type for node in model.graph.node}
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (result,) = session.run(None, feed)
    np.testing.assert_allclose(result, np.einsum(equation, *feed.values()), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "equation",
    ["bii,bij->bj", "bij,bjk->bi", "...ij,...jk->...ik", "bij,jk->bik", "bi,bj->bij", "", b"\xff"],
)
def test_an_einsum_that_is_no_product_stays(equation: str | bytes) -> None:
    from hostsdk.native.written_out import write_out

    assert write_out(einsum(equation, (2, 3, 3), (2, 3, 3)), HERE) == 0


def test_one_whose_shape_is_not_known_stays() -> None:
    from hostsdk.native.written_out import write_out

    model = network("Mish")
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    assert write_out(model, HERE) == 0
    assert [node.op_type for node in model.graph.node] == ["Mish"]


@pytest.mark.parametrize(
    "attributes", [{}, {"num_groups": 0}, {"num_groups": 3}, {"num_groups": -1}, {"num_groups": "four"}]
)
def test_one_whose_attributes_do_not_fit_stays(attributes: dict[str, Any]) -> None:
    from hostsdk.native.written_out import write_out

    assert write_out(network("GroupNormalization", 18, 4, **attributes), HERE) == 0


def test_factors_may_be_constants_of_nodes() -> None:
    from onnx import helper

    from hostsdk.native.written_out import write_out

    model = network("GroupNormalization", 21, 8, **GROUPED)
    wanted = computed(model)
    for number, constant in enumerate(list(model.graph.initializer)):
        model.graph.node.insert(number, helper.make_node("Constant", [], [constant.name], value=constant))
    del model.graph.initializer[:]
    assert write_out(model, HERE) == 1
    np.testing.assert_allclose(computed(model), wanted, rtol=1e-4, atol=1e-5)


def test_factors_may_lie_in_a_file_beside_the_network(tmp_path: Path) -> None:
    import onnx

    from hostsdk.native.network import Shapes, ready

    model = network("GroupNormalization", 21, 8, **GROUPED)
    wanted = computed(model)
    beside = tmp_path / "large"
    beside.mkdir()
    onnx.save(model, beside / "net.onnx", save_as_external_data=True, location="weights", size_threshold=0)
    made, _ = ready(beside / "net.onnx", tmp_path, Shapes())
    assert "GroupNormalization" not in {node.op_type for node in onnx.load(made).graph.node}
    np.testing.assert_allclose(computed(onnx.load(made)), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("inputs", [[], ["nowhere"], ["x"], ["x", "c0"], [""]])
@pytest.mark.parametrize("kind", ["GroupNormalization", "Mish", "Einsum"])
def test_nodes_that_are_no_such_operations_stop_nothing(kind: str, inputs: list[str]) -> None:
    from hostsdk.native.written_out import write_out

    model = network(kind, 21, 8, equation=3, num_groups=4)
    model.graph.node[0].input[:] = inputs
    assert write_out(model, HERE) == (kind == "Mish" and inputs[:1] == ["x"])


def test_one_whose_factors_are_computed_stays() -> None:
    from onnx import helper

    from hostsdk.native.written_out import write_out

    model = network("GroupNormalization", 21, 8, **GROUPED)
    model.graph.node[0].input[1] = "computed"
    model.graph.node.insert(0, helper.make_node("Identity", ["c0"], ["computed"]))
    assert write_out(model, HERE) == 0


def test_the_htp_takes_all_of_them(tmp_path: Path) -> None:
    import onnx
    from onnx import compose

    from tests.hostsdk.tools.conftest import run_tool, succeeded

    parts = [
        network("GroupNormalization", 21, 8, **GROUPED),
        *(network(kind, 21) for kind in ("Mish", "Softsign", "Celu")),
    ]
    whole = parts[0]
    for number, part in enumerate(parts[1:]):
        renamed = compose.add_prefix(part, f"n{number}_")
        whole = compose.merge_models(whole, renamed, [(whole.graph.output[0].name, f"n{number}_x")])
    onnx.save(whole, tmp_path / "all.onnx")
    succeeded(run_tool("snpe-onnx-to-dlc", "-i", "all.onnx", "-o", "all.dlc", cwd=tmp_path))
