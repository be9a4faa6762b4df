"""Prepared graphs in the store, by content key.

Each writer uploads below a name of its own and then points the key's manifest at it. Two writers of one key never mix:
the schematic found is always that of the DLC found.

Of several hosts that want the same graph one prepares and the others wait: a claim beside the manifest says who. It saves
work and promises nothing. Where claims fail (a server without conditional writes, hosts that take over a dead host's
claim at the same moment) a graph is prepared twice, and either is right.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError, field_validator

from qhas.naming import safe_name
from qhas.record import MANIFEST, Artifact
from qhas.store import Download, ObjectDamaged, ObjectMissing, Store, StoreError, Upload

CLAIM = "claim.json"
USED = "used.txt"


class PreparedManifest(BaseModel):
    """Which files make up a prepared graph, the DLC first. Their names lie in one folder."""

    files: list[Artifact] = Field(min_length=1)

    @field_validator("files")
    @classmethod
    def _names_are_plain(cls, files: list[Artifact]) -> list[Artifact]:
        if any(not file.name or Path(file.name).name != file.name for file in files):
            raise ValueError("a file of a prepared graph is named by its name alone")
        return files


_NODE = socket.gethostname()


class Claim(BaseModel):
    """Who prepares a graph now. A claim that is not renewed before it expires is a dead owner's."""

    owner: str
    host: str
    node: str = ""
    process: int = 0
    expires: datetime


_RELEASED = Claim(owner="", host="", expires=datetime.min.replace(tzinfo=UTC))
"""A claim that was there and went before it could be read."""


class PreparedGraphs:
    """The part of a store that holds prepared graphs. Claims live for `claim_seconds` and are renewed meanwhile."""

    def __init__(self, store: Store, claim_seconds: float = 90.0) -> None:
        self._store = store
        self._seconds = claim_seconds
        self._owner = uuid.uuid4().hex

    def holds(self, key: str) -> bool:
        """Whether a prepared graph of the key is in the store. Raises StoreError."""
        return self._store.exists(f"{_prefix(key)}/{MANIFEST}")

    def fetch(self, key: str, folder: Path) -> list[str] | None:
        """Copy a prepared graph into a folder; the file names, or None if the key is unknown or its files are damaged.

        With None, nothing of the graph is in the folder. Raises StoreError.
        """
        content = self._store.read(f"{_prefix(key)}/{MANIFEST}")
        if content is None:
            return None
        try:
            files = PreparedManifest.model_validate_json(content).files
        except ValidationError:
            return None
        try:
            self._store.fetch_all(
                [Download(f"{_prefix(key)}/{file.path}", folder / file.name, file.sha256) for file in files]
            )
        except (ObjectMissing, ObjectDamaged):
            for file in files:
                (folder / file.name).unlink(missing_ok=True)
            return None
        self._note_use(key)
        return [file.name for file in files]

    def _note_use(self, key: str) -> None:
        """At most one write a day: pruning counts in days. A graph is as good without the note."""
        today = datetime.now(UTC).date().isoformat().encode()
        with suppress(StoreError):
            if self._store.read(f"{_prefix(key)}/{USED}") != today:
                self._store.write(f"{_prefix(key)}/{USED}", today)

    @asynccontextmanager
    async def turn(
        self, key: str, folder: Path, waiting: Callable[[str], None] = lambda _: None
    ) -> AsyncIterator[list[str] | None]:
        """The file names of the graph, copied into the folder; or None, and then it is this host's turn to prepare.

        Waits while another host prepares, and tells `waiting` its name, once. The caller publishes within the block.
        Raises StoreError.
        """
        told, seen, since, claimed = None, None, time.monotonic(), False
        while (names := await asyncio.to_thread(self.fetch, key, folder)) is None:
            claim = await asyncio.to_thread(self._claim, key)
            if claim is None:
                claimed = True
                names = await asyncio.to_thread(self.fetch, key, folder)  # it may have come before the claim
                break
            if claim != seen:
                seen, since = claim, time.monotonic()
            # A clock of another host may be wrong; that nothing is renewed is seen by this one's.
            if self._is_dead(claim) or time.monotonic() - since > self._seconds:
                if claim != _RELEASED:
                    await asyncio.to_thread(self._store.delete, f"{_prefix(key)}/{CLAIM}")
                continue
            if told != claim.host:
                waiting(told := claim.host)
            await asyncio.sleep(min(2.0, self._seconds / 10))
        if names:
            if claimed:
                await asyncio.to_thread(self._release, key)
            yield names
            return
        renewal = asyncio.create_task(self._renew(key))
        try:
            yield None
        finally:
            renewal.cancel()
            await asyncio.to_thread(self._release, key)

    def _claim(self, key: str) -> Claim | None:
        """Claim the key, or tell who has it; None if nobody can be told."""
        if self._store.write(f"{_prefix(key)}/{CLAIM}", self._claim_now(), only_if_absent=True):
            return None
        content = self._store.read(f"{_prefix(key)}/{CLAIM}")
        if content is None:
            return _RELEASED
        try:
            return Claim.model_validate_json(content)
        except ValidationError:
            return None

    def _is_dead(self, claim: Claim) -> bool:
        """Whether it has expired, or its process was one of this host and is gone."""
        gone = claim.node == _NODE and claim.process > 0 and not Path(f"/proc/{claim.process}").exists()
        return gone or claim.expires < datetime.now(UTC)

    def _claim_now(self) -> bytes:
        claim = Claim(
            owner=self._owner,
            host=f"{socket.gethostname()} (process {os.getpid()})",
            node=_NODE,
            process=os.getpid(),
            expires=datetime.now(UTC) + timedelta(seconds=self._seconds),
        )
        return claim.model_dump_json().encode()

    async def _renew(self, key: str) -> None:
        while True:
            await asyncio.sleep(self._seconds / 3)
            with suppress(StoreError):
                await asyncio.to_thread(self._store.write, f"{_prefix(key)}/{CLAIM}", self._claim_now())

    def _release(self, key: str) -> None:
        """Remove the claim if it is still this host's. What cannot be removed expires."""
        with suppress(StoreError, ValidationError):
            content = self._store.read(f"{_prefix(key)}/{CLAIM}")
            if content and Claim.model_validate_json(content).owner == self._owner:
                self._store.delete(f"{_prefix(key)}/{CLAIM}")

    def publish(self, key: str, folder: Path, names: list[str]) -> None:
        """Store files of a folder as the prepared graph of a key. Raises StoreError."""
        writer = uuid.uuid4().hex
        uploads = [Upload(name, folder / name, f"{writer}/{safe_name(name)}") for name in names]
        try:
            manifest = PreparedManifest(files=self._store.upload(_prefix(key), uploads))
            self._store.write(f"{_prefix(key)}/{MANIFEST}", manifest.model_dump_json(indent=2).encode())
        except StoreError:
            with suppress(StoreError):  # a full store must not fill faster
                self._store.delete(f"{_prefix(key)}/{writer}")
            raise


def _prefix(key: str) -> str:
    return f"prepared/{key}"
