"""A language model as a cell: a decode pass and a prefill pass are two graphs of one DLC.

The graphs contain as many blocks as the sweep requests, with seeded weights, and are prepared, simulated and viewed
like any others. The parts that scale them to the whole model (one block, the projection to the vocabulary and the
look-up) are estimated beside them, once per distinct content, and are the same that `qhas llm` uses.
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
"""Names of the graphs, in their order in the DLC, where the converter only numbers them."""


def graph_names(cell: Cell) -> tuple[str, ...]:
    """Return the names used for the graphs of the cell's DLC; empty if their own names are used."""
    return (DECODE, PREFILL) if cell.model.llm else ()


def drawn_digest(cell: Cell, config: Path) -> str:
    """Return the digest of the graphs that the cell's DLC is made from. Raises InvalidInput."""
    question = _question(cell, config)
    return data_digest([part.draft(question.arch, question.recipe).digest for part in _passes(question)])


async def draw(attempt: StepAttempt, config: Path) -> None:
    """Draw the graphs and make the DLC in the step's folder with the SDK's converter. Raises StepFailed."""
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
    """Record in each graph the figures of the whole model; cells that share parts take turns. Raises StepFailed."""
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
        raise RuntimeError(f"{cell.key} is not a language model")
    arch = read_architecture(config)
    return Question(
        cell.model.name, arch, model.recipe, (model.context,), model.prompt, model.blocks, cell.prepare
    )


def _passes(question: Question) -> list[Part]:
    (context,) = question.contexts
    return [question.blocks(tokens, context)[-1] for tokens in (1, question.prompt)]


def _write(question: Question, part: Part, onnx: Path) -> None:
    part.draft(question.arch, question.recipe).write(onnx)
