"""Another user of the host can neither redirect what the leases write nor block anyone silently."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qhas.devices.lease import Leases, LeaseState, Ticket
from qhas.devices.quarantine import QuarantineLog
from qhas.devices.queue import Snapshot, Turns
from qhas.failures import InvalidInput
from qhas.machine.scratch import dead_scratch
from qhas.machine.shared_directory import SharedDirectory, file_stem
from tests.other_user import NAME, acting, acts, needs_another_user, place_for_all
from tests.qhas.devices.leasing import POLL, A, B, Spawn, holder

_MAKES = "import os, sys; os.mkdir(sys.argv[1]); os.chmod(sys.argv[1], int(sys.argv[2], 8))"
_LOCKS = """
import fcntl, os, sys, time
file = os.open(sys.argv[1], os.O_RDWR)
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""
SOON = 0.05


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


async def test_a_mutex_that_is_never_free_is_waited_for_and_its_holder_named(tmp_path: Path) -> None:
    leases = Leases(tmp_path, POLL, mutex_seconds=SOON)
    held = rf"mutex has been locked for 0.05 s by process {os.getpid()} \(.+\) of .+terminate that process.*QHAS_LEASES"
    with locked(tmp_path / "mutex"):
        with pytest.raises(InvalidInput, match=held):
            leases.states([A])
        with pytest.raises(InvalidInput, match=held):
            async with leases.take([A], holder()):
                pytest.fail("the mutex was not free")
    async with leases.take([A], holder()) as address:
        assert address == A


async def test_who_waits_in_the_queue_is_told_of_a_mutex_that_is_never_free(tmp_path: Path) -> None:
    async with Leases(tmp_path, POLL).take([A], holder("first")):
        late = Leases(tmp_path, POLL, mutex_seconds=SOON)
        locks = []

        def lock_the_mutex(_: list[LeaseState]) -> None:
            file = os.open(tmp_path / "mutex", os.O_RDWR)
            locks.append(file)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

        try:
            with pytest.raises(InvalidInput, match="mutex has been locked"):
                async with late.take([A], holder("late"), waiting=lock_the_mutex):
                    pytest.fail("it is the first one's")
        finally:
            for file in locks:
                os.close(file)


async def test_a_ticket_of_a_number_that_nobody_draws_keeps_nobody_from_waiting(tmp_path: Path) -> None:
    stray = ["9" * 200, "9" * 12, "9" * 15]
    for number in stray:
        (tmp_path / f"{number}.1-a.ticket").write_text("{}")
    (tmp_path / "1-a.queue").touch()
    with locked(tmp_path / "1-a.queue"):
        first, second = Leases(tmp_path, POLL), Leases(tmp_path, POLL)
        async with first.take([A], holder("first")):
            waits = asyncio.Event()
            waiting = asyncio.create_task(_take(second, waits))
            await asyncio.wait_for(waits.wait(), 600)
        assert await waiting == A


async def test_who_does_not_take_a_free_device_is_passed_over_by_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ticket = Ticket(holder=holder("stopped"), addresses=[A])
    for number in range(1, 100):
        (tmp_path / f"{number:09}.1-a.ticket").write_text(ticket.model_dump_json())
    with locked(tmp_path / "1-a.queue"):
        for _ in range(2):
            async with (
                asyncio.timeout(600),
                Leases(tmp_path, POLL, mutex_seconds=SOON).take([A], holder()) as address,
            ):
                assert address == A
    assert re.search(rf"process {os.getpid()} \(.+ does not claim its free device", caplog.text)


def test_who_goes_on_has_its_turn_again() -> None:
    turns, mine, others = Turns(10), "000000003.2-b.ticket", ["000000001.1-a.ticket", "000000002.1-a.ticket"]
    tickets = {name: Ticket(holder=holder(), addresses=[A]) for name in [*others, mine]}
    both, second = Snapshot(tickets), Snapshot({name: tickets[name] for name in [others[1], mine]})
    assert (turns.fall_asleep(both, 0), turns.assign(both, [mine], 0)) == (set(), {})
    assert (turns.fall_asleep(both, 9), turns.assign(both, [mine], 9)) == (set(), {})
    assert (turns.fall_asleep(both, 10), turns.assign(both, [mine], 10)) == ({"1-a"}, {mine: A})
    assert (turns.fall_asleep(both, 30), turns.assign(both, [mine], 30)) == (set(), {mine: A})
    assert (turns.fall_asleep(second, 31), turns.assign(second, [mine], 31)) == (set(), {})


