"""The backend that an address leads to."""

from __future__ import annotations

import fsspec
from fsspec.implementations.local import LocalFileSystem

from qhas.store.any import AnyFileSystem
from qhas.store.backend import Backend
from qhas.store.local import Local
from qhas.store.patience import Patience

_S3 = ("s3://", "s3a://")


def open_backend(root: str, patience: Patience) -> Backend:
    """By `root`, a local path or any fsspec URL. Raises ImportError and ValueError where it leads nowhere."""
    if root.startswith(_S3):
        from qhas.store.s3_transfer import open_s3

        return open_s3(root, patience)
    fs, base = fsspec.core.url_to_fs(root)
    return Local(fs, base) if isinstance(fs, LocalFileSystem) else AnyFileSystem(fs, base)
