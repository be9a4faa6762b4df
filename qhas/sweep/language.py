"""A language model as the author of a sweep names it: its config.json, and how it is brought to the HTP."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from qhas.machine.secrets import Address
from qhas.network.recipe import Recipe

PROMPT = 128
"""New tokens of a pass that reads a prompt, as in Qualcomm's published models."""
LONGEST = 1 << 17
"""Maximum number of tokens in a context."""
MOST_BLOCKS = 8
CONTEXT = 4096
Context = Annotated[int, Field(ge=2, le=LONGEST)]


class LanguageModel(Recipe):
    """A language model: some blocks are built with seeded weights, compiled, simulated, and scaled to the whole."""

    config: Address = Field(
        title="Configuration",
        min_length=1,
        description="The model's config.json, as on Hugging Face, without weights: a path or any fsspec URL.",
    )
    context: Context = Field(
        default=CONTEXT, title="Context", description="Tokens in the whole context, including new ones."
    )
    prompt: Annotated[int, Field(ge=2, le=LONGEST)] = Field(
        default=PROMPT, title="Prompt", description="New tokens per prefill pass."
    )
    blocks: Annotated[int, Field(ge=1, le=MOST_BLOCKS)] = Field(
        default=2,
        title="Blocks",
        description="Blocks in the larger of the compiled graphs; 1 cannot separate constant costs.",
    )

    @model_validator(mode="after")
    def _holds_a_pass(self) -> Self:
        if self.context < self.prompt:
            raise ValueError(
                f"context {self.context} is shorter than a pass of prefill, which has {self.prompt} tokens; give a "
                "shorter prompt"
            )
        return self

    @property
    def recipe(self) -> Recipe:
        """Only the number formats and forms."""
        return Recipe(**{name: getattr(self, name) for name in Recipe.model_fields})

    def changed(self, options: dict[str, Any]) -> LanguageModel:
        """Return the same model with changed fields. Raises ValueError."""
        return LanguageModel.model_validate(self.model_dump() | options)


def _named(written: Any) -> Any:
    return {"config": written} if isinstance(written, str) else written


Llm = Annotated[LanguageModel | None, BeforeValidator(_named)]
"""As written in a sweep: the fields, or only the address of the config.json."""
