"""A language model as a cell: a pass of decode and one of prefill are two graphs of one DLC, and the rest of the model is estimated beside them.

The graphs hold as many blocks as the sweep asks for, with seeded weights, and are prepared, simulated and viewed as any other. What
makes the whole model of them, one block, the projection to the vocabulary and the look-up, is estimated once for each content, and
is the same that `qhas llm` asks for.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from qhas.cell.prepared import MADE_DLC
from qhas.cell.work import CellWork, StepAttempt
from qhas.failures import FailureKind, InvalidInput, Step, StepFailed
from qhas.machine.digest import data_digest
from qhas.network.architecture import read_architecture
from qhas.outside_text import shown
from qhas.profile.language import Language
from qhas.sweep.spec import Cell

if TYPE_CHECKING:
    from qhas.llm.model import LlmAnswer
    from qhas.llm.parts import Part, Question

DECODE, PREFILL = "decode", "prefill"
"""Of the graphs, in their order in the DLC, whose own names are a converter's numbers."""


def graph_names(cell: Cell) -> tuple[str, ...]:
    """What the graphs of the cell's DLC are called here; empty where their own names count."""
    return (DECODE, PREFILL) if cell.model.llm else ()


def drawn_digest(cell: Cell, config: Path) -> str:
    """Of the graphs that the cell's DLC is made of. Raises InvalidInput."""
    question = _question(cell, config)
    return data_digest([part.draft(question.arch, question.recipe).digest for part in _passes(question)])


async def draw(attempt: StepAttempt, config: Path) -> None:
    """Make the DLC in the step's folder by the SDK's converter. Raises StepFailed."""
    cell, sdk = attempt.work.cell, attempt.work.sdk
    question = await asyncio.to_thread(_question, cell, config)
    dlcs = []
    for name, part in zip(graph_names(cell), _passes(question), strict=True):
        onnx, dlc = (attempt.folder / f"{name}.{ending}" for ending in ("onnx", "dlc"))
        await asyncio.to_thread(_write, question, part, onnx)
        trace = attempt.folder / f"{name}.json"
        await attempt.run_host_tool(sdk.convert_argv(network=onnx, output=dlc, op_trace=trace, shapes={}))
        onnx.unlink()
        dlcs.append(dlc)
    target = attempt.folder / MADE_DLC
    joined = [sys.executable, "-P", "-m", "hostsdk", "join", str(target), *map(str, dlcs)]
    await attempt.run_host_tool(joined)
    for dlc in dlcs:
        dlc.unlink()


async def scale(work: CellWork) -> None:
    """Note in each graph what it says of the whole model; cells that share parts take turns. Raises StepFailed."""
    async with work.attempt(Step.SCALE) as attempt:
        source, _ = await work.lab.model(work.cell.model)
        try:
            async with (
                work.lab.lock(f"language {work.cell.model.source} {work.cell.soc}"),
                work.lab.cores.turn(work.urgency),
            ):
                answer = await asyncio.to_thread(_answer, work, source.path, attempt.folder)
        except InvalidInput as error:
            raise StepFailed(FailureKind.PARTS_MISSING, Step.SCALE, shown(str(error))) from error
        for graph in work.graphs:
            graph.language = _of_pass(answer, decodes=graph.name == DECODE)


def _answer(work: CellWork, config: Path, folder: Path) -> LlmAnswer:
    from qhas.estimate.estimator import open_estimator
    from qhas.llm.ask import ask

    with open_estimator(work.sdk, work.lab.store, cores=1) as estimator:
        return ask(_question(work.cell, config), [work.cell.soc], estimator, folder)


def _of_pass(answer: LlmAnswer, *, decodes: bool) -> Language:
    (figures,) = answer.figures
    return Language(
        context=figures.context,
        whole=figures.decode if decodes else figures.prefill,
        context_bytes=figures.context_bytes,
        sentence=answer.scaled,
        notes=answer.notes,
        measured=answer.measured,
    )


def _question(cell: Cell, config: Path) -> Question:
    from qhas.llm.parts import Question

    model = cell.model.llm
    if model is None:
        raise RuntimeError(f"{cell.key} is no language model")
    arch = read_architecture(config)
    return Question(
        cell.model.name, arch, model.recipe, (model.context,), model.prompt, model.blocks, cell.prepare
    )


def _passes(question: Question) -> list[Part]:
    (context,) = question.contexts
    return [question.blocks(tokens, context)[-1] for tokens in (1, question.prompt)]


def _write(question: Question, part: Part, onnx: Path) -> None:
    part.draft(question.arch, question.recipe).write(onnx)
