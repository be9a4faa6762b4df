"""What a store tells of an object without reading it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_MODIFIED = ("LastModified", "last_modified", "updated", "mtime", "modified", "created")
"""What backends call the time of an object's last change, in the order of trust."""


@dataclass(frozen=True)
class Found:
    """A stored object: its key, its bytes, and when it was last written where the backend says so."""

    key: str
    size: int
    modified: datetime | None


def modified(info: dict[str, Any]) -> datetime | None:
    """When a backend says that an object was last written; None where it does not."""
    value = next((info[name] for name in _MODIFIED if info.get(name) is not None), None)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else None
