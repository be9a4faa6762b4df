"""The directory where all processes of a host meet serves every user and is not harmed by anybody's files."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qhas.devices.lease import Leases, default_directory
from qhas.devices.quarantine import QuarantineLog
from qhas.failures import InvalidInput
from qhas.machine.shared_directory import file_stem
from tests.qhas.devices.leasing import POLL, A, B, holder, queued


async def test_files_are_for_every_user_whatever_the_umask(tmp_path: Path) -> None:
    directory = tmp_path / "leases"
    leases = Leases(directory, POLL)
    before = os.umask(0o077)
    try:
        QuarantineLog(directory, threshold=1).note_failure(B, "no answer")
        got: list[str] = []
        async with leases.take([A], holder()), queued(leases, [A], "waits", got):
            modes = {path.suffix: path.stat().st_mode & 0o7777 for path in directory.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(["", ".lock", ".ticket", ".queue", ".quarantine"], 0o666)
    assert directory.stat().st_mode & 0o7777 == 0o1777


@given(st.sets(st.text(max_size=200), min_size=2, max_size=20))
def test_different_addresses_have_different_plain_file_names(addresses: set[str]) -> None:
    stems = {file_stem(address) for address in addresses}
    assert len(stems) == len(addresses)
    for stem in stems:
        assert stem == Path(stem).name
        assert stem.isascii()
        assert len(stem) < 200


async def test_addresses_that_look_alike_are_different_devices(leases: Leases) -> None:
    alike = [
        "adb:127.0.0.1:5555",
        "adb:127.0.0.1_5555",
        "adb:127_0.0.1:5555",
        "ssh:root@10.0.0.7",
        "ssh:[::1]",
    ]
    async with asyncio.timeout(600), asyncio.TaskGroup() as group:
        inside = asyncio.Barrier(len(alike))

        async def use(address: str) -> None:
            async with leases.take([address], holder()):
                await inside.wait()

        for address in alike:
            group.create_task(use(address))


@pytest.mark.parametrize("name", [f"{file_stem(A)}.lock", "mutex"])
async def test_a_link_in_the_directory_is_refused(tmp_path: Path, leases: Leases, name: str) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    (tmp_path / name).symlink_to(target)
    with pytest.raises(InvalidInput, match=r"cannot serve as a lock file.*QHAS_LEASES"):
        async with leases.take([A, B], holder()):
            pytest.fail("somebody else's file")
    assert target.read_text() == "precious"


async def test_a_link_in_place_of_one_device_concerns_nobody_else(tmp_path: Path, leases: Leases) -> None:
    (tmp_path / f"{file_stem(A)}.lock").symlink_to(tmp_path / "target")
    async with leases.take([B], holder()) as address:
        assert address == B
    assert [state.address for state in leases.states([A, B])] == [A, B]


async def test_a_directory_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "leases").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidInput, match="is not a directory"):
        Leases(tmp_path / "leases").states([A])


async def test_foreign_files_in_the_directory_are_passed_over(tmp_path: Path, leases: Leases) -> None:
    (tmp_path / "000000001.1-ab.ticket").write_text("not a ticket")
    (tmp_path / "000000002.2-ab.ticket").symlink_to(tmp_path / "mutex")
    (tmp_path / "README").write_text("hello")
    (tmp_path / f"{file_stem(A)}.lock").write_bytes(b"\xff\x00")
    async with leases.take([A], holder()) as address:
        assert address == A
    assert (tmp_path / "README").read_text() == "hello"


async def test_a_lease_needs_an_address(leases: Leases) -> None:
    with pytest.raises(ValueError, match="at least one"):
        async with leases.take([], holder()):
            pass


def test_the_directory_is_the_one_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QHAS_LEASES", str(tmp_path))
    assert default_directory() == tmp_path


def test_without_one_named_all_processes_of_the_host_meet_in_one_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QHAS_LEASES", raising=False)
    here = default_directory()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert default_directory() == here
    assert here in (Path("/run/lock/qhas"), Path("/tmp/qhas-leases"))
