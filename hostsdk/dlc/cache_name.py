"""The cache record's name, for generations of the libraries that do not put the SoC into it.

Up to 2.49 every record is `backend.metadata<n>`; from 2.50 on it is `htp.cache.<soc>.<n>`, by which tools find the
record of a SoC.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from hostsdk.dlc.dlc import Dlc

_UNNAMED = "backend.metadata"
_METADATA = "dlc.metadata2."
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


def name_cache_record(dlc: Path, soc: str) -> None:
    """Rename the one record without a SoC in its name, in place and in the DLC's own list, as newer libraries would.

    A DLC without such a record is left as it is. Raises `ToolError` for a damaged one.
    """
    container = Dlc(dlc)
    unnamed = [name for name in container.names() if name.startswith(_UNNAMED)]
    if len(unnamed) != 1 or container.cache_record(soc):
        return
    old, new = unnamed[0], f"htp.cache.{soc}.0"
    renamed = dlc.with_name(f"{dlc.name}.renamed")
    with zipfile.ZipFile(renamed, "w", zipfile.ZIP_STORED) as archive:
        for name in container.names():
            content = container.read(name)
            if name.startswith(_METADATA):
                content = _listed(content, old, new)
            archive.writestr(zipfile.ZipInfo(new if name == old else name, _FIXED_TIME), content)
    renamed.replace(dlc)


def _listed(metadata: bytes, old: str, new: str) -> bytes:
    content = json.loads(metadata)
    for entry in content.get("cacheList", []):
        if entry.get("cacheName") == old:
            entry["cacheName"] = new
    return json.dumps(content, indent=4).encode()
