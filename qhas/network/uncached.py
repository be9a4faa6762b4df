"""A prepared DLC as it was before it was prepared: the network without what was compiled from it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from qhas.network.records import UNREADABLE, read_record, why_unreadable
from qhas.outside_bytes import opened_zip

_COMPILED = ("htp.cache.", "hostsdk.timeline.")
_METADATA = "dlc.metadata2."
_LARGEST_METADATA = 16 << 20
_LARGEST = 4 << 30
"""Size limit in bytes of a record: the weights of a large network."""
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


def uncached(prepared: Path, target: Path) -> None:
    """Copy a DLC without its cache records; equal networks give equal bytes. Raises ValueError if it is not a DLC."""
    try:
        with (
            opened_zip(prepared) as archive,
            zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as out,
        ):
            for name in archive.namelist():
                if name.startswith(_COMPILED):
                    continue
                content = (
                    _emptied(read_record(archive, name, _LARGEST_METADATA))
                    if name.startswith(_METADATA)
                    else read_record(archive, name, _LARGEST)
                )
                out.writestr(zipfile.ZipInfo(name, _FIXED_TIME), content)
    except UNREADABLE as error:
        raise ValueError(f"{prepared.name} cannot be read as a DLC: {why_unreadable(error)}") from error


def _emptied(metadata: bytes) -> bytes:
    """Return the metadata without its list of cache records."""
    start = metadata.find(b"{")
    document = json.loads(metadata[start:].rstrip(b"\0"))
    document.pop("cacheList", None)
    return json.dumps(document, indent=4).encode()
