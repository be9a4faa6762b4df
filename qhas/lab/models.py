"""The networks of a run as files on this host."""

from __future__ import annotations

import asyncio
import errno
import shutil
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from qhas.failures import FailureKind, Step, StepFailed
from qhas.machine.digest import data_digest, file_digest
from qhas.machine.secrets import masked, name_in
from qhas.naming import below, safe_name
from qhas.network.external_data import data_files
from qhas.outside_text import shown
from qhas.runs.record import ModelFacts
from qhas.store.addresses import describe_error, fetch, open_address
from qhas.sweep.spec import ModelRef

LARGEST_NETWORK = 64 << 30
"""Maximum size of one file in bytes."""
_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


@dataclass(frozen=True)
class Source:
    """A network on this host. The digest covers all its bytes, including those in files beside an ONNX."""

    path: Path
    sha256: str


class Models:
    """Un-cached DLCs and ONNX as they were when first requested, each in its own folder of `scratch`."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._fetched: dict[str, tuple[Source, ModelFacts]] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, model: ModelRef) -> tuple[Source, ModelFacts]:
        """Return the network as a local file with its digest; fetched once. Raises StepFailed."""
        address = model.source
        async with self._locks[address]:
            if address not in self._fetched:
                self._fetched[address] = await asyncio.to_thread(self._fetch, model)
            return self._fetched[address]

    def _fetch(self, model: ModelRef) -> tuple[Source, ModelFacts]:
        # The tools' messages name this copy, so it has the name of the original.
        address = model.source
        target = Path(tempfile.mkdtemp(prefix="model-", dir=self._scratch)) / safe_name(name_in(address))
        name = ""
        try:
            fs, path = open_address(address)
            fetch(fs, path, target, LARGEST_NETWORK)
            data = data_files(target) if model.onnx else []
            for name in data:
                beside = below(target.parent, name)
                beside.parent.mkdir(parents=True, exist_ok=True)
                fetch(fs, f"{path.rpartition('/')[0]}/{name}", beside, LARGEST_NETWORK)
        except Exception as error:  # every fsspec backend raises its own
            shutil.rmtree(target.parent, ignore_errors=True)  # other cells need the space
            if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
                raise
            raise StepFailed(
                FailureKind.MODEL_UNREADABLE,
                Step.PREPARE if model.dlc else Step.CONVERT,
                f"{masked(address)} {_fault(name)}: {describe_error(address, error)}.",
            ) from None  # its text contains the address
        files = [target, *(below(target.parent, name) for name in data)]
        digests = [file_digest(file) for file in files]
        digest = data_digest(digests) if data else digests[0]
        size = sum(file.stat().st_size for file in files)
        kind = "dlc" if model.dlc else "onnx" if model.onnx else "llm"
        facts = ModelFacts.model_validate({kind: masked(address), "sha256": digest, "size": size})
        return Source(target, digest), facts


def _fault(weights: str) -> str:
    """Return the fault of the network itself, or of a file that contains its weights."""
    return (
        f"keeps its weights in {shown(weights)}, which must be in the same folder"
        if weights
        else "cannot be read"
    )
