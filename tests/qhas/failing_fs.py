"""An object store that refuses: an fsspec file system in memory whose chosen operations raise."""

from __future__ import annotations

from typing import Any, ClassVar

import fsspec
from fsspec.implementations.memory import MemoryFileSystem

OPERATIONS = ("cat_file", "pipe_file", "put_file", "get_file", "info", "rm", "find", "size")


class BackendRefused(Exception):
    """An exception that no caller of fsspec can know: every backend has its own."""


class FailingFileSystem(MemoryFileSystem):  # type: ignore[misc]
    """Operations named in `refused` raise BackendRefused."""

    protocol = "failing"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    refused: ClassVar[set[str]] = set()

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.removeprefix("failing://")))


def _guarded(name: str) -> Any:
    def operation(self: FailingFileSystem, *args: Any, **kwargs: Any) -> Any:
        if name in self.refused:
            raise BackendRefused("slow down")
        return getattr(MemoryFileSystem, name)(self, *args, **kwargs)

    return operation


for _name in OPERATIONS:
    setattr(FailingFileSystem, _name, _guarded(_name))
fsspec.register_implementation("failing", FailingFileSystem, clobber=True)
