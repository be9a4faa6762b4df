"""The architecture of a language model: what its `config.json` from Hugging Face says about its decoder blocks."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr, ValidationError

from qhas.documents import Stored, describe
from qhas.failures import InvalidInput
from qhas.naming import safe_name
from qhas.network.families import ACTIVATION_NAMES, FAMILIES, Family
from qhas.outside_bytes import read_file
from qhas.outside_text import reason_of, shown

_LARGEST = 1 << 20
_TEXT_PART = "text_config"
_ROPE, _PARTIAL = "rope_parameters", "partial_rotary_factor"
"""Since version 5 of Transformers, the second is inside the first."""
_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")
Width = Annotated[StrictInt, Field(ge=2, le=1 << 17)]
Count = Annotated[StrictInt, Field(ge=1, le=1 << 10)]


class _Config(Stored):
    """The keys of `config.json` that matter here, under their own names."""

    hidden_size: Width
    intermediate_size: Width
    num_hidden_layers: Count
    num_attention_heads: Count
    num_key_value_heads: Count | None = None
    head_dim: Width | None = None
    vocab_size: Annotated[StrictInt, Field(ge=2, le=1 << 22)]
    partial_rotary_factor: Annotated[StrictFloat | StrictInt, Field(gt=0, le=1)] | None = None
    attention_bias: StrictBool | None = None
    mlp_bias: StrictBool | None = None
    hidden_act: StrictStr | None = None
    num_experts: StrictInt | None = None
    num_local_experts: StrictInt | None = None
    n_routed_experts: StrictInt | None = None
    attn_logit_softcapping: StrictFloat | StrictInt | None = None
    final_logit_softcapping: StrictFloat | StrictInt | None = None
    sliding_window: StrictInt | None = None
    use_sliding_window: StrictBool | None = None
    tie_word_embeddings: StrictBool | None = None


class Architecture(Stored):
    """Everything that determines the graphs of a model; widths are in elements."""

    model_config = ConfigDict(frozen=True)

    model_type: str
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    rotary: int
    """Width of the part of a head that is rotated."""
    vocabulary: int
    qkv_bias: bool
    out_bias: bool = False
    mlp_bias: bool = False
    caps_scores: bool = False
    caps_logits: bool = False
    window: int | None = None
    """Most tokens that some or all blocks attend to; the graphs attend to the whole context."""

    @property
    def family(self) -> Family:
        """The model's family, for what `config.json` does not say."""
        return FAMILIES[self.model_type]

    @property
    def group(self) -> int:
        """Number of heads that share a key and a value."""
        return self.heads // self.kv_heads

    @property
    def block_parameters(self) -> int:
        """Number of weights in the projections of a block."""
        attention = self.hidden * self.head_dim * (2 * self.heads + 2 * self.kv_heads)
        return attention + 3 * self.hidden * self.intermediate

    @property
    def head_parameters(self) -> int:
        """Number of weights in the projection to the vocabulary."""
        return self.hidden * self.vocabulary

    @property
    def cache_elements(self) -> int:
        """Elements of a block's keys and values for one token."""
        return 2 * self.kv_heads * self.head_dim


def name_of(path: Path) -> str:
    """Return the name of a model: that of its file, or of the folder if the file is called config.json."""
    stem = path.parent.resolve().name if path.stem == "config" else path.stem
    return safe_name(stem)


def is_language_model(path: Path) -> bool:
    """Whether a file states which type of model it configures, whatever the type."""
    try:
        document = orjson.loads(read_file(path, _LARGEST))
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and "model_type" in document


def read_architecture(path: Path) -> Architecture:
    """Read the architecture from a `config.json`.

    Raises InvalidInput with a sentence if there is no such file, it is not JSON, the family is not known, or a value
    is impossible.
    """
    try:
        content = read_file(path, _LARGEST)
        document = orjson.loads(content)
    except FileNotFoundError:
        raise InvalidInput(
            f"The configuration {path} cannot be read: there is no such file; correct its path."
        ) from None
    except orjson.JSONDecodeError as error:
        raise InvalidInput(
            f"The configuration {path} is not JSON ({error}); give the config.json of the model."
        ) from None
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"The configuration {path} cannot be read: {reason_of(error)}; give the config.json of the model."
        ) from error
    try:
        _require_once(content)
        return _architecture(document)
    except ValidationError as error:
        raise InvalidInput(f"The configuration {path} is not valid: {describe(error)}.") from error
    except ValueError as error:
        raise InvalidInput(f"The configuration {path} is not valid: {error}.") from error


