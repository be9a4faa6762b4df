"""What is read from a config.json, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qhas.failures import InvalidInput
from qhas.llm.attention import Pass
from qhas.llm.graphs import blocks
from qhas.network.architecture import name_of, read_architecture
from qhas.network.families import Activation
from qhas.network.recipe import Recipe
from tests.qhas.llm.published import OTHERS, PUBLISHED


def test_a_model_is_read_by_its_own_keys(config):
    arch = read_architecture(config())
    assert (arch.hidden, arch.heads, arch.kv_heads, arch.head_dim, arch.rotary) == (64, 4, 2, 16, 16)
    assert arch.block_parameters == 64 * 16 * (2 * 4 + 2 * 2) + 3 * 64 * 96


def test_a_model_is_called_as_its_folder(config):
    assert name_of(config()) == "small"
    assert name_of(Path("models/qwen3.json")) == "qwen3"


def test_without_a_number_of_keys_every_head_has_its_own(config):
    assert read_architecture(config(num_key_value_heads=None)).group == 1


@pytest.mark.parametrize("model_type", ["qwen2", "qwen2_5_vl_text"])
def test_qwen2_projects_with_a_bias_that_its_file_does_not_mention(config, model_type):
    assert read_architecture(config(model_type=model_type)).qkv_bias


def test_families_differ_in_norms_and_activation(config):
    gemma = read_architecture(config(model_type="gemma2", attn_logit_softcapping=50.0, sliding_window=4096))
    assert (gemma.family.norms_after, gemma.family.activation) == (True, Activation.GELU)
    assert (gemma.caps_scores, gemma.window) == (True, 4096)
    assert read_architecture(config(model_type="qwen3")).family.head_norms


def test_a_part_of_a_head_may_be_rotated(config):
    assert read_architecture(config(model_type="phi3", partial_rotary_factor=0.75)).rotary == 12


def test_of_a_model_that_also_sees_the_text_part_is_taken(tmp_path, config):
    inner = config(model_type="qwen3_vl_text").read_text()
    path = tmp_path / "seeing.json"
    path.write_text(f'{{"model_type": "qwen3_vl", "text_config": {inner}}}')
    assert read_architecture(path).hidden == 64


@pytest.mark.parametrize("model", PUBLISHED.values(), ids=PUBLISHED)
def test_a_published_model_has_as_many_parameters_as_its_authors_count(tmp_path, model):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(model.config))
    arch = read_architecture(path)
    tables = 1 if model.tied else 2
    count = arch.layers * arch.block_parameters + tables * arch.head_parameters
    assert count / 1e9 == pytest.approx(model.billions, rel=0.02)


@pytest.mark.parametrize("model_type", OTHERS)
def test_another_kind_of_model_is_refused_with_what_to_do(config, model_type):
    with pytest.raises(InvalidInput, match=f"model_type {model_type}.* export a graph as ONNX"):
        read_architecture(config(model_type=model_type))


def test_rotation_in_part_is_told_where_version_5_of_transformers_has_it(config):
    rope = {"rope_type": "default", "partial_rotary_factor": 0.75}
    assert read_architecture(config(model_type="phi3", rope_parameters=rope)).rotary == 12
    assert read_architecture(config(rope_parameters="odd", rope_scaling="odd")).rotary == 16


def test_a_text_part_is_taken_where_the_whole_has_no_widths(tmp_path, config):
    inner = config(model_type="qwen2_5_vl_text").read_text()
    path = tmp_path / "seeing.json"
    path.write_text(f'{{"model_type": "qwen2_5_vl", "text_config": {inner}}}')
    assert read_architecture(path).model_type == "qwen2_5_vl_text"


def test_null_is_what_a_file_leaves_unsaid(config):
    path = config()
    nulls = dict.fromkeys(
        ("head_dim", "attention_bias", "sliding_window", "use_sliding_window", "mlp_bias", "num_experts")
    )
    path.write_text(json.dumps(json.loads(path.read_text()) | nulls))
    assert read_architecture(path) == read_architecture(config())


def test_biases_are_drawn_where_a_model_has_them(config):
    plain, biased = (
        blocks(read_architecture(config(**changed)), Recipe(), Pass(1, 128), 1).weight_bytes
        for changed in ({}, {"attention_bias": True, "mlp_bias": True})
    )
    assert biased - plain == 2 * (
        (4 + 2 + 2) * 16 + 64 + 2 * 96 + 64
    )  # at 16 bits: q, k, v, out, gate and up, down
    arch = read_architecture(config(model_type="qwen2"))
    assert (arch.qkv_bias, arch.out_bias) == (True, False)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model_type": "mamba"}, "model_type mamba"),
        ({"model_type": ["llama"]}, "supported types are llama"),
        ({"model_type": None}, "no model_type"),
        ({"hidden_size": None}, "hidden_size: this key is needed"),
        ({"hidden_size": "64"}, "hidden_size"),
        ({"hidden_size": -64}, "hidden_size"),
        ({"hidden_size": True}, "hidden_size"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers"),
        ({"num_key_value_heads": 3}, "cannot share"),
        ({"num_attention_heads": 6}, "give head_dim"),
        ({"intermediate_size": 97}, "97 is odd"),
        ({"vocab_size": 500.5}, "vocab_size"),
        ({"vocab_size": 10**18}, "vocab_size"),
        ({"num_key_value_heads": [2] * 16}, "num_key_value_heads"),
        ({"hidden_act": "relu"}, "hidden_act is relu, and blocks of Llama are supported only with silu"),
        ({"hidden_act": "gelu", "model_type": "qwen3"}, "hidden_act is gelu"),
        ({"hidden_act": "silu", "model_type": "gemma"}, "supported only with gelu"),
        (
            {"num_local_experts": 8},
            "num_local_experts is 8, and blocks with several experts are not supported",
        ),
        ({"num_experts": 64, "model_type": "qwen2"}, "num_experts is 64"),
    ],
)
def test_an_impossible_file_is_refused_in_a_sentence(config, changed, said):
    with pytest.raises(InvalidInput, match=said) as refused:
        read_architecture(config(**changed))
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"model_type": "\x1b[31m"}',
        b'{"model_type": "llama", "hidden_size": 64, "hidden_size": 32}',
        b'{"vocab_size": 1e999}',
        b'{"rope_theta": NaN}',
        b"\xef\xbb\xbf{}",
        b'{"a":' * 1000 + b"1" + b"}" * 1000,
        b'{"pad": "' + b"x" * (1 << 21) + b'"}',
    ],
)
def test_what_is_no_configuration_is_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"^The configuration .*\.$") as refused:
        read_architecture(path)
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize("path", ["/dev/zero", "/", "/nowhere/config.json"])
def test_what_is_no_file_is_refused_in_a_sentence(path):
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_architecture(Path(path))
