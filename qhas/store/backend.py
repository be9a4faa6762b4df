"""What a store asks of the place that keeps its objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from qhas.store.errors import Trouble
from qhas.store.objects import Batch, Copy, Found


class Backend(Protocol):
    """Objects by key. Every operation is one try and raises what its library raises; `explain` says what that means.

    Used from many threads at once.
    """

    at_once: int
    """Operations that are worth having under way at the same time."""
    stored_at_once: int
    """Files that are worth storing at the same time."""
    waits: bool
    """Whether storing a small file is waiting rather than computing, so that many are worth storing at the same time."""

    def address(self, key: str) -> str:
        """Where a key is, for people: a local path or a URL."""

    def exists(self, key: str) -> bool:
        """Whether the object is there. A prefix is none, and an object that cannot be asked for is an error."""

    def read(self, key: str, begin: int | None = None, end: int | None = None) -> bytes:
        """The bytes of an object, or of a range in it."""

    def write(self, key: str, content: bytes) -> None:
        """Write an object so that readers see the old bytes or the new, never a part."""

    def create(self, key: str, content: bytes) -> None:
        """Write an object that is not there yet, whole. One that is there stays and is an error of the kind Taken."""

    def put(self, file: Path, key: str) -> str:
        """Store a file; the SHA-256 of what was sent."""

    def put_bytes(self, content: bytes, key: str) -> str:
        """Store what is in memory as `put` stores a file; its SHA-256."""

    def settle(self, keys: Sequence[str]) -> None:
        """Return when the files that were put there outlast a crash; what is written or created does as it is."""

    def get(self, key: str, file: Path) -> str:
        """Copy an object to a file; the SHA-256 of what was written. What fails may leave a part of it."""

    def read_many(self, keys: Sequence[str]) -> Batch[bytes | None]:
        """Contents of small objects, None for one that is not there. What is not done is to be read singly."""

    def put_many(self, copies: Sequence[Copy]) -> Batch[str]:
        """Store those files that are quicker sent together; their SHA-256. What is not done is left to `put`."""

    def get_many(self, copies: Sequence[Copy], arrived: Callable[[Copy, str], object]) -> Batch[str]:
        """Copy those objects that are quicker fetched together; their SHA-256. What is not done is left to `get`.

        Each is told with its digest when it has arrived, while others are under way, by one thread at a time.
        """

    def objects(self, prefix: str) -> Iterable[Found]:
        """Every object below a prefix, as it is now."""

    def children(self, prefix: str) -> Iterable[str]:
        """Names directly below a prefix, of objects and of prefixes."""

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects; one that is not there is no error."""

    def clear(self, prefix: str) -> None:
        """Remove everything below a prefix, or the object of that key; nothing there is no error."""

    def sign(self, key: str, seconds: int) -> str:
        """An address that opens the object without credentials for so long. NotImplementedError where there is none."""

    def explain(self, error: BaseException) -> Trouble:
        """What an exception of an operation means."""

    def secrets(self) -> Iterable[str]:
        """What no text may show."""
