"""Operations on a backend, tried with patience; whatever it raises becomes a StoreError that names store and key."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from qhas.machine.masking import masked_text
from qhas.store.errors import (
    ObjectDamaged,
    ObjectMissing,
    StoreError,
    is_damaged,
    is_missing,
    is_passing,
    is_taken,
    reason,
)
from qhas.store.patience import Patience

T = TypeVar("T")


class Taken(StoreError):
    """The object was to be created and is there."""


class Unsupported(StoreError):
    """The backend has no such thing."""


class Guard:
    """Stands before the file system of the store at `root`."""

    def __init__(self, root: str, fs: Any, patience: Patience) -> None:
        self._root, self._fs, self._patience = root, fs, patience

    def do(self, key: str, operation: Callable[[], T]) -> T:
        """The operation's result. Raises StoreError or the kind of it that fits."""
        try:
            return self._patience.keep_trying(operation, is_passing)
        except StoreError:
            raise
        except Exception as error:
            kind = _kind(error)
            text = masked_text(reason(error), self._secrets())
        # The backend's own text may show keys: it must not reach a log as the cause either.
        raise kind(f"The store {self._root} failed at {key}: {text}")

    def _secrets(self) -> list[str]:
        given = (getattr(self._fs, name, None) for name in ("key", "secret", "token"))
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return [secret for secret in (*given, *map(os.environ.get, names)) if secret]


def _kind(error: Exception) -> type[StoreError]:
    if is_taken(error):
        return Taken
    if is_missing(error):
        return ObjectMissing
    if is_damaged(error):
        return ObjectDamaged
    return Unsupported if isinstance(error, NotImplementedError) else StoreError
