# ruff: noqa: ASYNC240  # the files of these tests are a few bytes
"""In whatever order devices are requested, none has two holders and nobody is overtaken."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from qhas.devices.lease import Leases, LeaseState, Ticket
from qhas.devices.queue import assign, in_order, number_of, queue_of
from tests.qhas.devices.leasing import A, B, C, holder

ADDRESSES = st.lists(st.sampled_from([A, B, C]), min_size=1, max_size=3, unique=True)
TICKETS = st.builds(
    Ticket,
    holder=st.just(holder()),
    addresses=ADDRESSES,
    avoid=ADDRESSES,
    ignore_quarantine=st.booleans(),
    expected_seconds=st.sampled_from([0.0, 1.0, 60.0]),
)
NAMES = st.builds("{:09}.{}.ticket".format, st.integers(1, 20), st.sampled_from(["1-a", "2-b", "3-c"]))


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


@given(st.dictionaries(NAMES, TICKETS, max_size=12))
def test_only_those_of_one_process_change_places_and_only_for_what_no_other_wants(
    tickets: dict[str, Ticket],
) -> None:
    def contested(name: str) -> bool:
        return any(
            queue_of(other) != queue_of(name) and set(ticket.addresses) & set(tickets[name].addresses)
            for other, ticket in tickets.items()
        )

    drawn = sorted(tickets, key=lambda name: (number_of(name), name))
    served = in_order(tickets)
    assert served == tickets
    assert [queue_of(name) for name in served] == [queue_of(name) for name in drawn]
    assert all(was == name for was, name in zip(drawn, served, strict=True) if contested(was))
    for queue in map(queue_of, tickets):
        alone = [name for name in served if queue_of(name) == queue and not contested(name)]
        seconds = [tickets[name].expected_seconds for name in alone]
        assert seconds == sorted(seconds, reverse=True)


@settings(max_examples=25)
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
        async with asyncio.timeout(600), asyncio.TaskGroup() as group:
            for addresses, which, hold_seconds, cancel_after in jobs:
                group.create_task(work(both[which], addresses, hold_seconds, cancel_after))
        assert {path.suffix for path in directory.iterdir()} <= {"", ".lock"}
        return both[0].states([A, B, C])

    with tempfile.TemporaryDirectory() as directory:
        assert asyncio.run(main(Path(directory))) == [LeaseState(address=address) for address in (A, B, C)]
