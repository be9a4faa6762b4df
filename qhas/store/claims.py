"""Claims on something in the store: which process works on it now, so that others wait or report it.

A claim is a small object that its owner renews. If it is not renewed, its owner counts as dead; at once, if its
process can be seen to have ended. When claims fail (a server without conditional writes, hosts that take over a dead
host's claim at the same moment), two processes work on the same thing: users of claims must be able to bear that.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from qhas.documents import Moment, Stored
from qhas.machine.process_identity import ProcessIdentity, this_process
from qhas.outside_text import ShownText
from qhas.store import Store, StoreError

_RELEASE_SECONDS = 5.0
"""Longest wait for the release: a store that is gone answers late, and the claim expires anyway."""


class Claim(Stored):
    """Who works on something. `host` is only for display."""

    owner: str
    host: ShownText
    process: ProcessIdentity | None = None
    expires: Moment

    def has_ended(self) -> bool:
        """Whether its process is known to be gone."""
        return self.process is not None and self.process.has_ended()

    def is_visible(self) -> bool:
        """Whether the end of its process can be detected."""
        return self.process is not None and self.process.is_visible()


RELEASED = Claim(owner="", host="", expires=datetime(2000, 1, 1, tzinfo=UTC))
"""Stands for a claim that was there and vanished before it could be read."""


class Claims:
    """Claims of one owner. They live for `seconds` and are renewed three times in that time."""

    def __init__(self, store: Store, seconds: float) -> None:
        self.seconds = seconds
        self._store = store
        self._owner = uuid.uuid4().hex

    def take(self, key: str) -> Claim | None:
        """Claim the key, or return the claim that has it. One that cannot be read is overwritten. Raises StoreError."""
        if self._store.write(key, self._claim_now(), only_if_absent=True):
            return None
        content = self._store.read(key)
        if content is not None and _parse(content) is None:
            self._store.write(key, self._claim_now())
            return None
        return RELEASED if content is None else _parse(content)

    def lost_to(self, key: str) -> Claim | None:
        """Return the claim that has replaced this owner's, or None while it still holds. Raises StoreError.

        A missing claim was taken over and released: that is RELEASED. An unreadable one has no owner, so this owner's
        still holds.
        """
        content = self._store.read(key)
        claim = RELEASED if content is None else _parse(content)
        return claim if claim and claim.owner != self._owner else None

    def take_away(self, key: str, dead: Claim) -> None:
        """Remove a dead owner's claim, if it is still the one that was seen. Raises StoreError."""
        content = self._store.read(key)
        if content is not None and _parse(content) == dead:
            self._store.delete(key)

    def release(self, key: str) -> None:
        """Remove the claim if it is still this owner's. One that cannot be removed expires."""
        with suppress(StoreError):
            claim = _parse(self._store.read(key) or b"")
            if claim and claim.owner == self._owner:
                self._store.delete(key)

    @asynccontextmanager
    async def kept(
        self, key: str, overtaken: Callable[[Claim], None] = lambda _: None
    ) -> AsyncIterator[None]:
        """Renew a claim that was taken, and release it after the block.

        `overtaken` is called, from another thread, with the claim of an owner that took this one for dead.
        """
        ended = threading.Event()
        # Not on the event loop or its threads: busy with large files, they would renew too late.
        renewal = threading.Thread(target=self._keep, args=(key, ended, overtaken), daemon=True)
        renewal.start()
        try:
            yield
        finally:
            ended.set()
            await asyncio.to_thread(renewal.join, _RELEASE_SECONDS)

    def _keep(self, key: str, ended: threading.Event, overtaken: Callable[[Claim], None]) -> None:
        while not ended.wait(self.seconds / 3):
            with suppress(StoreError):
                if other := self.lost_to(key):
                    overtaken(other)
                    return
                self._store.write(key, self._claim_now())
        self.release(key)

    def _claim_now(self) -> bytes:
        claim = Claim(
            owner=self._owner,
            host=f"{socket.gethostname()} (process {os.getpid()})",
            process=this_process(),
            expires=datetime.now(UTC) + timedelta(seconds=self.seconds),
        )
        return claim.model_dump_json().encode()


def _parse(content: bytes) -> Claim | None:
    try:
        return Claim.model_validate_json(content)
    except ValidationError:
        return None
