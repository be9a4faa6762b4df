"""Objects of a store, and files on their way in and out of it."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from pydantic import Field

from qhas.documents import Moment, Stored
from qhas.naming import StoredPath
from qhas.outside_bytes import Unbounded, shown_limit

T = TypeVar("T")

NO_TYPE = "application/octet-stream"
LARGEST_READ = 512 << 20
"""Maximum bytes of an object read into memory: a record or a packed summary. Larger ones are fetched to files."""


class Artifact(Stored):
    """A stored file. `path` is relative to the cell's manifest; digest and size are those of the stored bytes."""

    name: str
    path: StoredPath
    sha256: str
    size: int
    true_name: str | None = Field(
        default=None, description="The original relative path, if `path` had to differ."
    )
    pruned_at: Moment | None = Field(default=None, description="Since when the file no longer exists.")


@dataclass(frozen=True)
class Upload:
    """A local file on its way into the store, under a name relative to the manifest."""

    name: str
    source: Path
    path: str
    compress: bool = False

    @property
    def stored_path(self) -> str:
        """The name of the file in the store."""
        return f"{self.path}.gz" if self.compress else self.path


@dataclass(frozen=True)
class Download:
    """An object on its way to a local file; its bytes must have the digest, if there is one."""

    key: str
    target: Path
    sha256: str | None = None


@dataclass(frozen=True)
class Found:
    """A stored object: its key, its size, and when it was last written, if the backend says so."""

    key: str
    size: int
    modified: datetime | None


class Copy(NamedTuple):
    """An object and the local file that it is copied from or to."""

    key: str
    file: Path


@dataclass(frozen=True)
class Batch(Generic[T]):
    """What a backend has done of many operations at once, by key; after the first failure it starts no more."""

    done: dict[str, T]
    failed: tuple[str, Exception] | None = None


def content_type(path: str) -> str:
    """Return the type with which a report opens in the browser. A .gz file stays one: it is not unpacked on the way."""
    kind, encoding = mimetypes.guess_type(path)
    return "application/gzip" if encoding == "gzip" else kind or NO_TYPE


def require_readable(size: int | None) -> None:
    """Raise Unbounded for more bytes than are read into memory."""
    if (size or 0) > LARGEST_READ:
        raise Unbounded(
            f"it is over {shown_limit(LARGEST_READ)}, the maximum size of an object that is read at once; remove it"
        )
