"""Estimates of a language model: graphs are drawn, converted and compiled if the store lacks their estimates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from qhas.estimate.conversion import to_dlcs
from qhas.estimate.estimator import Estimator, Outcome
from qhas.estimate.model import Estimate
from qhas.estimate.trial import Subject, Trial
from qhas.failures import InvalidInput
from qhas.llm.graphs import LOOKED_UP
from qhas.llm.model import LlmAnswer, LlmFigures, NotCompiled
from qhas.llm.parts import Kind, Part, Question
from qhas.llm.scaling import cost_of, scaled, shares
from qhas.machine.digest import data_digest
from qhas.profile.language import PassFigures

Progress = Callable[[int, int], None]
_CONVERTER = "onnxruntime-qnn"
_AT_ONCE = 2
"""Graphs in progress at once: one is drawn and converted while another compiles; each may take 1 or 2 GB."""


class NotMade(Exception):
    """A part has no estimate; the message says why."""


Outcomes = dict[tuple[Part, str], Outcome]


def ask(
    question: Question,
    socs: Sequence[str],
    estimator: Estimator,
    folder: Path,
    progress: Progress = lambda *_: None,
) -> LlmAnswer:
    """Estimate the model on each SoC at each context; `folder` holds temporary files.

    Raises InvalidInput if a graph is too large or no SoC has figures, and StoreError.
    """
    outcomes = outcomes_of(question, question.parts, socs, estimator, folder, progress)
    figures, failed = list[LlmFigures](), list[NotCompiled]()
    for soc in socs:
        for context in question.contexts:
            try:
                figures.append(figures_of(question, soc, context, outcomes))
            except NotMade as error:
                failed.append(NotCompiled(soc=soc, context=context, why=str(error)))
    if not figures:
        raise InvalidInput(f"{question.name} has no estimate for {failed[0].soc}: {failed[0].why}")
    return LlmAnswer(
        model=question.name,
        architecture=question.arch,
        recipe=question.recipe,
        sdk=estimator.sdk.version,
        blocks=question.count,
        rows_looked_up=min(LOOKED_UP, question.arch.vocabulary),
        prompt=question.prompt,
        figures=figures,
        failed=failed,
        compiled=estimator.compiled,
    )


def outcomes_of(
    question: Question,
    parts: Sequence[Part],
    socs: Sequence[str],
    estimator: Estimator,
    folder: Path,
    progress: Progress = lambda *_: None,
) -> Outcomes:
    """Return the outcome of each part on each SoC, stopping at the first part that no SoC has an estimate of.

    Raises InvalidInput if a graph is too large or cannot be converted to a DLC, and StoreError.
    """
    trials = {(part, soc): _trial(question, part, soc, folder) for part in parts for soc in socs}
    outcomes = _refused(parts, socs, trials, estimator)
    taken, done = [soc for soc in socs if (parts[0], soc) not in outcomes], 0
    if not taken:
        return outcomes

    def answered(part: Part) -> list[Outcome]:
        return _part(question, part, [trials[part, soc] for soc in taken], estimator)

    with ThreadPoolExecutor(_AT_ONCE, "llm") as threads:
        running = [threads.submit(answered, part) for part in parts]
        try:
            for part, future in zip(parts, running, strict=True):
                outcomes |= {(part, soc): each for soc, each in zip(taken, future.result(), strict=True)}
                done += len(taken)
                progress(done, len(parts) * len(taken))
                if not any(isinstance(each, Estimate) for each in future.result()):
                    break  # without this part, no SoC has figures
        finally:
            for future in running:
                future.cancel()
    return outcomes


def _refused(
    parts: Sequence[Part], socs: Sequence[str], trials: Mapping[tuple[Part, str], Trial], estimator: Estimator
) -> Outcomes:
    """Return the refusal of every part on the SoCs that cannot be estimated; checked before anything is drawn."""
    return {
        (part, soc): refusal
        for soc in socs
        if estimator.lacks([trials[part, soc] for part in parts]) and (refusal := estimator.refusal_of(soc))
        for part in parts
    }


def _trial(question: Question, part: Part, soc: str, folder: Path) -> Trial:
    digest = data_digest({"graph": part.draft(question.arch, question.recipe).digest, "by": _converter()})
    shares_wanted = part.kind is Kind.BLOCKS and part.count == question.count
    return Trial(Subject(folder / f"{digest[:32]}.dlc", digest, soc), question.prepare, ops=shares_wanted)


def _converter() -> str:
    try:
        return version(_CONVERTER)
    except PackageNotFoundError:
        return ""


def _part(question: Question, part: Part, trials: list[Trial], estimator: Estimator) -> list[Outcome]:
    """Return the outcome of a part on every SoC; draw and convert its graph only if the store lacks something."""
    dlc = trials[0].subject.dlc
    if estimator.lacks(trials):
        onnx = dlc.with_suffix(".onnx")
        part.draft(question.arch, question.recipe).write(onnx)
        try:
            (conversion,) = asyncio.run(to_dlcs({"graph": onnx}, estimator.sdk, dlc.parent)).values()
        finally:
            onnx.unlink()
        if conversion.dlc is None:
            raise InvalidInput(
                f"{question.name}, {part.label}, cannot be converted to a DLC: {conversion.refusal}."
            )
        conversion.dlc.rename(dlc)
    try:
        return estimator.try_all(trials)
    finally:
        dlc.unlink(missing_ok=True)


def figures_of(question: Question, soc: str, context: int, outcomes: Outcomes) -> LlmFigures:
    """Return the figures of a model on a SoC at a context. Raises NotMade if a part of it has no estimate."""
    decode, size = pass_of(question, soc, 1, context, outcomes)
    prefill, _ = pass_of(question, soc, question.prompt, context, outcomes)
    return LlmFigures(soc=soc, context=context, decode=decode, prefill=prefill, context_bytes=size)


def pass_of(
    question: Question, soc: str, tokens: int, context: int, outcomes: Outcomes
) -> tuple[PassFigures, float]:
    """Return the figures of a pass and the size of its context binaries. Raises NotMade as `figures_of` does."""
    arch, recipe = question.arch, question.recipe
    look_up, head = (_made(outcomes, part, soc) for part in question.ends(tokens))
    one, several = (_made(outcomes, part, soc) for part in question.blocks(tokens, context))
    body = scaled(cost_of(one), cost_of(several), question.count, arch.layers)
    ends = cost_of(look_up).plus(cost_of(head))
    whole = body.whole.plus(ends)
    peak = several.dram_peak
    figures = PassFigures(
        tokens=tokens,
        time_us=whole.time_us,
        block_us=body.block.time_us,
        constant_us=body.constant.time_us,
        ends_us=ends.time_us,
        read=whole.dram_read,
        written=whole.dram_write,
        weights=(arch.layers * arch.block_parameters * recipe.weights + arch.head_parameters * recipe.head)
        // 8,
        cache=arch.layers * arch.cache_elements * (context - tokens) * recipe.cache // 8,
        spill=whole.spill,
        peak_vtcm=max(each.peak_vtcm for each in (several, look_up, head)),
        dram_peak=peak * several.graphs[0].core_mhz if peak else None,
        shares=shares(several.graphs[0]),
    )
    return figures, body.whole.plus(cost_of(head)).context_bytes


def _made(outcomes: Outcomes, part: Part, soc: str) -> Estimate:
    outcome = outcomes.get((part, soc))
    if outcome is None:
        raise NotMade("another part of the model was refused")
    if not isinstance(outcome, Estimate):
        raise NotMade(str(outcome))
    return outcome