def _require_once(content: bytes) -> None:
    """Raise ValueError if a key occurs twice: readers differ in which of the two they use."""

    def keys(pairs: list[tuple[str, Any]]) -> None:
        names = Counter(name for name, _ in pairs)
        if twice := [name for name, times in names.items() if times > 1]:
            raise ValueError(f"{shown(twice[0][:80])} occurs twice; keep one")

    try:
        json.loads(content, object_pairs_hook=keys)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _architecture(document: Any) -> Architecture:
    """Return the architecture of a parsed `config.json`. Raises ValueError with the rest of a sentence."""
    if not isinstance(document, dict):
        raise ValueError("it is not a mapping of keys to values")  # noqa: TRY004  # a fault of the file, not of a caller
    text = document.get(_TEXT_PART)
    whole = str(document.get("model_type")) in FAMILIES and "hidden_size" in document
    if isinstance(text, dict) and not whole:
        document = text
    model_type = str(document.get("model_type", ""))
    if model_type not in FAMILIES:
        kind = f"model_type {shown(model_type[:80])}" if model_type else "no model_type"
        raise ValueError(
            f"it has {kind}; supported types are {', '.join(FAMILIES)}; for others "
            "export a graph as ONNX and give it to qhas profile"
        )
    family, rope = FAMILIES[model_type], document.get(_ROPE)
    if isinstance(rope, dict):
        document = {_PARTIAL: rope.get(_PARTIAL)} | document
    config = _Config.model_validate(document)
    _require_known_block(config, family)
    kv_heads = config.num_key_value_heads or config.num_attention_heads
    if config.num_attention_heads % kv_heads:
        raise ValueError(f"{config.num_attention_heads} heads cannot share {kv_heads} keys and values evenly")
    head = config.head_dim or _share(config.hidden_size, config.num_attention_heads)
    rotary = round(head * (config.partial_rotary_factor or 1))
    odd = {"head_dim": head, "hidden_size": config.hidden_size, "intermediate_size": config.intermediate_size}
    if names := [name for name, width in odd.items() if width % 2]:
        raise ValueError(f"{names[0]}: {odd[names[0]]} is odd, and two weights of 4 bits share a byte")
    return Architecture(
        model_type=model_type,
        hidden=config.hidden_size,
        intermediate=config.intermediate_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        kv_heads=kv_heads,
        head_dim=head,
        rotary=rotary - rotary % 2,
        vocabulary=config.vocab_size,
        qkv_bias=family.qkv_bias or bool(config.attention_bias),
        out_bias=bool(config.attention_bias) and not family.qkv_bias,
        mlp_bias=bool(config.mlp_bias),
        caps_scores=bool(config.attn_logit_softcapping),
        caps_logits=bool(config.final_logit_softcapping),
        window=None if config.use_sliding_window is False else config.sliding_window,
    )


def _require_known_block(config: _Config, family: Family) -> None:
    """Raise ValueError for anything that makes the block differ from its family's."""
    if experts := [name for name in _EXPERTS if (getattr(config, name) or 0) > 1]:
        raise ValueError(
            f"{experts[0]} is {getattr(config, experts[0])}, and blocks with several experts are not supported; export a graph as ONNX "
            "and give it to qhas profile"
        )
    if config.hidden_act and config.hidden_act not in ACTIVATION_NAMES[family.activation]:
        raise ValueError(
            f"hidden_act is {shown(config.hidden_act[:80])}, and blocks of {family.title} are supported only with {family.activation}; "
            "export a graph as ONNX and give it to qhas profile"
        )


def _share(hidden: int, heads: int) -> int:
    if hidden % heads:
        raise ValueError(f"hidden_size {hidden} cannot be divided among {heads} heads; give head_dim")
    return hidden // heads
