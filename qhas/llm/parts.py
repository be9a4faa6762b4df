"""The parts of a model that are compiled, so that the whole can be scaled from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from qhas.failures import InvalidInput
from qhas.llm import graphs
from qhas.llm.attention import Pass
from qhas.llm.draft import Draft
from qhas.network.architecture import Architecture
from qhas.network.recipe import Recipe, WeightBits
from qhas.sweep.language import LONGEST, MOST_BLOCKS, PROMPT
from qhas.sweep.spec import PrepareOptions
from qhas.units import counted

_LARGEST = 1_900_000_000
"""The most bytes of weights in a graph: an ONNX file holds 2 GB."""


class Kind(StrEnum):
    """What a graph contains."""

    BLOCKS = "blocks"
    HEAD = "head"
    LOOK_UP = "look-up"


@dataclass(frozen=True)
class Part:
    """A graph of a model. `context` and `count` apply to blocks only."""

    kind: Kind
    tokens: int
    context: int = 0
    count: int = 0

    def draft(self, arch: Architecture, recipe: Recipe) -> Draft:
        """Draw the graph. Raises InvalidInput, before anything is drawn, if it is too large for a file."""
        self._require_room(arch, recipe)
        match self.kind:
            case Kind.BLOCKS:
                return graphs.blocks(arch, recipe, Pass(self.tokens, self.context), self.count)
            case Kind.HEAD:
                return graphs.head(arch, recipe, self.tokens)
            case Kind.LOOK_UP:
                return graphs.look_up(arch, recipe, self.tokens)

    def _require_room(self, arch: Architecture, recipe: Recipe) -> None:
        remedies, size = list[str](), 0
        if self.kind is Kind.BLOCKS:
            size = self.count * arch.block_parameters * recipe.weights // 8
            remedies += ["--layers 1"] * (self.count > 1) + ["--weights 4"] * (
                recipe.weights > WeightBits.FOUR
            )
        elif self.kind is Kind.HEAD:
            size = arch.head_parameters * recipe.head // 8
            remedies += ["--head 4"] * (recipe.head > WeightBits.FOUR)
        if size > _LARGEST:
            hint = (
                f"; use {' or '.join(remedies)}" if remedies else ": a model this large cannot be estimated"
            )
            raise InvalidInput(
                f"A graph of {self.label} has {size / 1e9:,.1f} GB of weights, but an ONNX file holds at most 2 GB{hint}."
            )

    @property
    def label(self) -> str:
        """The part in words, as in `2 blocks for 128 tokens at context 4,096`."""
        what = {Kind.BLOCKS: counted(self.count, "block"), Kind.HEAD: "the head", Kind.LOOK_UP: "the look-up"}
        at = f" at context {self.context:,}" if self.context else ""
        return f"{what[self.kind]} for {counted(self.tokens, 'token')}{at}"


@dataclass(frozen=True)
class Question:
    """A model, how it is lowered to the HTP, and the contexts to estimate it at."""

    name: str
    arch: Architecture
    recipe: Recipe
    contexts: tuple[int, ...] = (4096,)
    prompt: int = PROMPT
    """New tokens in a pass of prefill."""
    count: int = 2
    """Blocks in the larger graph."""
    prepare: PrepareOptions = field(default_factory=PrepareOptions)

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST_BLOCKS:
            raise InvalidInput(f"--layers {self.count}: it must be from 1 to {MOST_BLOCKS} blocks.")
        if self.prompt < 2:
            raise InvalidInput(f"--prompt {self.prompt}: a prefill pass needs at least 2 tokens.")
        for context in self.contexts:
            if not self.prompt <= context <= LONGEST:
                raise InvalidInput(
                    f"--context {context}: it must be from {self.prompt} tokens, a prefill pass, to {LONGEST:,}."
                )

    def ends(self, tokens: int) -> tuple[Part, Part]:
        """Return the parts before and after the blocks of a pass."""
        return Part(Kind.LOOK_UP, tokens), Part(Kind.HEAD, tokens)

    def blocks(self, tokens: int, context: int) -> tuple[Part, Part]:
        """Return the parts of one block and of several; they are equal if only one block is compiled."""
        return Part(Kind.BLOCKS, tokens, context, 1), Part(Kind.BLOCKS, tokens, context, self.count)

    @property
    def parts(self) -> list[Part]:
        """Every graph once, those that are refused soonest coming first."""
        passes = (1, self.prompt)
        parts = [part for tokens in passes for part in self.ends(tokens)]
        parts += [part for at in self.contexts for tokens in passes for part in self.blocks(tokens, at)]
        order = {Kind.LOOK_UP: 0, Kind.BLOCKS: 1, Kind.HEAD: 2}
        return sorted(dict.fromkeys(parts), key=lambda part: (order[part.kind], part.count))
