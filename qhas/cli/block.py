"""`qhas block`: a decoder block of a language model with its own weights, as a float ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qhas.cli.frame import Exit, command
from qhas.cli.screen import console
from qhas.failures import InvalidInput
from qhas.llm.attention import Pass
from qhas.llm.float_draft import FloatDraft
from qhas.llm.graphs import blocks
from qhas.llm.real_weights import block_weights
from qhas.network.architecture import read_architecture
from qhas.network.recipe import Recipe
from qhas.sweep.language import LONGEST

_FLOAT_BYTES = 4
_LARGEST = 1_900_000_000
"""Maximum size in bytes: an ONNX file holds 2 GB."""


@command
def block(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="config.json of the model.")],
    weights: Annotated[list[Path], typer.Argument(metavar="SAFETENSORS", help="Files with its weights.")],
    onnx: Annotated[Path, typer.Option(help="The ONNX to write.")],
    number: Annotated[int, typer.Option(min=0, help="Which block; the first is 0.")] = 0,
    context: Annotated[int, typer.Option(min=1, max=LONGEST, help="Tokens of the whole context.")] = 512,
    tokens: Annotated[int, typer.Option(min=1, max=LONGEST, help="New tokens per pass; 1 for decoding.")] = 1,
) -> Exit:
    """Write a decoder block of a language model with its real weights as a float ONNX.

    It can be profiled and checked like any other ONNX.
    """
    arch = read_architecture(config)
    if tokens > context:
        raise InvalidInput(
            f"--tokens {tokens} exceeds the context of {context} tokens, which includes the new ones."
        )
    if (size := arch.block_parameters * _FLOAT_BYTES) > _LARGEST:
        raise InvalidInput(
            f"A block has {size / 1e9:.1f} GB of weights in floats, but an ONNX file holds at most 2 GB; use a smaller model."
        )
    if onnx.is_dir() or not onnx.absolute().parent.is_dir():
        raise InvalidInput(f"--onnx {onnx}: name a file in a folder that exists.")
    with block_weights(weights, arch, number) as own:
        draft = blocks(arch, Recipe(), Pass(tokens, context), 1, FloatDraft(own.value))
    draft.write(onnx)
    console.print(
        f"{onnx}: block {number} for {tokens} tokens at context {context:,}, in floats. To check it against ONNX Runtime: qhas profile {onnx} "
        "--soc sm8750 --quantize w8a16",
        soft_wrap=True, markup=False, highlight=False,
    )  # fmt: skip
    return Exit.GOOD
