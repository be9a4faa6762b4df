"""`qhas llm`: tokens per second of a language model on SoCs, from its config.json alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from qhas.cli.frame import Exit, command, print_json
from qhas.cli.options import JsonOption, SiteOption
from qhas.cli.screen import console
from qhas.cli.tables.turned import fitting
from qhas.cli.tune import SdkOption, trial_bar
from qhas.estimate.bench import asked_soc
from qhas.failures import InvalidInput
from qhas.llm.ask import ask
from qhas.llm.model import LlmAnswer, Outlook
from qhas.llm.parts import Question
from qhas.llm.subject import open_llm_bench
from qhas.llm.table import expected_rows, expected_sentences, figure_rows, share_rows
from qhas.network.architecture import name_of, read_architecture
from qhas.network.recipe import ActivationBits, Attention, Projections, Recipe, WeightBits
from qhas.site import load_site
from qhas.sweep.language import CONTEXT, PROMPT
from qhas.truth.calibration import Unknown


@command
def llm(
    config: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG", help="The model's config.json, as on Hugging Face; no weights needed."
        ),
    ],
    soc: Annotated[list[str], typer.Option(help="SoC, e.g. sm8750; repeatable.")],
    context: Annotated[
        list[int] | None, typer.Option(help=f"Tokens in the whole context; repeatable; default {CONTEXT}.")
    ] = None,
    weights: Annotated[int, typer.Option(help="Bits of weights: 4 or 8.")] = WeightBits.FOUR,
    activations: Annotated[int, typer.Option(help="Bits of activations: 16 or 8.")] = ActivationBits.SIXTEEN,
    cache: Annotated[
        int, typer.Option(help="Bits of cached keys and values: 8 or 16.")
    ] = ActivationBits.EIGHT,
    head: Annotated[
        int, typer.Option(help="Bits of the weights of the projection to the vocabulary: 8 or 4.")
    ] = WeightBits.EIGHT,
    projections: Annotated[Projections, typer.Option(help="Op of the projections.")] = Projections.MATMUL,
    attention: Annotated[
        Attention, typer.Option(help="One MatMul for all heads of a layer, or one per head.")
    ] = Attention.GROUPED,
    prompt: Annotated[int, typer.Option(help="Tokens per prefill pass.")] = PROMPT,
    layers: Annotated[int, typer.Option(help="Decoder blocks of the larger graph that is compiled.")] = 2,
    html: Annotated[Path | None, typer.Option(help="Also write an HTML page to this file.")] = None,
    sdk: SdkOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Estimate a language model from its config.json: tokens per second, time to first token, DRAM bytes per token.

    A few of its blocks are compiled, and their figures scaled to the whole model.
    """
    recipe = Recipe(
        weights=_weights("--weights", weights),
        activations=_activations("--activations", activations),
        cache=_activations("--cache", cache),
        head=_weights("--head", head),
        projections=projections,
        attention=attention,
    )
    contexts = tuple(dict.fromkeys(context or [CONTEXT]))
    socs = list(dict.fromkeys(map(asked_soc, soc)))
    question = Question(name_of(config), read_architecture(config), recipe, contexts, prompt, layers)
    if html and (html.is_dir() or not html.absolute().parent.is_dir()):
        raise InvalidInput(f"--html {html}: name a file in a folder that exists.")
    with (
        open_llm_bench(load_site(site), sdk, socs) as (estimator, folder),
        trial_bar(as_json=as_json) as progress,
    ):
        answer = ask(question, socs, estimator, folder, progress)
    if html:
        from qhas.report.llm_page import (
            page,
        )  # templates and Plotly take half a second to import; other answers do not need them

        html.write_text(page(answer), encoding="utf-8")
    if as_json:
        print_json(document(answer))
    else:
        _show(answer)
    return Exit.GOOD


def document(answer: LlmAnswer) -> dict[str, object]:
    """Return the answer with the figures that follow from it."""
    whole = answer.model_dump(mode="json")
    names = ("decode_tokens_per_s", "prefill_tokens_per_s", "first_token_ms", "first_token_full_ms")
    for row, figures in zip(whole["figures"], answer.figures, strict=True):
        row |= {name: round(getattr(figures, name), 3) for name in names}
    return whole | {
        "sentence": answer.sentence,
        "notes": answer.notes,
        "measured": answer.measured,
        "expected": [_expected(each) for each in answer.expected],
    }


def _expected(each: Outlook) -> dict[str, object]:
    figure = "decode_tokens_per_s" if each.whole.decodes else "first_token_ms"
    place = {"soc": each.soc, "context": each.context, "figure": figure}
    if isinstance(each.answer, Unknown):
        return place | {"by_runtime": [], "why": each.answer.sentence}
    return place | {"by_runtime": [expectation.document for expectation in each.answer]}


def _weights(option: str, bits: int) -> WeightBits:
    try:
        return WeightBits(bits)
    except ValueError:
        raise InvalidInput(f"{option} {bits}: weights must have {_bits(WeightBits)} bits.") from None


def _activations(option: str, bits: int) -> ActivationBits:
    try:
        return ActivationBits(bits)
    except ValueError:
        raise InvalidInput(f"{option} {bits}: choose {_bits(ActivationBits)} bits.") from None


def _bits(kind: type[WeightBits | ActivationBits]) -> str:
    return " or ".join(str(int(member)) for member in kind)


def _show(answer: LlmAnswer) -> None:
    for titles, rows in (figure_rows(answer), expected_rows(answer), share_rows(answer)):
        for table in fitting([titles, *rows], console.width) if rows else ():
            console.print(table)
    for failure in answer.failed:
        text = f"no figures for {failure.soc} at context {failure.context:,}: {failure.why}"
        console.print(Text(text, "yellow"), soft_wrap=True)
    for sentence in (
        f"{answer.model}, {answer.recipe.name}.",
        answer.sentence,
        *expected_sentences(answer),
        *answer.notes,
        *answer.measured,
    ):
        console.print(Text(sentence), soft_wrap=True)
