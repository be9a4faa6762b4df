"""Prepared graphs in the store by content key, and other products for cells that come out the same each time.

Each writer uploads under a name of its own and then points the key's manifest at it. Two writers of one key never mix:
the schematic found always belongs to the DLC found.

If several hosts need the same graph, one prepares it and the others wait: a claim beside the manifest says which.
Claims save work and guarantee nothing: if they fail, a graph is prepared twice, and either result is right.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field, ValidationError, field_validator

from qhas.cell.artifacts import PREPARED_DLC
from qhas.cell.dlc import MOST_GRAPHS
from qhas.documents import Stored
from qhas.machine.digest import data_digest
from qhas.naming import below, check_file, safe_paths
from qhas.runs import keys
from qhas.site.sdk import Sdk
from qhas.store import Artifact, Download, ObjectDamaged, ObjectMissing, Store, StoreError, Upload
from qhas.store.claims import Claims
from qhas.sweep.spec import Cell


def prepared_key(cell: Cell, sdk: Sdk, dlc_sha256: str) -> str:
    """Return the content key of a prepared graph, which covers everything that affects the result and nothing else."""
    return data_digest(
        {
            "dlc": dlc_sha256,
            "soc": cell.soc,
            "options": cell.prepare.model_dump(),
            "sdk": [sdk.kind, sdk.version, dict(sdk.env)],
        }
    )


MADE_DLC = "network.dlc"
"""A DLC converted from an ONNX and not yet prepared."""
MADE_ONNX = "network.onnx"
MADE_ONNX_DATA = "network.onnx.data"
REFERENCE = "reference.npz"
"""The outputs that ONNX Runtime computes from an ONNX and given inputs."""
EMULATED = "emulated.zip"
"""What the emulator left for a prepared graph and inputs: outputs and log, by their names in the run's directory."""
OP_TRACE = "op_trace.json"
"""Which nodes became which ops, if the converter reports it."""
_MADE = (
    [MADE_DLC],
    [MADE_DLC, OP_TRACE],
    [MADE_ONNX],
    [MADE_ONNX, MADE_ONNX_DATA],
    [REFERENCE],
    [EMULATED],
)


class PreparedManifest(Stored):
    """The files of a prepared DLC: the DLC itself, then one schematic per graph, in order.

    A manifest can also name a network on its way to a prepared DLC, or outputs. All files are in one folder.
    """

    files: list[Artifact] = Field(min_length=1, max_length=1 + MOST_GRAPHS)

    @field_validator("files")
    @classmethod
    def _names_are_plain(cls, files: list[Artifact]) -> list[Artifact]:
        for file in files:
            check_file(file.name)
        names = [file.name for file in files]
        if names in _MADE:
            return files
        if len(names) < 2 or names[0] != PREPARED_DLC or len(set(names)) != len(names):
            raise ValueError(f"a prepared DLC consists of {PREPARED_DLC} and one schematic per graph")
        return files


class PreparedGraphs:
    """The part of a store that holds prepared graphs. Claims last `claim_seconds` and are renewed while held."""

    def __init__(self, store: Store, claim_seconds: float = 30.0) -> None:
        self._store = store
        self._claims = Claims(store, claim_seconds)

    def holds(self, key: str) -> bool:
        """Whether the store has a prepared graph for the key. Raises StoreError."""
        return self._store.exists(keys.manifest(keys.prepared(key)))

    def fetch(self, key: str, folder: Path) -> list[str] | None:
        """Copy a prepared graph into a folder and return the file names, or None if it is unknown or damaged.

        If it returns None, nothing of the graph is in the folder. Raises StoreError.
        """
        content = self._store.read(keys.manifest(keys.prepared(key)))
        if content is None:
            return None
        try:
            files = PreparedManifest.model_validate_json(content).files
        except ValidationError:
            return None
        try:
            self._store.fetch_all(
                [
                    Download(f"{keys.prepared(key)}/{file.path}", below(folder, file.name), file.sha256)
                    for file in files
                ]
            )
        except (ObjectMissing, ObjectDamaged):
            for file in files:
                below(folder, file.name).unlink(missing_ok=True)
            return None
        self._note_use(key)
        return [file.name for file in files]

    def _note_use(self, key: str) -> None:
        """Record the graph's use, at most once a day since pruning counts in days. Failing to do so is harmless."""
        today = datetime.now(UTC).date().isoformat().encode()
        with suppress(StoreError):
            if self._store.read(f"{keys.prepared(key)}/{keys.USED}") != today:
                self._store.write(f"{keys.prepared(key)}/{keys.USED}", today)

    @asynccontextmanager
    async def turn(
        self, key: str, folder: Path, waiting: Callable[[str], None] = lambda _: None
    ) -> AsyncIterator[list[str] | None]:
        """Yield the graph's file names, copied into the folder, or None if it is this host's turn to prepare.

        Waits while another host prepares, and calls `waiting` once with that host's name. The caller publishes within
        the block. Raises StoreError.
        """
        named_host, seen, since, claimed = None, None, time.monotonic(), False
        lock = f"{keys.prepared(key)}/{keys.CLAIM}"
        while (names := await asyncio.to_thread(self.fetch, key, folder)) is None:
            claim = await asyncio.to_thread(self._claims.take, lock)
            if claim is None:
                claimed = True
                names = await asyncio.to_thread(self.fetch, key, folder)  # it may have come before the claim
                break
            if claim != seen:
                seen, since = claim, time.monotonic()
            # Another host's clock may be wrong; a lack of renewal is noticed by this one's.
            unrenewed = time.monotonic() - since > self._claims.seconds
            if claim.has_ended() or claim.expires < datetime.now(UTC) or unrenewed:
                await asyncio.to_thread(self._claims.take_away, lock, claim)
                continue
            if named_host != claim.host:
                waiting(named_host := claim.host)
            await asyncio.sleep(min(2.0, self._claims.seconds / 10))
        if names:
            if claimed:
                await asyncio.to_thread(self._claims.release, lock)
            yield names
            return
        async with self._claims.kept(lock):
            yield None

    def publish(self, key: str, folder: Path, names: list[str]) -> None:
        """Store files of a folder as the prepared graph of a key. Raises StoreError."""
        writer = uuid.uuid4().hex
        uploads = [
            Upload(name, folder / name, f"{writer}/{path}") for name, path in safe_paths(names).items()
        ]
        try:
            manifest = PreparedManifest(files=self._store.upload(keys.prepared(key), uploads))
            self._store.write(keys.manifest(keys.prepared(key)), manifest.model_dump_json(indent=2).encode())
        except StoreError:
            with suppress(StoreError):  # leave nothing behind in a store that may be full
                self._store.delete(f"{keys.prepared(key)}/{writer}")
            raise
