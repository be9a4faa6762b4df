"""Ports for servers: free, distinct, and none that an outgoing connection may take before the server starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from qhas.machine.free_ports import free_port, free_ports

OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_they_are_free_and_distinct() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50
    for port in ports[:5]:
        socket.create_server(("127.0.0.1", port)).close()


def test_none_is_among_those_of_outgoing_connections(tmp_path: Path) -> None:
    (file := tmp_path / "range").write_text("12000\t60999\n")
    assert all(10_000 <= port < 12_000 or port > 60_999 for port in free_ports(50, file))


def test_one_that_is_listened_at_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        taken = listening.getsockname()[1]
        monkeypatch.setattr(
            "random.SystemRandom.shuffle", lambda _, ports: ports.append(taken)
        )  # tried first
        [port] = free_ports(1)
    assert port != taken


@pytest.mark.parametrize("text", ["10001 65535", "1024 65000"])
def test_where_the_range_leaves_few_ports_the_kernel_chooses(text: str, tmp_path: Path) -> None:
    (file := tmp_path / "range").write_text(text)
    first, last = map(int, OUTGOING.read_text().split())
    assert all(first <= port <= last for port in free_ports(20, file))


@pytest.mark.parametrize("text", ["", "none", "1 2 3"])
def test_a_range_that_cannot_be_read_is_not_in_the_way(text: str, tmp_path: Path) -> None:
    (file := tmp_path / "range").write_text(text)
    assert len(set(free_ports(3, file))) == 3
    assert free_ports(1, tmp_path / "missing")


def test_processes_that_ask_at_once_hardly_meet() -> None:
    assert len({free_port() for _ in range(20)}) > 1
