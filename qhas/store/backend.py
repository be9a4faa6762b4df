"""The interface that a store requires of the place that keeps its objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from qhas.store.errors import Trouble
from qhas.store.objects import Batch, Copy, Found


class Backend(Protocol):
    """Objects by key. Every operation is one try and raises what its library raises; `explain` interprets that.

    Called from many threads at once.
    """

    at_once: int
    """Number of operations worth having under way at the same time."""
    stored_at_once: int
    """Number of files worth storing at the same time."""
    waits: bool
    """Whether storing a small file is waiting rather than computing, so that storing many at the same time pays."""

    def address(self, key: str) -> str:
        """Return the location of a key for users: a local path or a URL."""

    def exists(self, key: str) -> bool:
        """Whether the object is there. A prefix is not an object, and one that cannot be queried is an error."""

    def read(self, key: str, begin: int | None = None, end: int | None = None) -> bytes:
        """Return the bytes of an object, or of a range in it."""

    def write(self, key: str, content: bytes) -> None:
        """Write an object so that readers see the old bytes or the new, never a part."""

    def create(self, key: str, content: bytes) -> None:
        """Write a new object atomically. An existing one is kept, and is an error of the kind Taken."""

    def put(self, file: Path, key: str) -> str:
        """Store a file; return the SHA-256 of what was sent."""

    def put_bytes(self, content: bytes, key: str) -> str:
        """Store bytes from memory as `put` stores a file; return their SHA-256."""

    def settle(self, keys: Sequence[str]) -> None:
        """Return once the files stored by `put` would survive a crash; what is written or created does so anyway."""

    def get(self, key: str, file: Path) -> str:
        """Copy an object to a file; return the SHA-256 of what was written. A failure may leave part of the file."""

    def read_many(self, keys: Sequence[str]) -> Batch[bytes | None]:
        """Return the contents of small objects, None for a missing one. Those not done must be read singly."""

    def put_many(self, copies: Sequence[Copy]) -> Batch[str]:
        """Store those files that are faster to send together; return their SHA-256. The rest are left to `put`."""

    def get_many(self, copies: Sequence[Copy], arrived: Callable[[Copy, str], object]) -> Batch[str]:
        """Copy those objects that are faster to fetch together; return their SHA-256. The rest are left to `get`.

        `arrived` is called with each copy and its digest when it has arrived, while others are under way, by one
        thread at a time.
        """

    def objects(self, prefix: str) -> Iterable[Found]:
        """Return every object below a prefix, as it is now."""

    def children(self, prefix: str) -> Iterable[str]:
        """Return the names directly below a prefix, of objects and of prefixes."""

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects; a missing one is not an error."""

    def clear(self, prefix: str) -> None:
        """Remove everything below a prefix, or the object of that key; it is not an error if there is nothing."""

    def sign(self, key: str, seconds: int) -> str:
        """Return an address that opens the object without credentials for `seconds`, or raise NotImplementedError."""

    def explain(self, error: BaseException) -> Trouble:
        """Return what an exception of an operation means."""

    def secrets(self) -> Iterable[str]:
        """Return the secrets that no text may show."""
