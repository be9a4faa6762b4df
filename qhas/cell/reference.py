"""Outputs computed by ONNX Runtime from an ONNX and a cell's inputs, in a child process, once per distinct content."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qhas.cell.prepared import REFERENCE
from qhas.cell.turn import turn
from qhas.cell.work import StepAttempt
from qhas.failures import FailureKind, StepFailed
from qhas.lab.models import Source
from qhas.machine.digest import data_digest, file_digest

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RUNTIME = "onnxruntime"
_PASSED_ON = (FailureKind.DISK, FailureKind.TOOL_TIMED_OUT)
Feed = Callable[[], "Mapping[str, NDArray[Any]]"]
"""Reads the inputs of an inference, by name."""


def runtime() -> str | None:
    """Return the ONNX Runtime of this Python, such as `onnxruntime 1.24.0`; None if it is not installed."""
    try:
        return f"{_RUNTIME} {version(_RUNTIME)}"
    except PackageNotFoundError:
        return None


async def reference_outputs(attempt: StepAttempt, onnx: Source, feeds: Sequence[Feed]) -> Path:
    """Return a .npz with the ONNX's outputs in its order, inference by inference, from the store if it is known.

    Raises ValueError if the feeds cannot be read, and StepFailed.
    """
    work, folder = attempt.work, attempt.folder
    files = await asyncio.to_thread(_each_written, feeds, folder)
    key = await asyncio.to_thread(_key, onnx.sha256, files)
    async with turn(work, key, folder, "computing the same outputs") as (kept, stored):
        if not stored:
            await _compute(attempt, onnx.path, files)
            await asyncio.to_thread(kept.publish, key, folder, [REFERENCE])
    return folder / REFERENCE


def _each_written(feeds: Sequence[Feed], folder: Path) -> list[dict[str, str]]:
    """Write the feeds one after the other, so that only one inference's arrays are in memory."""
    return [written(feed(), folder, f"{number}-") for number, feed in enumerate(feeds)]


def written(feed: Mapping[str, NDArray[Any]], folder: Path, prefix: str = "") -> dict[str, str]:
    """Write arrays as .npy files in a folder; return the files by name."""
    import numpy as np

    files = {name: str(folder / f"input-{prefix}{number}.npy") for number, name in enumerate(feed)}
    for name, values in feed.items():
        np.save(files[name], values)
    return files


def _key(onnx: str, files: Sequence[Mapping[str, str]]) -> str:
    inputs = [{name: file_digest(Path(file)) for name, file in each.items()} for each in files]
    return data_digest(
        {"reference": onnx, "inputs": inputs[0] if len(inputs) == 1 else inputs, "runtime": runtime()}
    )


async def _compute(attempt: StepAttempt, onnx: Path, files: Sequence[Mapping[str, str]]) -> None:
    request, target = attempt.folder / "reference.json", attempt.folder / REFERENCE
    request.write_text(
        json.dumps({"onnx": str(onnx), "feeds": files, "target": str(target)}), encoding="utf-8"
    )
    try:
        await attempt.run_host_tool([sys.executable, "-P", "-m", "qhas.accuracy.runtime", str(request)])
    except StepFailed as error:
        if error.failure.kind in _PASSED_ON:
            raise
        reason = error.failure.evidence or error.failure.message
        raise StepFailed(
            FailureKind.REFERENCE_FAILED,
            attempt.step,
            f"ONNX Runtime did not compute {onnx.name}: {reason.rstrip('.')}.",
        ) from error
    attempt.require_room()
