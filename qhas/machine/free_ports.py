"""Free ports of loopback for servers that cannot be handed a listening socket."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack
from pathlib import Path

_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST, _HIGHEST = 10_000, 65_535
_FEW = 1_000


def free_port() -> int:
    """Return one port as `free_ports` does."""
    return free_ports(1)[0]


def free_ports(count: int, outgoing: Path = _OUTGOING) -> list[int]:
    """Return distinct ports of 127.0.0.1 on which nothing listens.

    Linux takes the near end of an outgoing connection from a range of ports, which the file `outgoing` states. These are outside it:
    a port within may belong to someone's connection by the time the server starts, or a stack is started again. Where the range
    leaves fewer than a thousand ports, Linux chooses. Raises OSError if none is free.
    """
    candidates = _outside(_range(outgoing))
    with ExitStack() as held:
        probes: list[socket.socket] = []
        while len(probes) < count:
            port = candidates.pop() if candidates else 0
            try:
                probes.append(held.enter_context(socket.create_server(("127.0.0.1", port))))
            except OSError:
                if not port:
                    raise
        return [probe.getsockname()[1] for probe in probes]


def _outside(outgoing: range) -> list[int]:
    """Return the ports outside the range, in an order that no other process has; none if they are too few."""
    ports = [port for port in range(_LOWEST, _HIGHEST + 1) if port not in outgoing]
    random.SystemRandom().shuffle(ports)
    return ports if len(ports) >= _FEW else []


def _range(file: Path) -> range:
    """Read the range; one that leaves nothing if there is no such file."""
    try:
        first, last = file.read_text(encoding="ascii").split()
        return range(int(first), int(last) + 1)
    except (OSError, ValueError):
        return range(_HIGHEST + 1)
