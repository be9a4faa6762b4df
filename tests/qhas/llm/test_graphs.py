"""Graphs of a model: in every family and recipe, shapes agree from the first node to the last."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from qhas.llm import graphs
from qhas.llm.attention import Pass
from qhas.network.architecture import read_architecture
from qhas.network.families import FAMILIES
from qhas.network.recipe import ActivationBits, Attention, Projections, Recipe, WeightBits

DECODE, PREFILL = Pass(1, 32), Pass(8, 32)
TYPES = {"tensor(uint16)": np.uint16, "tensor(uint8)": np.uint8, "tensor(int32)": np.int32}


def inferred(draft, path):
    draft.write(path)
    model = onnx.load(path)
    onnx.checker.check_model(model)
    return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)


@pytest.mark.parametrize("family", FAMILIES)
def test_blocks_of_every_family_are_sound(config, tmp_path, family):
    arch = read_architecture(
        config(model_type=family, partial_rotary_factor=0.5, attn_logit_softcapping=50.0)
    )
    for size in (DECODE, PREFILL):
        model = inferred(graphs.blocks(arch, Recipe(), size, 2), tmp_path / "blocks.onnx")
        assert "Softmax" in {node.op_type for node in model.graph.node}


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(weights=WeightBits.EIGHT),
        Recipe(activations=ActivationBits.EIGHT),
        Recipe(cache=ActivationBits.SIXTEEN),
        Recipe(projections=Projections.CONV),
        Recipe(attention=Attention.SPLIT),
    ],
    ids=["w8", "a8", "cache 16", "conv", "split"],
)
def test_every_recipe_runs_and_gives_out_the_new_keys_alone(arch, tmp_path, recipe):
    path = tmp_path / "blocks.onnx"
    graphs.blocks(arch, recipe, PREFILL, 1).write(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    values = {each.name: np.ones(each.shape, TYPES[each.type]) for each in session.get_inputs()}
    shapes = dict(
        zip(
            [each.name for each in session.get_outputs()],
            [out.shape for out in session.run(None, values)],
            strict=True,
        )
    )
    assert shapes["hidden"] == (1, 8, 64)
    assert shapes["b0_keys_new"] == (1, 2, 16, 8)
    assert shapes["b0_values_new"] == (1, 2, 8, 16)


def test_the_ends_of_a_model_are_sound(arch, tmp_path):
    inferred(graphs.head(arch, Recipe(), 1), tmp_path / "head.onnx")
    inferred(graphs.look_up(arch, Recipe(), 8), tmp_path / "look-up.onnx")


def test_a_cache_of_nothing_is_no_input(arch, tmp_path):
    model = inferred(graphs.blocks(arch, Recipe(), Pass(8, 8), 1), tmp_path / "blocks.onnx")
    assert not [each.name for each in model.graph.input if "past" in each.name]


def test_a_digest_is_of_all_that_is_compiled(arch):
    digests = {
        graphs.blocks(arch, recipe, size, count).digest
        for recipe in (Recipe(), Recipe(weights=WeightBits.EIGHT))
        for size in (DECODE, PREFILL)
        for count in (1, 2)
    }
    assert len(digests) == 8
    assert graphs.blocks(arch, Recipe(), DECODE, 1).digest in digests


def test_the_same_graph_has_the_same_bytes(arch, tmp_path):
    for name in ("first", "second"):
        graphs.head(arch, Recipe(), 1).write(tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
