"""Published models: the decisive keys of their Hugging Face configurations, and their authors' parameter counts."""

from __future__ import annotations

from typing import Any, NamedTuple


class Published(NamedTuple):
    """`billions` counts all weights; if `tied`, the look-up table is also the projection to the vocabulary."""

    billions: float
    tied: bool
    config: dict[str, Any]


def _model(
    model_type: str, widths: tuple[int, int, int, int, int | None, int], act: str = "silu", **more: Any
) -> dict[str, Any]:
    names = (
        "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "vocab_size",
    )  # fmt: skip
    said = {"model_type": model_type, "hidden_act": act, "torch_dtype": "bfloat16", "use_cache": True}
    return said | dict(zip(names, widths, strict=True)) | more


_LLAMA3_ROPE = {
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "original_max_position_embeddings": 8192,
    "rope_type": "llama3",
}
_LLAMA = _model(
    "llama", (4096, 14336, 32, 32, 8, 128256), rope_scaling=_LLAMA3_ROPE, attention_bias=False, mlp_bias=False
)
_SU = {"long_factor": [1.1] * 48, "short_factor": [1.0] * 48, "type": "su"}
_GELU = {"hidden_activation": "gelu_pytorch_tanh", "head_dim": 256}
PUBLISHED = {
    "Llama 3.1 8B": Published(8.03, False, _LLAMA),
    "Llama 3.1 8B, AWQ": Published(
        8.03, False, _LLAMA | {"quantization_config": {"bits": 4, "group_size": 128, "quant_method": "awq"}}
    ),
    "Mistral 7B v0.3": Published(
        7.248, False, _model("mistral", (4096, 14336, 32, 32, 8, 32768), sliding_window=None)
    ),
    "Mistral Nemo": Published(12.248, False, _model("mistral", (5120, 14336, 40, 32, 8, 131072), head_dim=128)),
    "Qwen2.5 7B": Published(
        7.616,
        False,
        _model("qwen2", (3584, 18944, 28, 28, 4, 152064), sliding_window=131072, use_sliding_window=False),
    ),
    "Qwen3 8B": Published(
        8.191, False, _model("qwen3", (4096, 12288, 36, 32, 8, 151936), head_dim=128, rope_scaling=None)
    ),
    "Qwen3 0.6B": Published(0.596, True, _model("qwen3", (1024, 3072, 28, 16, 8, 151936), head_dim=128)),
    "Qwen2 VL 2B, text part": Published(
        1.544, True, _model("qwen2_vl", (1536, 8960, 28, 12, 2, 151936), rope_scaling={"type": "mrope"})
    ),
    "Phi-3 mini": Published(3.821, False, _model("phi3", (3072, 8192, 32, 32, 32, 32064), rope_scaling=_SU)),
    "Phi-4 mini": Published(
        3.836, True, _model("phi3", (3072, 8192, 32, 24, 8, 200064), partial_rotary_factor=0.75, rope_scaling=_SU)
    ),
    "Gemma 2B": Published(
        2.506, True, _model("gemma", (2048, 16384, 18, 8, 1, 256000), act="gelu", head_dim=256)
    ),
    "Gemma 2 2B": Published(
        2.614, True, _model("gemma2", (2304, 9216, 26, 8, 4, 256000), act="gelu_pytorch_tanh", **_GELU)
    ),
}  # fmt: skip
OTHERS = (
    "qwen3_moe", "mixtral", "phimoe", "gemma3", "deepseek_v2", "olmo2", "granite", "mamba", "gpt2", "t5", "whisper",
)  # fmt: skip
"""Kinds of model whose blocks are not supported."""