async def test_who_is_stopped_in_the_queue_keeps_nobody_waiting_and_gets_its_device_later(
    tmp_path: Path, spawn: Spawn
) -> None:
    async with Leases(tmp_path, POLL).take([A], holder("first")):
        stopped = await spawn("use", str(tmp_path), "stopped", [A])
        assert await stopped.says() == "ready"
        stopped.go()
        assert await stopped.says() == "waits"
        with SharedDirectory(tmp_path).alone():  # so that it does not hold the mutex when stopped
            stopped.process.send_signal(signal.SIGSTOP)
            while not is_stopped(stopped.process.pid):
                pass
    async with asyncio.timeout(600), Leases(tmp_path, POLL, mutex_seconds=1).take([A], holder("third")):
        stopped.process.send_signal(signal.SIGCONT)
    assert await stopped.says() == f"has {A}"
    stopped.go()
    assert await stopped.says() == "gave back"


async def _take(leases: Leases, waits: asyncio.Event) -> str:
    async with leases.take([A], holder("second"), waiting=lambda _: waits.set()) as address:
        return address


def test_a_locked_quarantine_stops_nobody_who_looks(tmp_path: Path) -> None:
    log = QuarantineLog(tmp_path, threshold=1)
    log.note_failure(A, "no answer")
    with locked(tmp_path / f"{file_stem(A)}.quarantine"):
        assert (entry := log.entry(A))
        assert entry.reason == "no answer"
        (state,) = Leases(tmp_path).states([A])
        assert state.quarantine == entry


async def test_a_device_that_a_stranger_has_locked_is_shown_with_its_name(tmp_path: Path) -> None:
    leases = Leases(tmp_path, POLL)
    with locked(tmp_path / f"{file_stem(A)}.lock"):
        taken, other = leases.states([A, B])
    assert taken.holder is None
    assert f"process {os.getpid()} (" in str(taken.stranger)
    assert other.stranger is None


@pytest.mark.parametrize("name", ["mutex", f"{file_stem(A)}.lock", f"{file_stem(A)}.quarantine"])
async def test_another_name_of_somebodys_file_is_not_written(tmp_path: Path, name: str) -> None:
    (precious := tmp_path / "precious").write_text("thesis")
    (directory := tmp_path / "leases").mkdir()
    (directory / name).hardlink_to(precious)
    with pytest.raises(InvalidInput, match="not a plain file"):
        SharedDirectory(directory).open(name)
    QuarantineLog(directory, threshold=1).note_failure(A, "no answer")
    assert precious.read_text() == "thesis"


def test_a_directory_where_everybody_removes_everything_is_refused(tmp_path: Path) -> None:
    (directory := tmp_path / "leases").mkdir()
    directory.chmod(0o777)
    with pytest.raises(InvalidInput, match=r"lets anyone remove.*chmod \+t"):
        Leases(directory).states([A])


def test_a_directory_that_everybody_can_replace_is_refused(tmp_path: Path) -> None:
    (loose := tmp_path / "loose").mkdir()
    loose.chmod(0o777)
    with pytest.raises(InvalidInput, match=rf"can be replaced by anyone.*chmod \+t {loose}"):
        Leases(loose / "leases").states([A])


def test_who_names_the_directory_vouches_for_the_way_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (loose := tmp_path / "loose").mkdir()
    loose.chmod(0o777)  # as a container's volume may be
    monkeypatch.setenv("QHAS_LEASES", str(loose / "leases"))
    assert Leases(loose / "leases").states([A])[0].holder is None


def test_the_leases_are_never_taken_for_what_a_dead_run_left(tmp_path: Path) -> None:
    (directory := tmp_path / "qhas-leases").mkdir()
    directory.chmod(0o1777)
    with SharedDirectory(directory).open("in-use", create=True) as mark:
        mark.write(f'["{Path("/proc/sys/kernel/random/boot_id").read_text().strip()}"]')
    assert dead_scratch(tmp_path) == []


@needs_another_user
def test_a_directory_of_another_user_is_refused_until_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with place_for_all() as place:
        acts(_MAKES, place / "leases", "1777")
        with pytest.raises(InvalidInput, match=rf"belongs to {NAME}.*install -d -m 1777"):
            Leases(place / "leases").states([A])
        monkeypatch.setenv("QHAS_LEASES", str(place / "leases"))
        assert Leases(place / "leases").states([A])[0].holder is None


@needs_another_user
def test_another_users_lock_on_the_mutex_is_named() -> None:
    with place_for_all() as place:
        Leases(place / "leases").states([A])
        with (
            acting(_LOCKS, place / "leases/mutex") as pid,
            pytest.raises(InvalidInput, match=rf"by process {pid} \(python.*\) of {NAME}"),
        ):
            Leases(place / "leases", mutex_seconds=SOON).states([A])
