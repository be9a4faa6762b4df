"""A DLC's records: a zip archive whose members are stored, often with a CRC of zero.

Record names in use: `model` (the network), `htp.cache.<soc>.<n>` (a prepared graph), `dlc.metadata*` (JSON that lists the
caches), and this package's own, which the vendor's library keeps and ignores: `hostsdk.timeline.<soc>`, and
`hostsdk.network.<n>`, a whole DLC whose network is prepared and run together with this one's.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from hostsdk.bounded import DAMAGED_ZIP, inflate, opened_zip
from hostsdk.dlc.zip_append import append_member
from hostsdk.errors import ErrorCode, ToolError

NETWORK_RECORD = "model"
_METADATA_PREFIX = "dlc.metadata"
_METADATA_OF_SNPE_1 = "dlc.metadata"
_METADATA_OF_SNPE_2 = "dlc.metadata2."
_NETWORK_MARK = struct.Struct("<HH")
_MARK, _VERSION_OF_SNPE_2 = 0x0AD5, 4
"""How the network's record begins: SNPE 1 wrote version 3."""
_CACHE_PREFIX = "htp.cache."
_TIMELINE_PREFIX = "hostsdk.timeline."
_JOINED_PREFIX = "hostsdk.network."
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LONGEST_SHOWN = 100
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


def timeline_record(soc: str, index: int = 0) -> str:
    """Return the name of the record that holds the simulator's timeline for `soc` and the DLC's graph at `index`."""
    return f"{_TIMELINE_PREFIX}{soc}.{index}" if index else f"{_TIMELINE_PREFIX}{soc}"


