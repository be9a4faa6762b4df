"""Conversion and quantisation of an ONNX to a DLC by the SDK's own tools, once per distinct content.

The host SDK quantises the ONNX and converts the result; the vendor's tools convert the ONNX and quantise the DLC. Each
step starts from the network that the step before it left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from qhas.cell.calibration import CALIBRATION_LIST, calibration_digest, gather_calibration
from qhas.cell.language import draw, drawn_digest
from qhas.cell.prepared import MADE_DLC, MADE_ONNX, MADE_ONNX_DATA, OP_TRACE
from qhas.cell.turn import turn
from qhas.cell.work import CellWork, StepAttempt
from qhas.failures import FailureKind, InvalidInput, Step, StepFailed
from qhas.lab.models import Source
from qhas.machine.digest import data_digest, file_digest
from qhas.network.onnx_file import OnnxGraph, open_input, read_onnx
from qhas.outside_text import shown
from qhas.runs.record import ConversionFacts
from qhas.site.sdk import Sdk, SdkKind
from qhas.sweep.quantization import FLOAT
from qhas.sweep.spec import Cell, ModelRef

_QUANTISER = "onnxruntime"
"""The package that contains the host SDK's quantiser."""
Make = Callable[[StepAttempt, Path], Awaitable[list[str]]]


@dataclass(frozen=True)
class MadeNetwork:
    """A network on its way to a prepared graph, with a content key of its origin and of how it was made."""

    path: Path
    key: str


async def convert(work: CellWork) -> None:
    """Convert the network to a DLC, or fetch the DLC from the store if it is known. Raises StepFailed."""
    reused = await _step(work, Step.CONVERT, _convert)
    dlc = made(work).path
    work.conversion = ConversionFacts(
        key=made(work).key,
        sha256=await asyncio.to_thread(file_digest, dlc),
        quantization=_bits_of(work.cell.model),
        reused=reused,
    )


def _bits_of(model: ModelRef) -> str:
    if model.llm:
        return f"w{model.llm.weights}a{model.llm.activations}"
    return model.quantize.name if model.quantize else FLOAT


async def quantize(work: CellWork) -> None:
    """Quantise the network as the cell requests, or fetch the result from the store. Raises StepFailed."""
    reused = await _step(work, Step.QUANTIZE, _quantize)
    if work.conversion:  # in the vendor's order, this is the DLC that is prepared
        work.conversion = work.conversion.model_copy(
            update={
                "key": made(work).key,
                "sha256": await asyncio.to_thread(file_digest, made(work).path),
                "reused": reused and work.conversion.reused,
            }
        )


def made(work: CellWork) -> MadeNetwork:
    """Return the network as the last of these steps left it."""
    if work.network is None:
        raise RuntimeError("no step has produced a network yet")
    return work.network


def made_key(cell: Cell, sdk: Sdk, origin: str, calibration: str = "") -> str:
    """Return the content key of the DLC made from an ONNX or a language model.

    `origin` and `calibration` are the digests of the network and of its calibration data.
    """
    return [origin, *made_keys(cell, sdk, origin, calibration).values()][-1]


def made_keys(cell: Cell, sdk: Sdk, origin: str, calibration: str = "") -> dict[Step, str]:
    """Return the content key of what each step makes, in the order of the steps."""
    keys_by_step = dict[Step, str]()
    for step in order_of(cell, sdk):
        origin = keys_by_step[step] = _key(cell, sdk, step, origin, calibration)
    return keys_by_step


def origin_digest(cell: Cell, source: Source) -> str:
    """Return the digest of what the cell's DLC is made from. Raises InvalidInput.

    It is the file's digest, or for a language model that of the graphs drawn.
    """
    return drawn_digest(cell, source.path) if cell.model.llm else source.sha256


def order_of(cell: Cell, sdk: Sdk) -> tuple[Step, ...]:
    """Return the steps that make a DLC from the cell's network, in order; none if it is a DLC already."""
    if cell.model.dlc:
        return ()
    if cell.model.quantize is None:
        return (Step.CONVERT,)
    return (Step.QUANTIZE, Step.CONVERT) if sdk.quantizes_onnx else (Step.CONVERT, Step.QUANTIZE)


