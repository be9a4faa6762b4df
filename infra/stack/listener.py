"""Whose a port of loopback is. An answer from it does not say so: another program may have been quicker."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from enum import Enum
from pathlib import Path

_LISTENING = "0A"
"""The state of a socket in /proc/net/tcp that takes connections (TCP_LISTEN)."""


class Listener(Enum):
    """Who takes connections at a port where a process is to."""

    NOBODY = "nobody does"
    OWN = "the process does, or one that belongs to it"
    OTHER = "another program does"


def listener_at(port: int, own: Iterable[int]) -> Listener:
    """Who takes connections at the port of 127.0.0.1; `own` are the ids of the processes that belong together."""
    sockets = {f"socket:[{inode}]" for inode in _listening_at(port)}
    if not sockets:
        return Listener.NOBODY
    return Listener.OWN if any(sockets & set(_open_in(pid)) for pid in own) else Listener.OTHER


def _listening_at(port: int) -> Iterator[str]:
    """Inodes of the sockets that a connection to the port of 127.0.0.1 may reach."""
    for table, addresses in _REACHED.items():
        places = {f"{address}:{port:04X}" for address in addresses}
        with suppress(FileNotFoundError), Path("/proc/net", table).open(encoding="ascii") as lines:
            for line in lines:
                _, local, _, state, _, _, _, _, _, inode, *_ = line.split()
                if state == _LISTENING and local in places:
                    yield inode


def _open_in(pid: int) -> Iterator[str]:
    """What the descriptors of a process lead to, as far as it is there and ours to see."""
    with suppress(OSError):
        for descriptor in os.scandir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                yield str(Path(descriptor.path).readlink())


def _address(text: str, family: socket.AddressFamily) -> str:
    """An address as /proc/net has it: words of 32 bits in this machine's order."""
    packed = socket.inet_pton(family, text)
    words = (packed[start : start + 4] for start in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)


_REACHED = {
    "tcp": [_address(text, socket.AF_INET) for text in ("127.0.0.1", "0.0.0.0")],  # noqa: S104  # they are looked for
    "tcp6": [_address(text, socket.AF_INET6) for text in ("::ffff:127.0.0.1", "::")],
}
"""By table of /proc/net, the addresses of listeners that 127.0.0.1 reaches: one of another address is in nobody's way."""
