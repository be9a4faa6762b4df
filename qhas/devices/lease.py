"""Leases of devices: each device does one thing at a time, whichever process of the host requests it.

A device is held by an flock on its file, which the kernel drops when the process dies, however it dies. A process
that must wait draws a numbered ticket, a file all can read. All processes walk the same tickets in the same
order, one process at a time, and each takes what the walk assigns to it: so none is overtaken by a later one
that wants the same device, and no server is needed. A process with tickets also holds an flock. Tickets without it
are void; those of a process that does not take its device, because it is stopped, are passed over.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from qhas.devices.quarantine import Quarantined, QuarantineLog
from qhas.devices.queue import (
    Holder,
    LeaseState,
    NoDevice,
    Snapshot,
    Ticket,
    Turns,
    in_order,
    is_ticket,
    next_number,
    queue_of,
    why_none,
)
from qhas.failures import InvalidInput
from qhas.machine.shared_directory import (
    DIRECTORY_VARIABLE,
    LOCK_SECONDS,
    LockedFile,
    SharedDirectory,
    default_directory,
    file_stem,
)

__all__ = [
    "DIRECTORY_VARIABLE",
    "Holder",
    "LeaseState",
    "Leases",
    "NoDevice",
    "Ticket",
    "default_directory",
]

_logger = logging.getLogger(__name__)

_THOROUGH_SECONDS = 1.0
"""How often a poll checks everything, even if nothing seems to have changed."""


@dataclass(frozen=True)
class _Lease:
    address: str
    file: LockedFile


@dataclass(eq=False)
class _Waiter:
    """A ticket of this process and what its coroutine waits for."""

    ticket: Ticket
    waiting: Callable[[list[LeaseState]], None] | None
    patience_seconds: float | None
    lease: asyncio.Future[_Lease]
    name: str = ""
    hopeless_since: float | None = None
    reported: list[LeaseState] | None = None

    def report(self, states: list[LeaseState]) -> None:
        """Report who holds and who waits, if that has changed. An error in the callback is the waiter's own."""
        if self.waiting is None or self.lease.done() or states == self.reported:
            return
        self.reported = states
        try:
            self.waiting(states)
        except Exception as error:
            self.lease.set_exception(error)

    def lose_patience(self, quarantined: dict[str, Quarantined], now: float) -> None:
        """Give up if all its devices have been quarantined for longer than its patience."""
        if self.patience_seconds is None or self.ticket.usable(quarantined):
            self.hopeless_since = None
            return
        if self.hopeless_since is None:
            self.hopeless_since = now
        if now - self.hopeless_since >= self.patience_seconds:
            self.lease.set_exception(NoDevice(why_none(self.ticket.addresses, quarantined)))


