"""A store as seen by someone who knows its layout but nothing of the code that writes it.

Anything with a manifest claims to be complete; here every claim is tested.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

_MANIFEST = "manifest.json"
_OF_EVERY_GOOD_CELL = frozenset({"schematic", "log", "config", "chrometrace", "qhas", "output"})


class Objects(Protocol):
    """A place where objects are stored."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Return every key below a prefix."""

    def read(self, key: str) -> bytes | None:
        """Return an object's bytes, or None if there is no such object."""


@dataclass(frozen=True)
class Folder:
    """Objects as files below a folder."""

    root: Path

    def keys(self, prefix: str) -> Iterator[str]:
        """See `Objects.keys`."""
        for path in sorted((self.root / prefix).rglob("*")):
            if path.is_file():
                yield str(path.relative_to(self.root))

    def read(self, key: str) -> bytes | None:
        """See `Objects.read`."""
        try:
            return (self.root / key).read_bytes()
        except FileNotFoundError:
            return None


@dataclass(frozen=True)
class Bucket:
    """Objects of a bucket, or of a prefix in it, through botocore's own client."""

    client: Any
    name: str
    base: str = ""

    def keys(self, prefix: str) -> Iterator[str]:
        """See `Objects.keys`."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=f"{self._base}{prefix}/"
        )
        for page in pages:
            yield from (found["Key"].removeprefix(self._base) for found in page.get("Contents", ()))

    def read(self, key: str) -> bytes | None:
        """See `Objects.read`."""
        try:
            content: bytes = self.client.get_object(Bucket=self.name, Key=f"{self._base}{key}")["Body"].read()
        except self.client.exceptions.NoSuchKey:
            return None
        return content

    @property
    def _base(self) -> str:
        return f"{self.base}/" if self.base else ""


@dataclass
class Reading:
    """What a run shows: manifest digests of complete cells, kinds of failed ones, and every broken promise."""

    complete: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    artifacts: int = 0
    prepared: int = 0
    state: str = ""


def read_run(objects: Objects, run_id: str) -> Reading:
    """Read a store's run and prepared graphs as they are now, including every file of every manifest in full."""
    reading, prefix = Reading(), f"runs/{run_id}"
    if sweep := objects.read(f"{prefix}/sweep.json"):
        reading.state = json.loads(sweep)["state"]
    for key in objects.keys(prefix):
        if key.endswith(f"/{_MANIFEST}"):
            cell = key.removeprefix(f"{prefix}/").removesuffix(f"/{_MANIFEST}")
            _read_cell(objects, key, cell, reading)
    for key in objects.keys("prepared"):
        if key.endswith(f"/{_MANIFEST}"):
            reading.prepared += 1
            files = _parsed(objects, key, reading).get("files", [])
            _check_files(objects, key, files, reading)
            if len(files) != 2:
                reading.broken.append(f"{key} names {len(files)} files, not a DLC and its schematic")
    return reading


def _read_cell(objects: Objects, key: str, cell: str, reading: Reading) -> None:
    content, record = objects.read(key) or b"", _parsed(objects, key, reading)
    if not record:
        return
    reading.records[cell] = record
    named = "/".join((record["cell"]["model"]["name"], record["cell"]["soc"], record["cell"]["variant"]))
    if named != cell:
        reading.broken.append(f"{key} is the record of {named}")
    _check_files(objects, key, record["artifacts"], reading)
    if record["status"] != "complete":
        reading.failed[cell] = record["failure"]["kind"]
        return
    reading.complete[cell] = hashlib.sha256(content).hexdigest()
    if absent := _OF_EVERY_GOOD_CELL - {artifact["name"] for artifact in record["artifacts"]}:
        reading.broken.append(f"{key} is complete without {', '.join(sorted(absent))}")


def _check_files(objects: Objects, key: str, files: list[dict[str, Any]], reading: Reading) -> None:
    for file in files:
        path = f"{key.removesuffix(f'/{_MANIFEST}')}/{file['path']}"
        content = objects.read(path)
        if content is None:
            reading.broken.append(f"{key} names {file['path']}, which does not exist")
        elif (len(content), hashlib.sha256(content).hexdigest()) != (file["size"], file["sha256"]):
            reading.broken.append(f"{path} differs from its manifest")
        elif file["name"] in ("chrometrace", "qhas") and not _is_json(content):
            reading.broken.append(f"{path} is incomplete")
        reading.artifacts += 1


def _parsed(objects: Objects, key: str, reading: Reading) -> dict[str, Any]:
    content = objects.read(key)
    try:
        parsed: dict[str, Any] = json.loads(content or b"")
    except ValueError:
        reading.broken.append(f"{key} is not JSON")
        return {}
    return parsed


def _is_json(packed: bytes) -> bool:
    try:
        json.loads(gzip.decompress(packed))
    except (ValueError, OSError, EOFError):
        return False
    return True
