"""Who holds devices, who waits for them, and who is served next. Pure logic: the leases keep the state in files."""

from __future__ import annotations

import getpass
import os
import re
from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Self

from pydantic import ValidationError

from qhas.devices.quarantine import Quarantined
from qhas.documents import Moment, Stored
from qhas.outside_text import ShownText

_TICKET = re.compile(r"[0-9]{9,15}\.[0-9]{1,10}-[0-9a-f]{1,40}\.ticket")
_LAST_NUMBER = 10**12
"""Higher than any number that is really drawn. A ticket with a higher number, which any user may write, is served
last and does not lengthen the numbers of others."""


class Holder(Stored):
    """Who holds a device or wants one."""

    run_id: ShownText
    cell: ShownText
    """The cell's label, as shown to users."""
    pid: int
    host_user: ShownText
    since: Moment

    @classmethod
    def here(cls, run_id: str, cell: str) -> Self:
        """Return a holder for this process, from now on."""
        user, now = getpass.getuser(), datetime.now(UTC)
        return cls(run_id=run_id, cell=cell, pid=os.getpid(), host_user=user, since=now)


class LeaseState(Stored):
    """A device's holder, its waiters in order of service, and its quarantine, if any."""

    address: str
    holder: Holder | None = None
    stranger: str | None = None
    """The process that holds the device without stating what for."""
    waiting: list[Holder] = []
    quarantine: Quarantined | None = None


class NoDevice(Exception):
    """Every suitable device is quarantined. The message says since when and why, device by device."""


class Ticket(Stored):
    """A request for one of several devices."""

    holder: Holder
    addresses: list[str]
    avoid: frozenset[str] = frozenset()
    ignore_quarantine: bool = False
    expected_seconds: float = 0.0
    """How long the device is expected to be needed, as far as is known."""

    def usable(self, quarantined: Collection[str]) -> list[str]:
        """Return the addresses the ticket would accept now, best first."""
        healthy = [a for a in self.addresses if self.ignore_quarantine or a not in quarantined]
        return [address for address in healthy if address not in self.avoid] or healthy


def is_ticket(name: str) -> bool:
    """Whether a file name is that of a ticket: its number, then its process's queue."""
    return bool(_TICKET.fullmatch(name))


def number_of(name: str) -> int:
    """Return a ticket's number."""
    return int(name.partition(".")[0])


def queue_of(name: str) -> str:
    """Return the name of a ticket's queue."""
    return name.split(".")[1]


def next_number(tickets: Iterable[str], last: int) -> int:
    """Return the number to draw, never the same twice: other processes read each ticket only once."""
    return max(last, *(number for number in map(number_of, tickets) if number < _LAST_NUMBER), 0) + 1


def in_order(tickets: Mapping[str, Ticket]) -> dict[str, Ticket]:
    """Return tickets by file name in order of service.

    That is the order in which they were drawn, except that tickets of one queue swap places if no other queue wants
    any of their devices: the longest then comes first, because it would otherwise prolong the sweep.
    """
    names = sorted(tickets, key=lambda name: (number_of(name), name))
    queues, alone = defaultdict[str, set[str]](set), defaultdict[str, list[str]](list)
    for name in names:
        for address in tickets[name].addresses:
            queues[address].add(queue_of(name))
    for name in names:
        if all(len(queues[address]) == 1 for address in tickets[name].addresses):
            alone[queue_of(name)].append(name)
    places = dict[str, str]()
    for own in alone.values():
        places |= zip(own, sorted(own, key=lambda name: -tickets[name].expected_seconds), strict=True)
    return {name: tickets[name] for name in (places.get(name, name) for name in names)}


def assign(tickets: Iterable[Ticket], free: Iterable[str], quarantined: Collection[str]) -> list[str | None]:
    """Return the address each ticket gets, if any: in order of the tickets, each gets the best one still free."""
    left = set(free)
    assigned: list[str | None] = []
    for ticket in tickets:
        choice = next((a for a in ticket.usable(quarantined) if a in left), None) if left else None
        left -= {choice}
        assigned.append(choice)
    return assigned


@dataclass(frozen=True)
class Snapshot:
    """What the walk of the tickets depends on. As long as it is unchanged, there is nothing to do."""

    tickets: dict[str, Ticket] = field(default_factory=dict)
    """The live tickets by file name, in order of service."""
    held: dict[str, bytes] = field(default_factory=dict)
    """The holders' lines by address."""
    quarantined: dict[str, Quarantined] = field(default_factory=dict)

    @cached_property
    def addresses(self) -> frozenset[str]:
        """All addresses that any ticket waits for."""
        return frozenset(address for ticket in self.tickets.values() for address in ticket.addresses)

    @cached_property
    def free(self) -> frozenset[str]:
        """The addresses that are not held, whether quarantined or not."""
        return self.addresses - self.held.keys()

    def state(self, address: str) -> LeaseState:
        """Return the state of one device."""
        return LeaseState(
            address=address,
            holder=_parse_holder(self.held.get(address, b"")),
            waiting=[ticket.holder for ticket in self.tickets.values() if address in ticket.addresses],
            quarantine=self.quarantined.get(address),
        )


class Turns:
    """The walk of the tickets, which passes over a queue that does not take a device left for it for `seconds`.

    The queue's process is stopped, or the tickets were written by hand. It gets its turns back as soon as its set of
    tickets changes, which shows that it is running again.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._offered: dict[str, float] = {}
        self._asleep: dict[str, set[str]] = {}

    def fall_asleep(self, snapshot: Snapshot, now: float) -> set[str]:
        """Return the names of the queues that are newly passed over."""
        drawn: dict[str, set[str]] = {}
        for name in snapshot.tickets:
            drawn.setdefault(queue_of(name), set()).add(name)
        self._asleep = {queue: names for queue, names in self._asleep.items() if drawn.get(queue) == names}
        late = {queue_of(name) for name, since in self._offered.items() if now - since >= self._seconds}
        fresh = (late & drawn.keys()) - self._asleep.keys()
        self._asleep |= {queue: drawn[queue] for queue in fresh}
        return fresh

    def assign(self, snapshot: Snapshot, ours: Container[str], now: float) -> dict[str, str]:
        """Return which of our tickets gets which address, and note what is left for others."""
        awake = {
            name: ticket for name, ticket in snapshot.tickets.items() if queue_of(name) not in self._asleep
        }
        walk = zip(awake, assign(awake.values(), snapshot.free, snapshot.quarantined), strict=True)
        assigned = {name: address for name, address in walk if address}
        self._offered = {name: self._offered.get(name, now) for name in assigned if name not in ours}
        return {name: address for name, address in assigned.items() if name in ours}


def why_none(addresses: Iterable[str], quarantined: dict[str, Quarantined]) -> str:
    """Return the message of a NoDevice."""
    reasons = "; ".join(
        f"{address} since {entry.since:%Y-%m-%d %H:%M:%S %Z} until {entry.until:%H:%M:%S} at least, "
        f"after {entry.failures} failures ({entry.reason})"
        for address in addresses
        if (entry := quarantined.get(address))
    )
    return f"Every device that could serve is quarantined: {reasons}. Repair one, or wait until it is tried again."


def _parse_holder(line: bytes) -> Holder | None:
    try:
        return Holder.model_validate_json(line)
    except ValidationError:
        return None
