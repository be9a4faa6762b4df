"""Runs on the host SDK's emulator, once per program, inputs and options, since identical runs have identical results.

A device runs every time, because its times are what is being measured. The times of a simulated cell are those of its
compiled graph, which its log has; the emulator adds the outputs, which take most of the computation of such a cell. They
are kept by the program, which SoCs may share, and the log by the graph.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import zipfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from qhas.cell.execution import LOGS, Execution, argv_of, ended, execute, staged
from qhas.cell.inputs import StagedInputs
from qhas.cell.prepare import Prepared
from qhas.cell.prepared import EMULATED, PreparedGraphs
from qhas.cell.turn import turn
from qhas.cell.work import StepAttempt
from qhas.devices import Device, Job, JobFile
from qhas.machine.digest import data_digest, file_digest
from qhas.naming import below
from qhas.network.program import program_digest
from qhas.network.records import UNREADABLE
from qhas.profile.origin import Origin
from qhas.site.sdk import ProfilingLevel, SdkKind

_LARGEST = 256 << 20
"""Most bytes of outputs, or of logs, that are kept; a run with more is run again."""
_RULES = 2
"""Version of our own part of the emulator's net-run: raise it if the same run leaves different files."""
_NEW, _KEPT = "now", "before"
"""Folders of a part, separate because a stored part may be partly unpacked before it proves not to be ours."""
_DATE = (1980, 1, 1, 0, 0, 0)
"""Date of every entry in a kept part, so that equal parts are equal files."""


@dataclass(frozen=True)
class _Part:
    """The logs or the outputs of a run, as the store has them: by their names in the run's directory, or none."""

    kept: PreparedGraphs
    key: str
    folder: Path
    files: Mapping[str, Path]

    async def keep(self, job: Job, files: Iterable[JobFile]) -> None:
        """Store these files of a run unless the store has the part already, or they are too large."""
        if not self.files and await _packed(self.folder, job, list(files)):
            await asyncio.to_thread(self.kept.publish, self.key, self.folder, [EMULATED])


async def execute_once(
    attempt: StepAttempt,
    device: Device,
    prepared: Prepared,
    inputs: StagedInputs | None,
    level: ProfilingLevel,
) -> Execution:
    """Execute as `execute` does, but on the host SDK's emulator reuse what the store has of an identical run.

    If it has the outputs of the same program for another SoC, the graph's own log is written without executing anything.
    Raises StepFailed.
    """
    work = attempt.work
    if inputs is None or device.origin is not Origin.SIMULATOR or work.sdk.kind is not SdkKind.HOST:
        return await execute(attempt, device, prepared, inputs, level)
    keys = await asyncio.to_thread(_keys, attempt, device, prepared, inputs, level)
    async with AsyncExitStack() as turns:  # every cell takes these in the same order
        parts = [await turns.enter_async_context(_part(attempt, part, key)) for part, key in keys.items()]
        *logs, outputs = parts
        if outputs.files:
            attempt.note_reused()
        if all(part.files for part in parts):
            job = await device.open_job()
            return await _laid_out(attempt, job, await job.now(), parts, inputs)
        run = await execute(attempt, device, prepared, None if outputs.files else inputs, level)
        attempt.require_room()  # other cells will use what is stored here
        if outputs.files:
            run = await _laid_out(attempt, run.job, run.began, [outputs], inputs)
        await outputs.keep(run.job, run.results)
        for log in logs:
            await log.keep(run.job, await run.job.files(LOGS))
        return run


@asynccontextmanager
async def _part(attempt: StepAttempt, name: str, key: str) -> AsyncIterator[_Part]:
    """Yield a part, with its files if it is stored; until the block ends, no other cell computes it."""
    folder = attempt.folder / f"emulated-{name}"
    folder.mkdir()
    async with turn(attempt.work, key, folder, "running the same program") as (kept, stored):
        yield _Part(kept, key, folder, await asyncio.to_thread(_unpacked, folder) if stored else {})


def _keys(
    attempt: StepAttempt, device: Device, prepared: Prepared, inputs: StagedInputs, level: ProfilingLevel
) -> dict[str, str]:
    """Return the key of each part that is needed, which covers everything that affects it. Outputs come last."""
    sdk, site = attempt.work.sdk, attempt.work.lab.site
    run = {
        "argv": argv_of(attempt, inputs, level),
        "files": {name: file_digest(file) for name, file in staged(inputs).items()},
        "sdk": [sdk.kind, sdk.version, dict(sdk.env)],
        "device": [dict(ref.env) for ref in site.devices if ref.name == device.facts.name],
    }
    graph = [device.facts.soc, file_digest(prepared.dlc)]
    computes = {"log": graph} if level is ProfilingLevel.QHAS else {}
    computes["outputs"] = [program] if (program := program_digest(prepared.dlc)) else graph
    return {name: data_digest({"emulated": [_RULES, name, *by], **run}) for name, by in computes.items()}


async def _packed(part: Path, job: Job, files: list[JobFile]) -> bool:
    """Pack files of a run into one in the part's folder; return False if they are too large, or empty."""
    if not 0 < sum(file.size for file in files) <= _LARGEST:
        return False
    folder = part / _NEW
    for file in files:
        target = below(folder, file.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        await job.fetch(file.name, target)
    await asyncio.to_thread(_pack, folder, files, part / EMULATED)
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
    attempt: StepAttempt, job: Job, began: float, parts: Iterable[_Part], inputs: StagedInputs
) -> Execution:
    """Lay out stored parts in a job's directory, as if they had just been made there."""
    for part in parts:
        for name, file in part.files.items():
            os.utime(file)  # it may have been unpacked long before another part's turn came
            await job.stage(file, name)
    return await ended(attempt, job, began, inputs)


def _unpacked(folder: Path) -> dict[str, Path]:
    """Unpack a stored part to files by their names in a run's directory; return none if we did not write it."""
    files = {}
    try:
        with zipfile.ZipFile(folder / EMULATED) as packed:
            entries = packed.infolist()
            if any(entry.compress_type for entry in entries) or _bytes_of(entries) > _LARGEST:
                return {}
            for entry in entries:
                files[entry.filename] = target = below(folder / _KEPT, entry.filename)
                target.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(entry) as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
    except UNREADABLE:
        return {}
    return files


def _bytes_of(entries: Iterable[zipfile.ZipInfo]) -> int:
    return sum(entry.file_size for entry in entries)
