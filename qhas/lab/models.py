"""The networks of a run as files of this host."""

from __future__ import annotations

import asyncio
import errno
import tempfile
from collections import defaultdict
from pathlib import Path

import fsspec

from qhas.failures import FailureKind, Step, StepFailed
from qhas.machine.digest import file_digest
from qhas.machine.secrets import error_at, masked, name_in
from qhas.naming import safe_name
from qhas.runs.record import ModelFacts

_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


class Models:
    """Un-cached DLCs as they were when they were first asked for, in a folder of `scratch` each."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._fetched: dict[str, tuple[Path, ModelFacts]] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, address: str) -> tuple[Path, ModelFacts]:
        """The DLC as a local file, with its digest; fetched once. Raises StepFailed."""
        async with self._locks[address]:
            if address not in self._fetched:
                self._fetched[address] = await asyncio.to_thread(self._fetch, address)
            return self._fetched[address]

    def _fetch(self, address: str) -> tuple[Path, ModelFacts]:
        # The tools' messages name this copy, so it is called as its original.
        name = safe_name(name_in(address))
        target = Path(tempfile.mkdtemp(prefix="model-", dir=self._scratch)) / name
        try:
            fs, path = fsspec.core.url_to_fs(address)
            fs.get_file(path, str(target))
        except Exception as error:  # every fsspec backend raises its own
            if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
                raise
            raise StepFailed(
                FailureKind.MODEL_UNREADABLE,
                Step.PREPARE,
                f"{masked(address)} cannot be read: {error_at(address, f'{type(error).__name__}: {error}')}.",
            ) from None  # its text has the address
        return target, ModelFacts(dlc=masked(address), sha256=file_digest(target), size=target.stat().st_size)
