"""What ONNX Runtime computes of an ONNX from the inputs of a cell: in a child of its own, once for each content."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qhas.cell.prepared import REFERENCE, PreparedGraphs
from qhas.cell.work import StepAttempt
from qhas.failures import FailureKind, StepFailed
from qhas.lab.models import Source
from qhas.machine.digest import data_digest, file_digest

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RUNTIME = "onnxruntime"
_PASSED_ON = (FailureKind.DISK, FailureKind.TOOL_TIMED_OUT)


def runtime() -> str | None:
    """The ONNX Runtime of this Python, as in `onnxruntime 1.24.0`; None without one."""
    try:
        return f"{_RUNTIME} {version(_RUNTIME)}"
    except PackageNotFoundError:
        return None


async def reference_outputs(attempt: StepAttempt, onnx: Source, feeds: Mapping[str, NDArray[Any]]) -> Path:
    """A .npz with the outputs of the ONNX in its order, from the store where it is known. Raises StepFailed."""
    work, folder = attempt.work, attempt.folder
    files = await asyncio.to_thread(written, feeds, folder)
    key = await asyncio.to_thread(_key, onnx.sha256, files)
    kept = PreparedGraphs(work.lab.store)
    async with work.lab.lock(f"prepared {key}"), kept.turn(key, folder) as stored:
        if not stored:
            await _compute(attempt, onnx.path, files)
            await asyncio.to_thread(kept.publish, key, folder, [REFERENCE])
    return folder / REFERENCE


def written(feeds: Mapping[str, NDArray[Any]], folder: Path) -> dict[str, str]:
    """Arrays as .npy files of a folder, by name."""
    import numpy as np

    files = {name: str(folder / f"input-{number}.npy") for number, name in enumerate(feeds)}
    for name, values in feeds.items():
        np.save(files[name], values)
    return files


def _key(onnx: str, files: Mapping[str, str]) -> str:
    inputs = {name: file_digest(Path(file)) for name, file in files.items()}
    return data_digest({"reference": onnx, "inputs": inputs, "runtime": runtime()})


async def _compute(attempt: StepAttempt, onnx: Path, files: Mapping[str, str]) -> None:
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