async def _step(work: CellWork, step: Step, make: Make) -> bool:
    """Take the network through a step; return whether its result was already in the store."""
    async with work.attempt(step) as attempt:
        source, work.model = await work.lab.model(work.cell.model)
        if work.graph is None and work.cell.model.onnx:
            work.graph = await asyncio.to_thread(_read, work, source.path, step)
        calibration = await _calibrated(work, step)
        network = work.network or MadeNetwork(source.path, await _origin(work, source))
        key = _key(work.cell, work.sdk, step, network.key, calibration)
        async with turn(work, key, attempt.folder, "converting the same network") as (kept, stored):
            names = stored or await make(attempt, network.path)
            if not stored:
                await asyncio.to_thread(kept.publish, key, attempt.folder, names)
        work.network = MadeNetwork(attempt.folder / names[0], key)
        return stored is not None


def _key(cell: Cell, sdk: Sdk, step: Step, network: str, calibration: str) -> str:
    how: dict[str, Any] = {"step": step, "network": network, "shapes": cell.model.shapes}
    how["sdk"] = sdk.makes
    if step is Step.QUANTIZE and cell.model.quantize:
        how |= {"bits": cell.model.quantize.name, "calibration": calibration}
        how |= {"quantiser": _quantiser_version()} if sdk.kind is SdkKind.HOST else {}
    return data_digest(how)


def _quantiser_version() -> str:
    try:
        return version(_QUANTISER)
    except PackageNotFoundError:
        return ""


def _read(work: CellWork, path: Path, step: Step) -> OnnxGraph:
    """Read the ONNX. Raises StepFailed if it is not an ONNX, or if the shape of an input is not settled."""
    try:
        graph = read_onnx(path)
    except ValueError as error:
        raise StepFailed(FailureKind.MODEL_UNREADABLE, step, f"{error}.") from error
    if fault := open_input(graph, work.cell.model.shapes):
        raise StepFailed(FailureKind.SHAPE_OPEN, step, f"{path.name}: {fault}.")
    return graph


async def _calibrated(work: CellWork, step: Step) -> str:
    """Gather the calibration data in the cell's directory and return their digest; empty for other steps."""
    if step is not Step.QUANTIZE or work.graph is None:
        return ""
    folder = work.directory / "calibration"
    if not folder.is_dir():
        await asyncio.to_thread(gather_calibration, work.cell.model, work.graph, folder)
    return await asyncio.to_thread(calibration_digest, folder)


async def _origin(work: CellWork, source: Source) -> str:
    try:
        return await asyncio.to_thread(origin_digest, work.cell, source)
    except InvalidInput as error:
        raise StepFailed(FailureKind.PARTS_MISSING, Step.CONVERT, shown(str(error))) from error


async def _convert(attempt: StepAttempt, network: Path) -> list[str]:
    work, target = attempt.work, attempt.folder / MADE_DLC
    if work.cell.model.llm:
        await draw(attempt, network)
        return _required(attempt, target)
    await attempt.run_host_tool(
        work.sdk.convert_argv(
            network=network,
            output=target,
            op_trace=attempt.folder / OP_TRACE,
            shapes=work.cell.model.shapes,
        )
    )
    trace = [OP_TRACE] if (attempt.folder / OP_TRACE).is_file() else []
    return _required(attempt, target) + trace


async def _quantize(attempt: StepAttempt, network: Path) -> list[str]:
    work = attempt.work
    if (quantization := work.cell.model.quantize) is None:
        raise RuntimeError("the cell asks for no quantisation")
    of_onnx = work.sdk.quantizes_onnx
    target = attempt.folder / (MADE_ONNX if of_onnx else MADE_DLC)
    await attempt.run_host_tool(
        work.sdk.quantize_argv(
            network=network,
            output=target,
            input_list=work.directory / "calibration" / CALIBRATION_LIST,
            quantization=quantization,
            shapes=work.cell.model.shapes,
        )
    )
    data = [MADE_ONNX_DATA] if (attempt.folder / MADE_ONNX_DATA).is_file() else []
    return _required(attempt, target) + data


def _required(attempt: StepAttempt, target: Path) -> list[str]:
    attempt.require_room()  # other cells will use what is stored here
    if not target.is_file() or not target.stat().st_size:
        raise StepFailed(
            FailureKind.NETWORK_MISSING, attempt.step, f"{attempt.step} succeeded but wrote no {target.name}."
        )
    return [target.name]
