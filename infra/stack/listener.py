"""Which process has a port of loopback. An answer from it does not say: another program may have been quicker."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from enum import Enum
from pathlib import Path

_LISTENING = "0A"
"""The state of a socket in /proc/net/tcp that accepts connections (TCP_LISTEN)."""


class Listener(Enum):
    """Who accepts connections at a port where a process is meant to."""

    NOBODY = "nobody does"
    OWN = "the process does, or one that belongs to it"
    OTHER = "another program does"


def listener_at(port: int, own: Iterable[int]) -> Listener:
    """Return who accepts connections at the port of 127.0.0.1; `own` are the ids of the expected processes."""
    sockets = {f"socket:[{inode}]" for inode in _listening_at(port)}
    if not sockets:
        return Listener.NOBODY
    return Listener.OWN if any(sockets & set(_open_in(pid)) for pid in own) else Listener.OTHER


def _listening_at(port: int) -> Iterator[str]:
    """Yield the inodes of the sockets that a connection to the port of 127.0.0.1 may reach."""
    for table, addresses in _REACHED.items():
        places = {f"{address}:{port:04X}" for address in addresses}
        with suppress(FileNotFoundError), Path("/proc/net", table).open(encoding="ascii") as lines:
            for line in lines:
                _, local, _, state, _, _, _, _, _, inode, *_ = line.split()
                if state == _LISTENING and local in places:
                    yield inode


def _open_in(pid: int) -> Iterator[str]:
    """Yield the targets of a process's descriptors, as far as they still exist and may be read."""
    with suppress(OSError):
        for descriptor in os.scandir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                yield str(Path(descriptor.path).readlink())


def _address(text: str, family: socket.AddressFamily) -> str:
    """Format an address as /proc/net does: 32-bit words in this machine's byte order."""
    packed = socket.inet_pton(family, text)
    words = (packed[start : start + 4] for start in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)


_REACHED = {
    "tcp": [_address(text, socket.AF_INET) for text in ("127.0.0.1", "0.0.0.0")],  # noqa: S104  # only searched for
    "tcp6": [_address(text, socket.AF_INET6) for text in ("::ffff:127.0.0.1", "::")],
}
"""The listening addresses that 127.0.0.1 reaches, by table of /proc/net; listeners at others are not in the way."""
