"""The program in a prepared DLC, whatever SoC it names.

For SoCs that differ in nothing that the compiler looks at, such as SA8255 and QCS9100, it writes cache records that differ in
two places alone: the SoC's number in the header, and its name among the compiler's options, as text that is padded with
zeros. The DLC's `cacheList` states the number as `socModel` (seen in DLCs of QAIRT 2.51).
"""

from __future__ import annotations

import json
import re
import struct
from hashlib import sha256
from pathlib import Path

from qhas.network.records import UNREADABLE, read_record
from qhas.outside_bytes import opened_zip

_CACHE, _TIMELINE, _METADATA = "htp.cache.", "hostsdk.timeline.", "dlc.metadata2."
_LARGEST, _LARGEST_METADATA = 256 << 20, 16 << 20
"""Size limits in bytes of a record; a larger program has no digest."""
_HEADER_BYTES = 256
_OPTIONS = re.compile(rb"(;soc_type=)\w+(;[^\0]{0,65536})")


def program_digest(prepared: Path) -> str | None:
    """Return a digest of the only cache record, without the SoC's name and number.

    Equal digests mean that the records are equal in every other byte. Returns None if the record is not as described above, and
    if no simulated timeline belongs to it: then only a run writes its log.
    """
    try:
        with opened_zip(prepared) as archive:
            names = archive.namelist()
            if not any(name.startswith(_TIMELINE) for name in names):
                return None
            [record] = (name for name in names if name.startswith(_CACHE))
            [metadata] = (name for name in names if name.startswith(_METADATA))
            stated = read_record(archive, metadata, _LARGEST_METADATA)
            [cache] = json.loads(stated[stated.find(b"{") :].rstrip(b"\0"))["cacheList"]
            program = bytearray(read_record(archive, record, _LARGEST))
        _blank_number(program, cache["socModel"])
        _blank_name(program)
    except (*UNREADABLE, struct.error):
        return None
    return sha256(program).hexdigest()


def _blank_number(program: bytearray, number: int) -> None:
    """Overwrite the SoC's number. Raises ValueError unless exactly one number of the header can be it."""
    header = struct.unpack_from(f"<{_HEADER_BYTES // 4}I", program)
    [place] = (place for place, each in enumerate(header) if each == number)
    struct.pack_into("<I", program, 4 * place, 0)


def _blank_name(program: bytearray) -> None:
    """Take the SoC's name out of the options. Raises ValueError if they do not name it."""
    if not (found := list(_OPTIONS.finditer(program))):
        raise ValueError("no options name the SoC")
    for options in found:
        program[slice(*options.span())] = (options[1] + options[2]).ljust(len(options[0]), b"\0")
