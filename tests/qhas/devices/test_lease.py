# ruff: noqa: ASYNC240  # the files of these tests are a few bytes
"""A device does one thing at a time, whoever on the host asks for it, and waiting is fair and visible."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qhas.devices.lease import (
    Holder,
    Leases,
    LeaseState,
    NoDevice,
    Ticket,
    assign,
    default_directory,
)
from qhas.devices.quarantine import QuarantineLog
from qhas.devices.shared_directory import file_stem
from qhas.failures import InvalidInput

ROOT = Path(__file__).parents[3]
A, B, C = "adb:a", "adb:b", "ssh:root@10.0.0.7"
POLL = 0.02

CHILD = """
import asyncio, json, os, sys
from datetime import UTC, datetime
from pathlib import Path
from qhas.devices.lease import Holder, Leases

def say(line):
    print(line, flush=True)

def heard():
    return asyncio.to_thread(sys.stdin.readline)

async def use(directory, name, addresses):
    holder = Holder(run_id=name, cell="net on sm8750", pid=os.getpid(), host_user="eve", since=datetime.now(UTC))
    told = []
    def waiting(states):
        if not told:
            say("waits")
        told.append(states)
    leases = Leases(Path(directory), poll_seconds=0.02)
    say("ready")
    await heard()
    async with leases.take(addresses, holder, waiting=waiting) as address:
        say(f"has {address}")
        await heard()
    say("gave back")

async def hammer(directory, name, addresses, log, turns):
    leases = Leases(Path(directory), poll_seconds=0.005)
    holder = Holder(run_id=name, cell="net on sm8750", pid=os.getpid(), host_user="eve", since=datetime.now(UTC))
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    async def turn():
        async with leases.take(addresses, holder) as address:
            os.write(file, f"{address} enter {name}\\n".encode())
            await asyncio.sleep(0.001)
            os.write(file, f"{address} exit {name}\\n".encode())
    await asyncio.gather(*(turn() for _ in range(turns)))

async def beget(directory, name, addresses):
    leases = Leases(Path(directory))
    holder = Holder(run_id=name, cell="net on sm8750", pid=os.getpid(), host_user="eve", since=datetime.now(UTC))
    async with leases.take(addresses, holder):
        executed = await asyncio.create_subprocess_exec("sleep", "60", close_fds=False)
        forked = os.fork()
        if not forked:
            import signal
            signal.pause()
        say(f"{executed.pid} {forked}")
        await heard()

