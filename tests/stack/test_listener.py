"""Which process, if any, listens at a port."""

from __future__ import annotations

import os
import socket

import pytest

from infra.stack.listener import Listener, listener_at

ADDRESSES = [
    (socket.AF_INET, "127.0.0.1", True),
    (socket.AF_INET, "0.0.0.0", True),
    (socket.AF_INET6, "::", True),
    (socket.AF_INET, "127.0.0.2", False),
    (socket.AF_INET6, "::1", False),
]


@pytest.mark.parametrize(("family", "address", "reached"), ADDRESSES)
def test_a_listener_counts_where_loopback_reaches_it(
    family: socket.AddressFamily, address: str, reached: bool
) -> None:
    try:
        listening = socket.create_server((address, 0), family=family, dualstack_ipv6=address == "::")
    except (OSError, ValueError) as error:
        if family is not socket.AF_INET6:
            raise
        pytest.skip(f"no IPv6 here: {error}")
    with listening:
        port = listening.getsockname()[1]
        assert listener_at(port, []) is (Listener.OTHER if reached else Listener.NOBODY)
        assert listener_at(port, [1, os.getpid()]) is (Listener.OWN if reached else Listener.NOBODY)


def test_nobody_listens_at_a_port_that_is_only_connected_from() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()) as caller,
    ):
        assert listener_at(caller.getsockname()[1], [os.getpid()]) is Listener.NOBODY
