"""Prepared graphs in the store, by content key.

Each writer uploads below a name of its own and then points the key's manifest at it. Two writers of one key never mix:
the schematic found is always that of the DLC found.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError, field_validator

from qhas.digest import file_digest
from qhas.naming import safe_name
from qhas.record import MANIFEST, Artifact
from qhas.store import Store, StoreError, Upload


class PreparedManifest(BaseModel):
    """Which files make up a prepared graph, the DLC first. Their names lie in one folder."""

    files: list[Artifact] = Field(min_length=1)

    @field_validator("files")
    @classmethod
    def _names_are_plain(cls, files: list[Artifact]) -> list[Artifact]:
        if any(not file.name or Path(file.name).name != file.name for file in files):
            raise ValueError("a file of a prepared graph is named by its name alone")
        return files


class PreparedGraphs:
    """The part of a store that holds prepared graphs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def holds(self, key: str) -> bool:
        """Whether a prepared graph of the key is in the store. Raises StoreError."""
        return self._store.exists(f"{_prefix(key)}/{MANIFEST}")

    def fetch(self, key: str, folder: Path) -> list[str] | None:
        """Copy a prepared graph into a folder; the file names, or None if the key is unknown or its files are damaged.

        With None, nothing of the graph is in the folder. Raises StoreError.
        """
        content = self._store.read(f"{_prefix(key)}/{MANIFEST}")
        if content is None:
            return None
        try:
            files = PreparedManifest.model_validate_json(content).files
        except ValidationError:
            return None
        if all(self._fetch(key, file, folder) for file in files):
            return [file.name for file in files]
        for file in files:
            (folder / file.name).unlink(missing_ok=True)
        return None

    def _fetch(self, key: str, file: Artifact, folder: Path) -> bool:
        """Copy one file; False unless it is there with the recorded digest."""
        source, target = f"{_prefix(key)}/{file.path}", folder / file.name
        if not self._store.exists(source):
            return False
        self._store.fetch(source, target)
        return file_digest(target) == file.sha256

    def publish(self, key: str, folder: Path, names: list[str]) -> None:
        """Store files of a folder as the prepared graph of a key. Raises StoreError."""
        writer = uuid.uuid4().hex
        uploads = [Upload(name, folder / name, f"{writer}/{safe_name(name)}") for name in names]
        try:
            manifest = PreparedManifest(files=self._store.upload(_prefix(key), uploads))
            self._store.write(f"{_prefix(key)}/{MANIFEST}", manifest.model_dump_json(indent=2).encode())
        except StoreError:
            with suppress(StoreError):  # a full store must not fill faster
                self._store.delete(f"{_prefix(key)}/{writer}")
            raise


def _prefix(key: str) -> str:
    return f"prepared/{key}"
