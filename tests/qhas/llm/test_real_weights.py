"""A block with its own weights computes what the model's authors say it does."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from qhas.failures import InvalidInput
from qhas.llm.attention import Pass
from qhas.llm.float_draft import FloatDraft
from qhas.llm.graphs import blocks
from qhas.llm.real_weights import block_weights
from qhas.network.architecture import Architecture, read_architecture
from qhas.network.recipe import Recipe

pytest.importorskip("safetensors", reason="weights are read by it")
SIZE = Pass(4, 16)
PLACE = "model.layers.1"


def tensors(arch: Architecture) -> dict[str, Any]:
    """The tensors of block 1 in bfloat16."""
    import ml_dtypes

    dice, head = np.random.default_rng(7), arch.head_dim
    shapes = {
        "input_layernorm": (arch.hidden,), "post_attention_layernorm": (arch.hidden,),
        "self_attn.q_proj": (arch.heads * head, arch.hidden), "self_attn.k_proj": (arch.kv_heads * head, arch.hidden),
        "self_attn.v_proj": (arch.kv_heads * head, arch.hidden), "self_attn.o_proj": (arch.hidden, arch.heads * head),
        "mlp.gate_proj": (arch.intermediate, arch.hidden), "mlp.up_proj": (arch.intermediate, arch.hidden),
        "mlp.down_proj": (arch.hidden, arch.intermediate),
    }  # fmt: skip
    if arch.family.head_norms:
        shapes |= {"self_attn.q_norm": (head,), "self_attn.k_norm": (head,)}
    made = {
        f"{PLACE}.{name}.weight": dice.normal(1 if len(shape) == 1 else 0, 0.2, shape).astype(
            ml_dtypes.bfloat16
        )
        for name, shape in shapes.items()
    }
    if arch.qkv_bias:
        made |= {
            f"{PLACE}.self_attn.{part}_proj.bias": dice.normal(
                0, 0.2, shapes[f"self_attn.{part}_proj"][0]
            ).astype(ml_dtypes.bfloat16)
            for part in "qkv"
        }
    return made


def packed(own: dict[str, Any]) -> dict[str, Any]:
    """The same tensors, concatenated and named as Phi-3 does."""
    made = dict(own)
    for name, parts in (("self_attn.qkv_proj", "q k v"), ("mlp.gate_up_proj", "gate up")):
        room = name.partition(".")[0]
        made[f"{PLACE}.{name}.weight"] = np.concatenate(
            [made.pop(f"{PLACE}.{room}.{part}_proj.weight") for part in parts.split()]
        )
    return made


def written(path: Path, own: dict[str, Any]) -> Path:
    from safetensors.numpy import save_file

    save_file(own, path)
    return path


def drawn(path: Path, arch: Architecture) -> tuple[dict[str, Any], dict[str, Any]]:
    """Random inputs, and the outputs that ONNX Runtime computes from them."""
    with block_weights([path], arch, 1) as own:
        draft = blocks(arch, Recipe(), SIZE, 1, FloatDraft(own.value))
    onnx = path.with_suffix(".onnx")
    draft.write(onnx)
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    dice = np.random.default_rng(3)
    inputs = {each.name: dice.normal(0, 1, each.shape).astype(np.float32) for each in session.get_inputs()}
    outputs = session.run(None, inputs)
    return inputs, dict(zip([each.name for each in session.get_outputs()], outputs, strict=True))


def computed(inputs: dict[str, Any], own: dict[str, Any], arch: Architecture) -> Any:
    """Compute the block as Transformers does: LlamaDecoderLayer, with Qwen's additions if their tensors are there."""
    value = {name.removeprefix(f"{PLACE}."): each.astype(np.float32) for name, each in own.items()}

    def normed(tensor: Any, name: str) -> Any:
        if f"{name}.weight" not in value:
            return tensor
        return tensor / np.sqrt((tensor**2).mean(-1, keepdims=True) + 1e-5) * value[f"{name}.weight"]

    def projected(tensor: Any, name: str) -> Any:
        return tensor @ value[f"{name}.weight"].T + value.get(f"{name}.bias", 0)

    def heads(part: str, count: int) -> Any:
        split = (
            projected(tokens, f"self_attn.{part}_proj").reshape(-1, count, arch.head_dim).transpose(1, 0, 2)
        )
        return normed(split, f"self_attn.{part}_norm")

    def rotated(tensor: Any) -> Any:
        one, two = np.split(tensor, 2, axis=-1)
        cosines, sines = inputs["cosines"][0, 0], inputs["sines"][0, 0]
        return np.concatenate([one * cosines - two * sines, two * cosines + one * sines], -1)

    tokens = normed(inputs["tokens"][0], "input_layernorm")
    keys = np.concatenate(
        [inputs["b0_keys_past"][0].transpose(0, 2, 1), rotated(heads("k", arch.kv_heads))], 1
    )
    values = np.concatenate([inputs["b0_values_past"][0], heads("v", arch.kv_heads)], 1)
    keys, values = (np.repeat(each, arch.group, 0) for each in (keys, values))
    mask = inputs["mask"][0, 0].reshape(arch.group, SIZE.tokens, -1)
    mask = np.concatenate([mask] * arch.kv_heads)
    scores = rotated(heads("q", arch.heads)) @ keys.transpose(0, 2, 1) / np.sqrt(arch.head_dim) + mask
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = (shares / shares.sum(-1, keepdims=True) @ values).transpose(1, 0, 2).reshape(SIZE.tokens, -1)
    hidden = inputs["tokens"][0] + projected(mixed, "self_attn.o_proj")
    after = normed(hidden, "post_attention_layernorm")
    gate = projected(after, "mlp.gate_proj")
    return hidden + projected(gate / (1 + np.exp(-gate)) * projected(after, "mlp.up_proj"), "mlp.down_proj")


@pytest.mark.parametrize("model_type", ["llama", "qwen2", "qwen3"])
def test_a_block_computes_what_its_authors_write(config: Any, tmp_path: Path, model_type: str) -> None:
    arch = read_architecture(config(model_type=model_type))
    own = tensors(arch)
    inputs, outputs = drawn(written(tmp_path / "model.safetensors", own), arch)
    assert np.allclose(outputs["hidden"][0], computed(inputs, own, arch), atol=1e-3, rtol=1e-3)


def test_packed_projections_are_the_same(config: Any, tmp_path: Path) -> None:
    arch = read_architecture(config(model_type="phi3"))
    own = tensors(arch)
    _, apart = drawn(written(tmp_path / "apart.safetensors", own), arch)
    _, together = drawn(written(tmp_path / "packed.safetensors", packed(own)), arch)
    assert np.array_equal(apart["hidden"], together["hidden"])


@pytest.mark.parametrize(
    ("changed", "number", "said"),
    [
        ({}, 5, "There is no block 5"),
        ({"intermediate_size": 98}, 1, "give the config.json of these weights"),
        ({"model_type": "qwen2"}, 1, "There is no tensor model.layers.1.self_attn.q_proj.bias"),
        ({"model_type": "gemma"}, 1, "Weights of Gemma are not supported"),
    ],
)
def test_weights_of_another_model_are_refused(
    config: Any, tmp_path: Path, changed: dict[str, Any], number: int, said: str
) -> None:
    path = written(tmp_path / "model.safetensors", tensors(read_architecture(config())))
    arch = read_architecture(config(**changed))
    with pytest.raises(InvalidInput, match=said) as refused, block_weights([path], arch, number) as own:
        blocks(arch, Recipe(), SIZE, 1, FloatDraft(own.value))
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize("content", [b"", b"\xff" * 64, b"\x08\0\0\0\0\0\0\0{notjson"])
def test_what_is_no_file_of_weights_is_refused_in_a_sentence(
    config: Any, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    arch = read_architecture(config())
    with (
        pytest.raises(InvalidInput, match=r"(is empty|cannot be read as safetensors).*name the model's"),
        block_weights([path], arch, 0),
    ):
        pass


@pytest.mark.parametrize("kind", ["F8_E4M3", "F8_E5M2", "I8", "I32", "I64", "BOOL"])
def test_tensors_that_are_no_floats_are_refused_with_their_type(kind: str, tmp_path: Path) -> None:
    size = {"I32": 4, "I64": 8}.get(kind, 1) * 64
    file = raw(tmp_path / "w.safetensors", "layers.0.self_attn.q_proj.weight", kind, [8, 8], size)
    with pytest.raises(InvalidInput, match=f"q_proj.weight has type {kind}, but only F16, .* can be read"):
        value_of(file)


@pytest.mark.parametrize("shape", [[], [1 << 20, 1 << 20]])
def test_a_tensor_of_no_shape_that_the_block_has_is_not_read(shape: list[int], tmp_path: Path) -> None:
    size = 4 * math.prod(shape)
    try:
        file = raw(tmp_path / "w.safetensors", "layers.0.self_attn.q_proj.weight", "F32", shape, size)
    except OSError:
        pytest.skip("this disk holds no file of four terabytes, not even of nothing")
    with pytest.raises(InvalidInput, match="values, which no tensor of this block has"):
        value_of(file)


def raw(path: Path, name: str, kind: str, shape: list[int], size: int) -> Path:
    """A safetensors file with one tensor of zeros, sparse so that it takes no space."""
    header = json.dumps({name: {"dtype": kind, "shape": shape, "data_offsets": [0, size]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    os.truncate(path, 8 + len(header) + size)
    return path


def value_of(file: Path) -> Any:
    arch = Architecture(
        model_type="llama", hidden=64, intermediate=128, layers=1, heads=4, kv_heads=4, head_dim=16, rotary=16,
        vocabulary=128, qkv_bias=False,
    )  # fmt: skip
    with block_weights([file], arch, 0) as own:
        return own.value("b0_q_weight", (64, 64))
