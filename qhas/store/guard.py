"""Operations on a backend, tried with patience; every error becomes a StoreError that names store and key."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from qhas.machine.secrets import masked_text
from qhas.machine.waits import asked
from qhas.store.backend import Backend
from qhas.store.errors import StoreError
from qhas.store.objects import Batch
from qhas.store.patience import Patience

T = TypeVar("T")

_SECRET_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


class Guard:
    """Wraps the backend of the store at `root`."""

    def __init__(self, root: str, backend: Backend, patience: Patience) -> None:
        self._root, self._backend, self._patience = root, backend, patience

    def do(self, key: str, operation: Callable[[], T], *, transfer: bool = False) -> T:
        """Return the operation's result. Raises StoreError, or a subclass of it that fits.

        A transfer may take long: it is only shown as a wait once it has failed.
        """
        try:
            with asked(f"the store {self._root}", waits=not transfer) as wait:

                def passes(error: BaseException) -> bool:
                    wait()
                    return self._backend.explain(error).passes

                return self._patience.keep_trying(operation, passes)
        except StoreError:
            raise
        except Exception as error:
            refusal = self._refusal(key, error)
        # The backend's own text may show secret keys: it must not reach a log as the cause either.
        raise refusal

    def do_many(self, key: str, operation: Callable[[], Batch[T]]) -> dict[str, T]:
        """Return what a batch of operations, one on `key`, has done; raise its error unless that passes by itself."""
        batch = self.do(key, operation, transfer=True)
        if batch.failed and not self._backend.explain(batch.failed[1]).passes:
            raise self._refusal(*batch.failed)
        return batch.done

    def _refusal(self, key: str, error: Exception) -> StoreError:
        trouble = self._backend.explain(error)
        variables = (os.environ.get(name, "") for name in _SECRET_VARIABLES)
        text = masked_text(trouble.reason, [*self._backend.secrets(), *variables])
        return trouble.kind(f"The store {self._root} failed at {key}: {text}")
