"""A decoder block's own weights, from safetensors files in Hugging Face's naming."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from math import prod, sqrt
from pathlib import Path
from typing import Any

from qhas.failures import InvalidInput
from qhas.network.architecture import Architecture
from qhas.outside_text import shown

_PROJECTIONS = {
    "q": "self_attn.q_proj",
    "k": "self_attn.k_proj",
    "v": "self_attn.v_proj",
    "out": "self_attn.o_proj",
    "gate": "mlp.gate_proj",
    "up": "mlp.up_proj",
    "down": "mlp.down_proj",
}
"""Keyed by the name of the drawn node."""
_PACKED = {"self_attn.qkv_proj": ("q", "k", "v"), "mlp.gate_up_proj": ("gate", "up")}
"""In Phi-3, several projections are stored under one name."""
_NORMS = ("input_layernorm", "post_attention_layernorm")
_HEAD_NORMS = ("input_layernorm", "self_attn.q_norm", "self_attn.k_norm", "post_attention_layernorm")
"""In the order in which they are drawn."""
_FLOATS = ("F16", "BF16", "F32", "F64")
"""Float types as safetensors names them; integers and 8-bit floats keep their scales elsewhere."""
_UNKNOWN = ("gemma", "gemma2")
"""Model types whose gains and score scale are stored differently."""


class BlockWeights:
    """The values of one block. `files` are open safetensors files, `number` is the block's, from 0."""

    def __init__(self, files: Sequence[Any], arch: Architecture, number: int) -> None:
        self._arch = arch
        self._by_name = {name: file for file in files for name in file.keys()}  # noqa: SIM118  # not a mapping
        self._prefix = self._place_of(number)
        self._norms = iter(_HEAD_NORMS if arch.family.head_norms else _NORMS)

    def value(self, node: str, dims: Sequence[int]) -> Any:
        """Return the values of a block's node as float32 of these dimensions.

        Raises InvalidInput if the tensor is missing, cannot be used or has another shape.
        """
        import numpy as np

        part, what = node.removeprefix("b0_").rsplit("_", 1)
        if part == "norm":
            name = next(self._norms)
            value = self._tensor(f"{name}.weight") * (self._scale if name.endswith("q_norm") else 1)
        else:
            value = self._projection(part, what)
            if part == "q" and not self._arch.family.head_norms:
                value = value * self._scale
        value = np.ascontiguousarray(value.T if what == "weight" else value, np.float32)
        if value.shape != tuple(dims):
            raise InvalidInput(
                f"{self._prefix}: {part} has {' x '.join(map(str, value.shape))} values, but the configuration says "
                f"{' x '.join(map(str, dims))}; give the config.json of these weights."
            )
        return value

    @property
    def _scale(self) -> float:
        """The scale of the scores: the root of the head width, applied to the queries."""
        return 1 / sqrt(self._arch.head_dim)

    def _projection(self, part: str, what: str) -> Any:
        if f"{self._prefix}.{(own := f'{_PROJECTIONS[part]}.{what}')}" in self._by_name:
            return self._tensor(own)
        arch = self._arch
        widths = {"q": arch.heads * arch.head_dim, "gate": arch.intermediate, "up": arch.intermediate}
        for packed, parts in _PACKED.items():
            if part in parts and f"{self._prefix}.{packed}.{what}" in self._by_name:
                start = sum(
                    widths.get(each, arch.kv_heads * arch.head_dim) for each in parts[: parts.index(part)]
                )
                width = widths.get(part, arch.kv_heads * arch.head_dim)
                return self._tensor(f"{packed}.{what}", start, start + width)
        return self._tensor(own)

    def _tensor(self, name: str, start: int = 0, end: int | None = None) -> Any:
        """Read rows of a tensor as float32; refuse one that is not of floats, or larger than any of this block."""
        full = f"{self._prefix}.{name}"
        if full not in self._by_name:
            raise InvalidInput(
                f"There is no tensor {full} in these files; give all files of the model, or those of its block."
            )
        stored = self._by_name[full].get_slice(full)
        kind, shape = str(stored.get_dtype()), tuple(stored.get_shape())
        if kind not in _FLOATS:
            raise InvalidInput(
                f"{full} has type {kind}, but only {', '.join(_FLOATS)} can be read; for a quantised model, give the files of the "
                "original."
            )
        if not shape or prod(shape) > max(self._arch.block_parameters, self._arch.hidden):
            raise InvalidInput(
                f"{full} has {' x '.join(map(str, shape)) or 'a single'} values, which no tensor of this block has; give the config.json "
                "of these weights."
            )
        return stored[start:end].astype("float32")

    def _place_of(self, number: int) -> str:
        """Return the prefix of a block's tensor names, which is longer in models that also process images."""
        for name in self._by_name:
            before, found, _ = name.partition(f"layers.{number}.self_attn.")
            if found and "visual" not in before and "vision" not in before:
                return f"{before}layers.{number}"
        raise InvalidInput(
            f"There is no block {number} in these files; the first is 0, and the configuration has {self._arch.layers}; "
            "give all files of the model, or those of its block."
        )


@contextmanager
def block_weights(files: Sequence[Path], arch: Architecture, number: int) -> Iterator[BlockWeights]:
    """Open a decoder block's weights, which are valid inside the `with` block.

    Raises InvalidInput if safetensors is not installed, a file cannot be read as such, or the model type is not known.
    """
    try:
        import ml_dtypes  # noqa: F401  # makes bfloat16 known to numpy
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise InvalidInput("Weights need safetensors: pip install 'qhas-flows[weights]'.") from error
    if arch.model_type in _UNKNOWN:
        raise InvalidInput(
            f"Weights of {arch.family.title} are not supported; only blocks with seeded weights are."
        )
    with ExitStack() as opened:
        tensors = []
        for path in files:
            if not path.is_file() or not path.stat().st_size:
                fault = "is a folder" if path.is_dir() else "is empty" if path.exists() else "does not exist"
                raise InvalidInput(f"{path} {fault}; name the model's .safetensors files.")
            try:
                tensors.append(opened.enter_context(safe_open(path, framework="numpy")))
            except (OSError, MemoryError, SafetensorError) as error:
                raise InvalidInput(
                    f"{path} cannot be read as safetensors ({shown(str(error))}); name the model's .safetensors files."
                ) from error
        yield BlockWeights(tensors, arch, number)
