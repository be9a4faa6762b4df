"""Objects of a store, and files on their way in and out of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_MODIFIED = ("LastModified", "last_modified", "updated", "mtime", "modified", "created")
"""What backends call the time of an object's last change, in the order of trust."""


@dataclass(frozen=True)
class Upload:
    """A local file on its way into the store, under a name relative to the manifest."""

    name: str
    source: Path
    path: str
    compress: bool = False


@dataclass(frozen=True)
class Download:
    """An object on its way to a local file; a digest is what its bytes must have."""

    key: str
    target: Path
    sha256: str | None = None


@dataclass(frozen=True)
class Found:
    """A stored object: its key, its bytes, and when it was last written where the backend says so."""

    key: str
    size: int
    modified: datetime | None


def modified(info: dict[str, Any]) -> datetime | None:
    """When an object was last written, from what a backend tells of it; None where it does not say."""
    value = next((info[name] for name in _MODIFIED if info.get(name) is not None), None)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else None


def is_file(fs: Any, path: str) -> bool:
    """Whether the object is there. Not fsspec's isfile(), for which an object that cannot be asked for is none."""
    try:
        return bool(fs.info(path)["type"] == "file")
    except FileNotFoundError:
        return False
