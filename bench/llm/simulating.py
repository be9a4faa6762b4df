"""Simulation of measured architectures on SoCs; a stopped run resumes from the store's estimates."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from hostsdk.preparation import ESTIMATE_UNSUPPORTED
from qhas.failures import InvalidInput
from qhas.llm.ask import NotMade, outcomes_of, pass_of
from qhas.llm.measured import Known, Simulated
from qhas.llm.parts import Question
from qhas.llm.subject import open_llm_bench
from qhas.network.recipe import Recipe
from qhas.site import Site


def simulate(
    architectures: Sequence[Known], socs: Sequence[str], recipe: Recipe, site: Site
) -> Iterator[Simulated | str]:
    """Yield the figures of decode and then of prefill as they become available, or why there are none."""
    os.environ[ESTIMATE_UNSUPPORTED] = "1"
    with open_llm_bench(site, None, socs) as (estimator, folder):
        for prefill in (False, True):
            for each in architectures:
                question = Question(each.name, each.arch, recipe, (each.context,))
                tokens = question.prompt if prefill else 1
                parts = [*question.ends(tokens), *question.blocks(tokens, each.context)]
                try:
                    outcomes = outcomes_of(question, parts, socs, estimator, folder)
                except InvalidInput as refused:
                    yield str(refused)
                    continue
                for soc in socs:
                    try:
                        figures, _ = pass_of(question, soc, tokens, each.context, outcomes)
                    except NotMade as refused:
                        yield f"{each.name} on {soc}: {refused}."
                        continue
                    yield Simulated(each.name, soc, recipe.attention, tokens, each.context, figures.time_us)
