"""Stored files as local paths."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

from qhas.failures import InvalidInput
from qhas.naming import below
from qhas.runs import keys
from qhas.runs.record import CellRecord
from qhas.store import Store


class Files:
    """Files of a store as local paths: the stored files themselves in a local store, else copies.

    Copies are kept in `folder`, or in a private temporary folder that is removed with this object.
    """

    def __init__(self, store: Store, folder: Path | None = None) -> None:
        self._store: Store | None = store
        self._folder = folder
        self._root = store.root
        self._own: weakref.finalize[..., Files] | None = None

    @property
    def store(self) -> Store:
        """The store that holds the files. Raises InvalidInput once the archive is closed."""
        if self._store is None:
            raise InvalidInput(f"The archive of {self._root} is closed: open it again with qhas.open.")
        return self._store

    def close(self) -> None:
        """Release the store, and remove the private folder with its copies."""
        self._store = None
        if self._own is not None:
            self._own()

    def path(self, record: CellRecord, name: str) -> Path:
        """Return the path of a file by its name in the cell's record. Raises InvalidInput if absent, and StoreError."""
        artifact = record.artifact(name)
        if artifact is None:
            names = ", ".join(dict.fromkeys(each.name for each in record.artifacts if not each.pruned_at))
            raise InvalidInput(
                f"{record.cell.label} of {record.run_id} has no {name}; it has {names or 'no file'}."
            )
        key = keys.file(record, artifact)
        if "://" not in (address := self.store.url(key)):
            return Path(address)
        target = below(self._copies(), key)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            self.store.fetch(key, target, artifact.sha256)
        return target

    def _copies(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="qhas-archive-"))
            self._own = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder
