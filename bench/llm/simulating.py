"""Every measured architecture on every measured SoC, simulated: a run that was stopped goes on, by the store's estimates."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.llm.shapes import Shape
from hostsdk.preparation import ESTIMATE_UNSUPPORTED
from qhas.failures import InvalidInput
from qhas.llm.ask import NotMade, outcomes_of, pass_of
from qhas.llm.subject import open_llm_bench
from qhas.site import Site


def simulate(
    shapes: Sequence[Shape],
    socs: Sequence[str],
    prompts: Sequence[bool],
    site: Site,
    tell: Callable[[Shape, str, int, float, str], None],
) -> None:
    """Tell of each shape, SoC and pass its new tokens and microseconds, or why there are none."""
    os.environ[ESTIMATE_UNSUPPORTED] = "1"
    with open_llm_bench(site, None) as (estimator, folder):
        for prompt in prompts:
            for shape in shapes:
                question = shape.question
                tokens = question.prompt if prompt else 1
                parts = [*question.ends(tokens), *question.blocks(tokens, shape.context)]
                try:
                    outcomes = outcomes_of(question, parts, socs, estimator, Path(folder))
                except InvalidInput as refused:
                    tell(shape, "", tokens, 0.0, str(refused))
                    continue
                for soc in socs:
                    try:
                        figures, _ = pass_of(question, soc, tokens, shape.context, outcomes)
                        tell(shape, soc, tokens, figures.time_us, "")
                    except NotMade as refused:
                        tell(shape, soc, tokens, 0.0, str(refused))
