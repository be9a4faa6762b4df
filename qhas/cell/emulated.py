"""Runs on the host SDK's emulator, once per graph, inputs and options, since identical runs have identical results.

A device runs every time, because its times are what is being measured. The times of a simulated cell are those of its
compiled graph; the emulator adds the outputs, which take most of the computation of such a cell.
"""

from __future__ import annotations

import asyncio
import shutil
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from qhas.cell.execution import LOGS, Execution, argv_of, ended, execute, staged
from qhas.cell.inputs import StagedInputs
from qhas.cell.prepare import Prepared
from qhas.cell.prepared import EMULATED, PreparedGraphs
from qhas.cell.work import StepAttempt
from qhas.devices import Device, JobFile
from qhas.machine.digest import data_digest, file_digest
from qhas.naming import below
from qhas.network.records import UNREADABLE
from qhas.profile.origin import Origin
from qhas.site.sdk import ProfilingLevel, SdkKind

_LARGEST = 256 << 20
"""Largest run that is kept, in bytes; a larger one is run again."""
_RULES = 1
"""Version of our own part of the emulator's net-run: raise it if the same run leaves different files."""
_NEW, _KEPT = "emulated-now", "emulated-before"
"""Folders in the step's directory, kept apart: a stored run may be partly unpacked before it proves not to be ours."""
_DATE = (1980, 1, 1, 0, 0, 0)
"""Date of every entry in a kept run, so that equal runs are equal files."""


async def execute_once(
    attempt: StepAttempt,
    device: Device,
    prepared: Prepared,
    inputs: StagedInputs | None,
    level: ProfilingLevel,
) -> Execution:
    """Execute as `execute` does, but on the host SDK's emulator reuse the stored results of an identical run.

    Raises StepFailed.
    """
    work = attempt.work
    if inputs is None or device.origin is not Origin.SIMULATOR or work.sdk.kind is not SdkKind.HOST:
        return await execute(attempt, device, prepared, inputs, level)
    key = await asyncio.to_thread(_key, attempt, device, prepared, inputs, level)
    kept = PreparedGraphs(work.lab.store)
    async with work.lab.lock(f"prepared {key}"), kept.turn(key, attempt.folder) as stored:
        if stored and (files := await asyncio.to_thread(_unpacked, attempt.folder)):
            attempt.note_reused()
            return await _laid_out(attempt, device, inputs, files)
        execution = await execute(attempt, device, prepared, inputs, level)
        if await _packed(attempt, execution):
            await asyncio.to_thread(kept.publish, key, attempt.folder, [EMULATED])
        return execution


def _key(
    attempt: StepAttempt, device: Device, prepared: Prepared, inputs: StagedInputs, level: ProfilingLevel
) -> str:
    """Return a key that covers everything that affects what the emulator leaves."""
    sdk, site = attempt.work.sdk, attempt.work.lab.site
    return data_digest(
        {
            "emulated": [_RULES, file_digest(prepared.dlc)],
            "soc": device.facts.soc,
            "argv": argv_of(attempt, inputs, level),
            "files": {name: file_digest(file) for name, file in staged(inputs).items()},
            "sdk": [sdk.kind, sdk.version, dict(sdk.env)],
            "device": [dict(ref.env) for ref in site.devices if ref.name == device.facts.name],
        }
    )


async def _packed(attempt: StepAttempt, execution: Execution) -> bool:
    """Pack outputs and logs into one file in the step's directory; return False if they are too large."""
    files = [*execution.results, *await execution.job.files(LOGS)]
    if sum(file.size for file in files) > _LARGEST:
        return False
    folder = attempt.folder / _NEW
    for file in files:
        target = below(folder, file.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        await execution.job.fetch(file.name, target)
    await asyncio.to_thread(_pack, folder, files, attempt.folder / EMULATED)
    return True


def _pack(folder: Path, files: Iterable[JobFile], target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed:
        for file in files:
            with (
                below(folder, file.name).open("rb") as source,
                packed.open(zipfile.ZipInfo(file.name, _DATE), "w", force_zip64=True) as entry,
            ):
                shutil.copyfileobj(source, entry)
    shutil.rmtree(folder)


async def _laid_out(
    attempt: StepAttempt, device: Device, inputs: StagedInputs, files: Mapping[str, Path]
) -> Execution:
    """Lay out a kept run in a fresh directory of the device, as if it had just run there."""
    job = await device.open_job()
    began = await job.now()
    for name, file in files.items():
        await job.stage(file, name)
    return await ended(attempt, job, began, inputs)


def _unpacked(folder: Path) -> dict[str, Path] | None:
    """Unpack a stored run to files by their names in a run's directory; return None if we did not write it."""
    files = {}
    try:
        with zipfile.ZipFile(folder / EMULATED) as packed:
            entries = packed.infolist()
            if any(entry.compress_type for entry in entries) or _bytes_of(entries) > _LARGEST:
                return None
            for entry in entries:
                files[entry.filename] = target = below(folder / _KEPT, entry.filename)
                target.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(entry) as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
    except UNREADABLE:
        return None
    return files


def _bytes_of(entries: Iterable[zipfile.ZipInfo]) -> int:
    return sum(entry.file_size for entry in entries)