class Leases:
    """The devices of this host, for one event loop. Keep one per process: its waiters share their polls.

    A release wakes the waiters of the same object at once, those of others within their `poll_seconds`.
    """

    def __init__(
        self, directory: Path, poll_seconds: float = 0.1, mutex_seconds: float = LOCK_SECONDS
    ) -> None:
        self._shared = SharedDirectory(directory)
        self._quarantines = QuarantineLog(directory)
        self._poll_seconds = poll_seconds
        self._mutex_seconds = mutex_seconds
        self._turns = Turns(mutex_seconds)
        self._queue_name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._queue: LockedFile | None = None
        self._number = 0
        self._waiters: dict[str, _Waiter] = {}
        self._snapshot = Snapshot()
        self._looked_at = 0.0
        self._directory_time = 0
        self._tickets: dict[str, Ticket | None] = {}
        self._bell = asyncio.Event()
        self._poller: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def take(
        self,
        addresses: Sequence[str],
        holder: Holder,
        *,
        avoid: Collection[str] = (),
        ignore_quarantine: bool = False,
        waiting: Callable[[list[LeaseState]], None] | None = None,
        patience_seconds: float | None = None,
        expected_seconds: float = 0.0,
    ) -> AsyncIterator[str]:
        """Hold one of the addresses exclusively; earlier ones are preferred, and `avoid` is the last resort.

        Waits for busy devices without limit, `in_order`. `waiting` gets the states of the addresses when waiting
        begins and whenever they change. Raises NoDevice when all have been quarantined for `patience_seconds` on end
        (None: wait until one comes back), and InvalidInput if the directory holds something that cannot be locked, or
        the mutex is held for longer than `mutex_seconds`; a waiter that leaves a free device as long is passed over.
        """
        if not addresses:
            raise ValueError("a lease needs at least one address")
        ticket = Ticket(
            holder=holder,
            addresses=list(addresses),
            avoid=frozenset(avoid),
            ignore_quarantine=ignore_quarantine,
            expected_seconds=expected_seconds,
        )
        lease = await self._wait(
            _Waiter(ticket, waiting, patience_seconds, asyncio.get_running_loop().create_future())
        )
        try:
            yield lease.address
        finally:
            self._release(lease)

    def states(self, addresses: Collection[str]) -> list[LeaseState]:
        """Return the current holder and waiters of each device. Raises InvalidInput as `take` does."""
        self._shared.create()
        with self._shared.alone(self._mutex_seconds):
            snapshot = self._look(addresses)
        return [self._state(snapshot, address) for address in addresses]

    async def _wait(self, waiter: _Waiter) -> _Lease:
        self._shared.create()
        try:
            async with self._shared.alone_in_loop(self._mutex_seconds):
                self._admit(waiter)
            self._report([waiter])
            return await waiter.lease
        except BaseException:
            # Granted and cancelled in one iteration of the loop.
            if waiter.lease.done() and not waiter.lease.cancelled() and not waiter.lease.exception():
                self._release(waiter.lease.result())
            raise
        finally:
            self._leave(waiter)

    def _admit(self, waiter: _Waiter) -> None:
        """Give the newcomer a device if one is free for it, else write its ticket. Needs the mutex."""
        for address in waiter.ticket.addresses:
            self._shared.open(_lock_name(address), create=True).close()
        self._number = next_number(self._listing(), self._number)
        waiter.name = f"{self._number:09}.{self._queue_name}.ticket"
        self._waiters[waiter.name] = waiter
        self._serve()
        if waiter.lease.done():
            return
        if self._queue is None:
            self._queue = self._shared.open(f"{self._queue_name}.queue", create=True)
            self._queue.lock()
        with self._shared.open(waiter.name, create=True) as file:
            file.write(waiter.ticket.model_dump_json())
        if self._poller is None or self._poller.done():
            self._bell = asyncio.Event()
            self._poller = asyncio.create_task(self._attend(), name="device leases")

    def _leave(self, waiter: _Waiter) -> None:
        if self._waiters.pop(waiter.name, None) is not None:
            self._shared.remove(waiter.name)
        if not self._waiters:
            if self._poller:
                self._poller.cancel()
                self._poller = None
            if self._queue:
                self._shared.remove(f"{self._queue_name}.queue")
                self._queue.close()
                self._queue = None
        self._bell.set()

    def _release(self, lease: _Lease) -> None:
        with lease.file:
            lease.file.clear()
        self._bell.set()

    async def _attend(self) -> None:
        """Serve this object's waiters until the last of them cancels this task."""
        last: Snapshot | None = None
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_seconds):
                        await self._bell.wait()
                async with self._shared.alone_in_loop(self._mutex_seconds):
                    if self._bell.is_set() or self._has_news():
                        self._bell.clear()
                        self._serve()
                if self._snapshot is not last:
                    last = self._snapshot
                    self._report(self._waiters.values())
        except Exception as error:
            for waiter in self._waiters.values():
                if not waiter.lease.done():
                    waiter.lease.set_exception(error)

    def _serve(self) -> None:
        """Take what the order of the tickets assigns to this object's waiters. Needs the mutex."""
        self._looked_at, self._directory_time = time.monotonic(), self._shared.changed()
        snapshot = self._look()
        asleep = self._turns.fall_asleep(snapshot, self._looked_at)
        for queue in asleep:
            with suppress(FileNotFoundError, InvalidInput), self._shared.open(f"{queue}.queue") as file:
                _logger.warning(
                    "%s does not claim its free device: resume or terminate that process.", file.holder()
                )
        if asleep or snapshot != self._snapshot:
            ours = self._turns.assign(snapshot, self._waiters, self._looked_at)
            granted = [self._grant(self._waiters[name], address) for name, address in ours.items()]
            self._snapshot = snapshot if not granted else self._look() if all(granted) else Snapshot()
        for waiter in self._waiters.values():
            if not waiter.lease.done():
                waiter.lose_patience(snapshot.quarantined, self._looked_at)

    def _has_news(self) -> bool:
        """Whether `_serve` might find something to do: most polls cost no more than this. Needs the mutex."""
        seen = self._snapshot
        return (
            time.monotonic() - self._looked_at >= _THOROUGH_SECONDS
            or self._shared.changed() != self._directory_time
            or not seen.free <= seen.quarantined.keys()
            or any(self._held_by(address) != seen.held.get(address) for address in seen.addresses)
        )

    def _grant(self, waiter: _Waiter, address: str) -> bool:
        file = self._shared.open(_lock_name(address), create=True)
        try:
            if not file.try_lock():  # locked by something that ignores the mutex
                file.close()
                return False
            file.write(waiter.ticket.holder.model_dump_json())
        except BaseException:
            file.close()
            raise
        waiter.lease.set_result(_Lease(address, file))
        self._shared.remove(waiter.name)
        return True

    def _report(self, waiters: Iterable[_Waiter]) -> None:
        """Report states outside the mutex, because the callbacks are not ours."""
        snapshot, states = self._snapshot, dict[str, LeaseState]()
        for waiter in list(waiters):
            for address in waiter.ticket.addresses:
                if address not in states:
                    states[address] = self._state(snapshot, address)
            waiter.report([states[address] for address in waiter.ticket.addresses])

    def _state(self, snapshot: Snapshot, address: str) -> LeaseState:
        state = snapshot.state(address)
        if address in snapshot.held and state.holder is None:
            with suppress(FileNotFoundError, InvalidInput), self._shared.open(_lock_name(address)) as file:
                state.stranger = file.holder()
        return state

    def _look(self, also: Iterable[str] = ()) -> Snapshot:
        """Read the live tickets and the state of every address they or the caller name. Needs the mutex."""
        tickets = self._others()
        tickets |= {name: w.ticket for name, w in self._waiters.items() if not w.lease.done()}
        addresses = {address for ticket in tickets.values() for address in ticket.addresses} | set(also)
        lines = ((address, self._held_by(address)) for address in addresses)
        quarantines = ((address, self._quarantines.status(address)) for address in addresses)
        return Snapshot(
            tickets=in_order(tickets),
            held={address: line for address, line in lines if line is not None},
            quarantined={address: entry for address, entry in quarantines if entry is not None},
        )

    def _held_by(self, address: str) -> bytes | None:
        """Return the holder's line if the device is locked; what a dead holder left does not count."""
        try:
            return self._line_if_locked(_lock_name(address))
        except InvalidInput:
            return b""  # unavailable; a caller that requests it gets the error

    def _lives(self, queue: str) -> bool:
        try:
            return self._line_if_locked(f"{queue}.queue") is not None
        except InvalidInput:
            return False

    def _line_if_locked(self, name: str) -> bytes | None:
        try:
            with self._shared.open(name) as file:
                return None if file.try_lock() else file.read()
        except FileNotFoundError:
            return None

    def _others(self) -> dict[str, Ticket]:
        """Return tickets of other live processes. Those of dead ones are removed as far as the system permits."""
        names = [name for name in self._listing() if queue_of(name) != self._queue_name]
        lives = {queue: self._lives(queue) for queue in {queue_of(name) for name in names}}
        for name in names:
            if not lives[queue_of(name)]:
                self._shared.remove(name)
                self._shared.remove(f"{queue_of(name)}.queue")
        self._tickets = {
            name: self._tickets[name] if name in self._tickets else self._read_ticket(name)
            for name in names
            if lives[queue_of(name)]
        }
        return {name: ticket for name, ticket in self._tickets.items() if ticket}

    def _listing(self) -> list[str]:
        return [name for name in self._shared.names() if is_ticket(name)]

    def _read_ticket(self, name: str) -> Ticket | None:
        try:
            with self._shared.open(name) as file:
                return Ticket.model_validate_json(file.read())
        except (FileNotFoundError, InvalidInput, ValidationError):
            return None


def _lock_name(address: str) -> str:
    return f"{file_stem(address)}.lock"