class Dlc:
    """A DLC file on disk. Every call reads the file anew."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def check(self) -> None:
        """Raise `ToolError` unless the file exists, is complete, and holds a network."""
        if not self.path.is_file():
            raise ToolError(ErrorCode.MISSING_FILE, f"the container {self.path} does not exist.", "DLC")
        names = self.names()
        if self._made_by_snpe_1(names):
            raise ToolError(
                ErrorCode.OLD_CONTAINER,
                f"{self.path.name} was made by SNPE 1: convert the network again, with QAIRT or SNPE 2.",
                "DLC",
            )
        if NETWORK_RECORD not in names:
            raise ToolError(
                ErrorCode.MISSING_RECORD,
                f"{self.path} holds no network (record {NETWORK_RECORD!r}): it is not a DLC of SNPE 2.",
                "DLC",
            )

    def _made_by_snpe_1(self, names: list[str]) -> bool:
        """Whether SNPE 1 made it: by the mark of its network, or because it has only metadata of the first kind."""
        if _METADATA_OF_SNPE_1 in names and not any(name.startswith(_METADATA_OF_SNPE_2) for name in names):
            return True
        start = self.read(NETWORK_RECORD)[: _NETWORK_MARK.size] if NETWORK_RECORD in names else b""
        if len(start) < _NETWORK_MARK.size:
            return False
        mark, version = _NETWORK_MARK.unpack(start)
        return bool(mark == _MARK and version < _VERSION_OF_SNPE_2)

    def names(self) -> list[str]:
        """Return the names of its records, in file order."""
        return [member.filename for member in self._members()]

    def cached_socs(self) -> list[str]:
        """Return the SoCs it holds a cache record for, sorted."""
        return sorted({name.split(".")[2] for name in self.names() if name.startswith(_CACHE_PREFIX)})

    def cache_record(self, soc: str) -> str | None:
        """Return the name of the cache record for `soc`, or None."""
        return next((name for name in self.names() if name.startswith(f"{_CACHE_PREFIX}{soc}.")), None)

    def read(self, name: str) -> bytes:
        """Return a record's content. Raises `ToolError` when it is missing or damaged."""
        for member in self._members():
            if member.filename == name:
                return self._content(member)
        raise ToolError(ErrorCode.MISSING_RECORD, f"{self.path} has no record {name!r}.", "DLC")

    def digest(self, name: str) -> str:
        """Return the SHA-256 of a record's content, in hex."""
        return hashlib.sha256(self.read(name)).hexdigest()

    def append(self, name: str, content: bytes) -> None:
        """Add a record, in place; the other records keep their place, and the directory its entries byte for byte."""
        append_member(self.path, name, content)

    def join(self, others: Sequence[Path]) -> None:
        """Add the networks of other DLCs to this one, in place, after those already joined."""
        first = len(self.joined()) + 1
        for number, other in enumerate(others, first):
            self.append(f"{_JOINED_PREFIX}{number}", other.read_bytes())

    def joined(self) -> list[str]:
        """Return the records of the DLCs whose networks were joined to this one, in order."""
        names = [name for name in self.names() if name.startswith(_JOINED_PREFIX)]
        return sorted(names, key=lambda name: int(name.removeprefix(_JOINED_PREFIX)))

    def copy_without_caches(self, target: Path, socs: Iterable[str]) -> None:
        """Copy to `target` without anything kept for `socs`: cache records, their metadata entries, timelines."""
        socs = list(socs)
        gone = tuple(f"{_CACHE_PREFIX}{soc}." for soc in socs)
        timelines = tuple(f"{timeline_record(soc)}." for soc in socs)
        if not any(name.startswith(gone) or f"{name}.".startswith(timelines) for name in self.names()):
            shutil.copyfile(self.path, target)
            return
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for member in self._members():
                name = member.filename
                if name.startswith(gone) or f"{name}.".startswith(timelines):
                    continue
                content = self._content(member)
                if name.startswith(_METADATA_PREFIX):
                    content = _without_cache_entries(content, gone)
                archive.writestr(zipfile.ZipInfo(name, _FIXED_TIME), content)

    def _members(self) -> list[zipfile.ZipInfo]:
        try:
            with opened_zip(self.path) as archive:
                return archive.infolist()
        except (OSError, *DAMAGED_ZIP) as error:
            raise ToolError(
                ErrorCode.BAD_CONTAINER, f"{self.path} is not a DLC, or is cut off ({error}).", "DLC"
            ) from error

    def _content(self, member: zipfile.ZipInfo) -> bytes:
        """Return the member's bytes. zipfile would insist on a CRC, which DLC writers leave at zero."""
        with self.path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            if not 0 <= member.header_offset <= end or member.compress_size > end:
                raise self._damaged(member)
            file.seek(member.header_offset)
            header = file.read(_LOCAL_HEADER.size)
            if len(header) == _LOCAL_HEADER.size:
                magic, name_length, extra_length = _LOCAL_HEADER.unpack(header)
                if magic == b"PK\x03\x04":
                    file.seek(name_length + extra_length, 1)
                    raw = file.read(member.compress_size)
                    if len(raw) == member.compress_size:
                        return self._inflated(member, raw)
        raise self._damaged(member)

    def _inflated(self, member: zipfile.ZipInfo, raw: bytes) -> bytes:
        if member.compress_type == zipfile.ZIP_STORED:
            return self._verified(member, raw)
        try:
            return self._verified(member, inflate(raw, wbits=-zlib.MAX_WBITS))
        except zlib.error as error:
            raise self._damaged(member, f" ({error})") from error

    def _verified(self, member: zipfile.ZipInfo, content: bytes) -> bytes:
        if member.CRC and zlib.crc32(content) != member.CRC:
            raise self._damaged(member)
        return content

    def _damaged(self, member: zipfile.ZipInfo, how: str = "") -> ToolError:
        name = member.filename[:_LONGEST_SHOWN]
        return ToolError(ErrorCode.INVALID_RECORD, f"record {name!r} of {self.path} is damaged{how}.", "DLC")


def _without_cache_entries(metadata: bytes, prefixes: tuple[str, ...]) -> bytes:
    try:
        content = json.loads(metadata)
    except (ValueError, RecursionError):
        return metadata
    if not isinstance(content, dict) or not isinstance(content.get("cacheList"), list):
        return metadata
    content["cacheList"] = [
        c
        for c in content["cacheList"]
        if not (isinstance(c, dict) and str(c.get("cacheName")).startswith(prefixes))
    ]
    return json.dumps(content, indent=4).encode()
