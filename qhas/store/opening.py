"""Open the backend that an address leads to."""

from __future__ import annotations

from fsspec.implementations.local import LocalFileSystem

from qhas.store.addresses import open_address
from qhas.store.any import AnyFileSystem
from qhas.store.backend import Backend
from qhas.store.local import Local
from qhas.store.patience import Patience

_S3 = ("s3://", "s3a://")


def require_plain(path: str) -> None:
    """Raise ValueError for the path of a store that clients and servers write in different ways."""
    if path and not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise ValueError("its path has an empty part, `.` or `..`; write it as s3://bucket/folder")


def open_backend(root: str, patience: Patience) -> Backend:
    """Open the backend for `root`, a local path or any fsspec URL.

    Raises ImportError, ValueError and what fsspec does if it leads nowhere.
    """
    if root.startswith(_S3):
        from qhas.store.s3_transfer import open_s3

        return open_s3(root, patience)
    fs, base = open_address(root)
    if isinstance(fs, LocalFileSystem):
        return Local(fs, base)
    require_plain(base.rpartition("://")[2].strip("/"))
    return AnyFileSystem(fs, base)