asyncio.run(globals()[sys.argv[1]](*json.loads(sys.argv[2])))
"""


class Child:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        assert process.stdin
        assert process.stdout
        self._stdin, self._stdout = process.stdin, process.stdout

    async def says(self) -> str:
        async with asyncio.timeout(60):
            return (await self._stdout.readline()).decode().strip()

    def go(self) -> None:
        self._stdin.write(b"\n")

    async def end(self) -> int:
        async with asyncio.timeout(60):
            return await self.process.wait()


Spawn = Callable[..., Awaitable[Child]]


@pytest.fixture
async def spawn() -> AsyncIterator[Spawn]:
    children: list[Child] = []

    async def start(what: str, *arguments: object) -> Child:
        pipe = asyncio.subprocess.PIPE
        argv = [sys.executable, "-c", CHILD, what, json.dumps(arguments, default=str)]
        children.append(Child(await asyncio.create_subprocess_exec(*argv, cwd=ROOT, stdin=pipe, stdout=pipe)))
        return children[-1]

    yield start
    for child in children:
        with suppress(ProcessLookupError):
            child.process.kill()
        async with asyncio.timeout(60):
            await child.process.communicate()


@pytest.fixture
def leases(tmp_path: Path) -> Leases:
    return Leases(tmp_path, POLL)


def holder(name: str = "nightly") -> Holder:
    return Holder(
        run_id=name,
        cell="inception_v2 on sm8750",
        pid=os.getpid(),
        host_user="adam",
        since=datetime(2026, 3, 1, 22, 0, tzinfo=UTC),
    )


@asynccontextmanager
async def queued(
    leases: Leases, addresses: Sequence[str], name: str, got: list[str]
) -> AsyncIterator[asyncio.Task[None]]:
    """A task that waits in the queue already and notes in `got` whom it is and what it gets."""
    waits = asyncio.Event()

    async def take() -> None:
        async with leases.take(addresses, holder(name), waiting=lambda _: waits.set()) as address:
            got.append(f"{name} {address}")

    task = asyncio.create_task(take())
    async with asyncio.timeout(60):
        await waits.wait()
        try:
            yield task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_processes_that_hammer_two_devices_never_meet_and_all_get_their_turns(
    tmp_path: Path, spawn: Spawn
) -> None:
    log = tmp_path / "log"
    names, turns = ["p0", "p1", "p2", "p3"], 25
    children = [await spawn("hammer", tmp_path / "leases", name, [A, B], log, turns) for name in names]
    assert [await child.end() for child in children] == [0, 0, 0, 0]
    lines = [line.split() for line in log.read_text().splitlines()]
    assert len(lines) == len(names) * turns * 2
    for address in (A, B):
        visits = [(what, name) for where, what, name in lines if where == address]
        assert visits, "both devices serve"
        for enter, leave in zip(visits[::2], visits[1::2], strict=True):
            assert enter[0] == "enter"
            assert leave == ("exit", enter[1])
    left = {path.suffix for path in (tmp_path / "leases").iterdir()}
    assert left == {".lock", ""}


async def test_processes_are_served_in_the_order_they_came(
    tmp_path: Path, leases: Leases, spawn: Spawn
) -> None:
    children = [await spawn("use", tmp_path, name, [A]) for name in ("first", "second", "third")]
    async with leases.take([A], holder()):
        for child in children:
            assert await child.says() == "ready"
        for child in children:
            child.go()
            assert await child.says() == "waits"
        (state,) = leases.states([A])
        assert [waiter.run_id for waiter in state.waiting] == ["first", "second", "third"]
    for child in children:
        assert await child.says() == f"has {A}"
        child.go()
        assert await child.end() == 0


async def test_a_process_that_came_later_passes_only_for_a_device_the_earlier_cannot_use(
    tmp_path: Path, leases: Leases, spawn: Spawn
) -> None:
    child = await spawn("use", tmp_path, "earlier", [A])
    assert await child.says() == "ready"
    got: list[str] = []
    async with AsyncExitStack() as stack:
        async with leases.take([A], holder()):
            child.go()
            assert await child.says() == "waits"
            async with leases.take([A, B], holder("passes")) as address:
                assert address == B
            later = await stack.enter_async_context(queued(leases, [A], "later", got))
        assert await child.says() == f"has {A}"
        assert got == []
        child.go()
        await later
    assert got == [f"later {A}"]


async def test_coroutines_are_served_in_the_order_they_came(leases: Leases) -> None:
    got: list[str] = []
    async with leases.take([A], holder()):
        tasks = [asyncio.create_task(_take_and_note(leases, [A], str(number), got)) for number in range(20)]
        await asyncio.sleep(POLL)
        assert got == []
    async with asyncio.timeout(60):
        await asyncio.gather(*tasks)
    assert got == [f"{number} {A}" for number in range(20)]


async def _take_and_note(leases: Leases, addresses: Sequence[str], name: str, got: list[str]) -> None:
    async with leases.take(addresses, holder(name)) as address:
        got.append(f"{name} {address}")
        await asyncio.sleep(0)


async def test_a_release_wakes_the_waiters_of_its_own_process_without_a_poll(tmp_path: Path) -> None:
    leases = Leases(tmp_path, poll_seconds=3600)
    got: list[str] = []
    async with asyncio.timeout(60):
        async with leases.take([A], holder()):
            one = asyncio.create_task(_take_and_note(leases, [A], "one", got))
            two = asyncio.create_task(_take_and_note(leases, [A], "two", got))
            await asyncio.sleep(0.01)
        await asyncio.gather(one, two)
    assert got == [f"one {A}", f"two {A}"]


async def test_a_killed_holder_frees_its_device_at_once(
    tmp_path: Path, leases: Leases, spawn: Spawn, record_property: Callable[[str, object], None]
) -> None:
    child = await spawn("use", tmp_path, "doomed", [A])
    child.go()
    assert await child.says() == "ready"
    assert await child.says() == f"has {A}"
    got: list[str] = []
    async with queued(leases, [A], "heir", got) as heir:
        killed = time.monotonic()
        child.process.kill()
        await heir
        seconds = time.monotonic() - killed
    record_property("seconds_to_free", seconds)
    assert got == [f"heir {A}"]
    assert seconds < 5  # some hundredths; the limit is for a busy machine


async def test_children_of_a_killed_holder_do_not_keep_its_device(
    tmp_path: Path, leases: Leases, spawn: Spawn
) -> None:
    parent = await spawn("beget", tmp_path, "doomed", [A])
    children = [int(pid) for pid in (await parent.says()).split()]
    try:
        parent.process.kill()
        async with asyncio.timeout(60), leases.take([A], holder()):
            for pid in children:
                os.kill(pid, 0)  # still there
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)


async def test_a_killed_waiter_does_not_hold_up_the_queue(
    tmp_path: Path, leases: Leases, spawn: Spawn
) -> None:
    child = await spawn("use", tmp_path, "doomed", [A])
    assert await child.says() == "ready"
    got: list[str] = []
    async with AsyncExitStack() as stack:
        async with leases.take([A], holder()):
            child.go()
            assert await child.says() == "waits"
            later = await stack.enter_async_context(queued(leases, [A], "next", got))
            child.process.kill()
            await child.end()
            assert [waiter.run_id for waiter in leases.states([A])[0].waiting] == ["next"]
        await later
    assert got == [f"next {A}"]
    assert list(tmp_path.glob("*.ticket")) == list(tmp_path.glob("*.queue")) == []


async def test_waiting_can_be_cancelled_and_leaves_no_ticket(tmp_path: Path, leases: Leases) -> None:
    got: list[str] = []
    async with leases.take([A], holder()):
        async with queued(leases, [A], "cancelled", got) as task:
            assert len(list(tmp_path.glob("*.ticket"))) == 1
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert {path.suffix for path in tmp_path.iterdir()} == {".lock", ""}
        assert leases.states([A])[0].waiting == []
    assert got == []


async def test_a_waiter_cancelled_in_the_moment_it_is_served_gives_the_device_back(leases: Leases) -> None:
    async def wait() -> None:
        async with leases.take([A], holder("cancelled")):
            pytest.fail("cancelled before")

    for turns in range(8):  # of the loop: one of them is the moment
        async with leases.take([A], holder()):
            task = asyncio.create_task(wait())
            await asyncio.sleep(0.01)
        for _ in range(turns):
            if leases.states([A])[0].holder:
                break
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(60), leases.take([A], holder()):
            pass


@pytest.mark.parametrize("error", [RuntimeError, asyncio.CancelledError])
async def test_a_device_is_given_back_however_its_lease_ends(
    leases: Leases, error: type[BaseException]
) -> None:
    with pytest.raises(error):
        async with leases.take([A], holder()):
            raise error
    (state,) = leases.states([A])
    assert state == LeaseState(address=A)


async def test_everybody_sees_who_has_a_device_since_when_and_for_which_run(
    tmp_path: Path, leases: Leases
) -> None:
    async with leases.take([A], holder()):
        have, free = Leases(tmp_path).states([A, B])
        assert have == LeaseState(address=A, holder=holder())
        assert free == LeaseState(address=B)
    assert Leases(tmp_path).states([A]) == [LeaseState(address=A)]
    assert [file.read_text() for file in tmp_path.glob("*.lock")] == [""]


async def test_what_a_dead_holder_left_in_its_file_is_not_shown(
    tmp_path: Path, leases: Leases, spawn: Spawn
) -> None:
    child = await spawn("use", tmp_path, "doomed", [A])
    child.go()
    assert await child.says() == "ready"
    assert await child.says() == f"has {A}"
    (state,) = leases.states([A])
    assert state.holder
    assert (state.holder.run_id, state.holder.pid) == ("doomed", child.process.pid)
    child.process.kill()
    await child.end()
    (file,) = tmp_path.glob("*.lock")
    assert "doomed" in file.read_text()
    assert leases.states([A]) == [LeaseState(address=A)]


async def test_a_waiter_is_told_when_waiting_begins_and_at_each_change_only(tmp_path: Path) -> None:
    one, two = Leases(tmp_path, 0.005), Leases(tmp_path, 0.005)
    told: list[tuple[str | None, list[str]]] = []

    def waiting(states: list[LeaseState]) -> None:
        (state,) = states
        has = state.holder.run_id if state.holder else None
        told.append((has, [waiter.run_id for waiter in state.waiting]))

    async def wait() -> None:
        async with one.take([A], holder("patient"), waiting=waiting):
            pass

    async with asyncio.timeout(60):
        async with two.take([A], holder("first")):
            got: list[str] = []
            second = asyncio.create_task(_take_and_note(two, [A], "second", got))
            await asyncio.sleep(0)
            while not two.states([A])[0].waiting:
                await asyncio.sleep(0.001)
            task = asyncio.create_task(wait())
            while not told:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.05)  # ten polls
            assert told == [("first", ["second", "patient"])]
            async with queued(two, [A], "third", got) as third:
                while len(told) < 2:
                    await asyncio.sleep(0.001)
                assert told[1] == ("first", ["second", "patient", "third"])
                third.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await third
                while len(told) < 3:
                    await asyncio.sleep(0.001)
                assert told[2] == ("first", ["second", "patient"])
        await asyncio.gather(second, task)


async def test_while_another_process_looks_at_the_queue_one_waits_without_blocking_the_loop(
    tmp_path: Path, leases: Leases
) -> None:
    leases.states([A])
    got: list[str] = []
    with (tmp_path / "mutex").open() as mutex:
        fcntl.flock(mutex, fcntl.LOCK_EX)
        task = asyncio.create_task(_take_and_note(leases, [A], "patient", got))
        await asyncio.sleep(0.02)
        assert got == []
    async with asyncio.timeout(60):
        await task
    assert got == [f"patient {A}"]


async def test_a_device_locked_by_something_else_is_waited_for(tmp_path: Path, leases: Leases) -> None:
    lock = tmp_path / f"{file_stem(A)}.lock"
    lock.touch()
    got: list[str] = []
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        async with queued(leases, [A], "patient", got) as task:
            assert leases.states([A])[0].holder is None
            fcntl.flock(file, fcntl.LOCK_UN)
            await task
    assert got == [f"patient {A}"]


async def test_who_gets_a_device_at_once_is_not_told_of_waiting(leases: Leases) -> None:
    def waiting(states: list[LeaseState]) -> None:
        pytest.fail("nobody waits")

    async with leases.take([A], holder(), waiting=waiting) as address:
        assert address == A


async def test_an_error_in_a_waiters_callback_is_that_waiters(leases: Leases) -> None:
    def waiting(states: list[LeaseState]) -> None:
        raise RuntimeError("the display is gone")

    got: list[str] = []
    async with leases.take([A], holder()), queued(leases, [A], "other", got) as other:
        with pytest.raises(RuntimeError, match="the display is gone"):
            async with leases.take([A], holder(), waiting=waiting):
                pytest.fail("the device is taken")
        assert not other.done()


async def test_a_retry_takes_another_device_than_the_one_it_avoids(leases: Leases) -> None:
    async with leases.take([A, B], holder(), avoid=[A]) as address:
        assert address == B


async def test_a_retry_waits_for_a_busy_device_rather_than_use_the_one_it_avoids(leases: Leases) -> None:
    got: list[str] = []
    async with leases.take([B], holder()):

        async def retry() -> None:
            async with leases.take([A, B], holder(), avoid=[A]) as address:
                got.append(address)

        task = asyncio.create_task(retry())
        await asyncio.sleep(3 * POLL)
        assert got == []
    async with asyncio.timeout(60):
        await task
    assert got == [B]


async def test_an_avoided_device_is_used_when_it_is_the_only_one_fit(tmp_path: Path, leases: Leases) -> None:
    async with leases.take([A], holder(), avoid=[A]) as address:
        assert address == A
    QuarantineLog(tmp_path, threshold=1).note_failure(B, "no answer")
    async with leases.take([A, B], holder(), avoid=[A]) as address:
        assert address == A


async def test_a_device_set_aside_is_passed_over_but_for_those_who_repair_it(
    tmp_path: Path, leases: Leases
) -> None:
    entry = QuarantineLog(tmp_path, threshold=1).note_failure(A, "no answer")
    assert leases.states([A])[0].quarantine == entry
    async with leases.take([A, B], holder()) as address:
        assert address == B
    async with leases.take([A, B], holder(), ignore_quarantine=True) as address:
        assert address == A


async def test_when_all_devices_are_set_aside_the_reasons_are_told(tmp_path: Path, leases: Leases) -> None:
    log = QuarantineLog(tmp_path, threshold=1, clock=lambda: datetime(2126, 3, 1, 22, 0, tzinfo=UTC))
    log.note_failure(A, "no answer")
    log.note_failure(B, "the DSP hangs")
    with pytest.raises(NoDevice) as refused:
        async with leases.take([A, B], holder(), patience_seconds=0):
            pytest.fail("nothing to take")
    assert "adb:a since 2126-03-01 22:00:00 UTC" in str(refused.value)
    assert "(no answer)" in str(refused.value)
    assert "(the DSP hangs)" in str(refused.value)
    assert list(tmp_path.glob("*.ticket")) == []


async def test_devices_set_aside_while_one_waits_for_them_end_the_waiting(
    tmp_path: Path, leases: Leases
) -> None:
    async def wait() -> None:
        async with leases.take([A], holder(), patience_seconds=0.05):
            pytest.fail("it was set aside")

    async with asyncio.timeout(60), leases.take([A], holder()):
        task = asyncio.create_task(wait())
        await asyncio.sleep(0.1)
        assert not task.done(), "a busy device is waited for without limit"
        QuarantineLog(tmp_path, threshold=1).note_failure(A, "no answer")
        with pytest.raises(NoDevice, match="no answer"):
            await task


@pytest.mark.parametrize("patience", [None, 60.0])
async def test_a_device_that_comes_back_is_waited_for(
    tmp_path: Path, leases: Leases, patience: float | None
) -> None:
    log = QuarantineLog(tmp_path, threshold=1, first_period_seconds=0.1)
    assert log.note_failure(A, "no answer")
    async with asyncio.timeout(60), leases.take([A], holder(), patience_seconds=patience):
        assert log.status(A) is None
        assert log.entry(A) is not None


async def test_a_success_noted_elsewhere_ends_the_waiting(tmp_path: Path, leases: Leases) -> None:
    log = QuarantineLog(tmp_path, threshold=1)
    log.note_failure(A, "no answer")
    got: list[str] = []
    async with queued(leases, [A], "waits", got) as task:
        assert log.note_success(A)
        await task
    assert got == [f"waits {A}"]


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
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
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


ADDRESSES = st.lists(st.sampled_from([A, B, C]), min_size=1, max_size=3, unique=True)
TICKETS = st.builds(
    Ticket, holder=st.just(holder()), addresses=ADDRESSES, avoid=ADDRESSES, ignore_quarantine=st.booleans()
)


@given(
    st.lists(TICKETS, max_size=8), st.sets(st.sampled_from([A, B, C])), st.sets(st.sampled_from([A, B, C]))
)
def test_nobody_is_overtaken_for_a_device_and_none_is_given_twice(
    tickets: list[Ticket], free: set[str], quarantined: set[str]
) -> None:
    assigned = assign(tickets, free, quarantined)
    given_out = [address for address in assigned if address]
    assert len(given_out) == len(set(given_out))
    assert free.issuperset(given_out)
    for place, (ticket, mine) in enumerate(zip(tickets, assigned, strict=True)):
        usable = ticket.usable(quarantined)
        better = usable[: usable.index(mine)] if mine else usable
        assert not set(better) & set(assigned[place + 1 :]), "a later one has what this one would rather have"
        assert not set(better) & (free - set(given_out)), "a free one is left over"


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            ADDRESSES,
            st.integers(0, 1),
            st.sampled_from([0, 0.001, 0.003]),
            st.sampled_from([None, 0, 0.002]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_whatever_coroutines_ask_for_no_device_has_two_holders_and_all_are_served(
    jobs: list[tuple[list[str], int, float, float | None]],
) -> None:
    holders: dict[str, int] = {}

    async def work(
        leases: Leases, addresses: list[str], hold_seconds: float, cancel_after: float | None
    ) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(cancel_after), leases.take(addresses, holder()) as address:
                assert address in addresses
                holders[address] = holders.get(address, 0) + 1
                try:
                    assert holders[address] == 1
                    await asyncio.sleep(hold_seconds)
                finally:
                    holders[address] -= 1

    async def main(directory: Path) -> list[LeaseState]:
        both = [Leases(directory, 0.001), Leases(directory, 0.001)]
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for addresses, which, hold_seconds, cancel_after in jobs:
                group.create_task(work(both[which], addresses, hold_seconds, cancel_after))
        assert {path.suffix for path in directory.iterdir()} <= {"", ".lock"}
        return both[0].states([A, B, C])

    with tempfile.TemporaryDirectory() as directory:
        assert asyncio.run(main(Path(directory))) == [LeaseState(address=address) for address in (A, B, C)]
