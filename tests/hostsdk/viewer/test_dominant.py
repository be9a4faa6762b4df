"""The dominant path assigns each cycle to one op or to a gap."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from hostsdk.viewer.dominant import DominantPath, Gap, Segment, dominant_path
from hostsdk.viewer.timeline import NO_TRAFFIC, Event, Traffic, Unit


def event(unit: Unit, start: int, cycles: int, tid: int = 0, written: int = 0) -> Event:
    traffic = Traffic(dram_write=written) if written else NO_TRAFFIC
    return Event(1, "q::Op", unit, (), tid, start, cycles, traffic)


def path(*work: Event, end: int = 100) -> DominantPath:
    return dominant_path(work, 0, end)


def test_a_higher_unit_takes_the_cycles_it_overlaps_and_gives_them_back() -> None:
    found = path(event(Unit.DMA, 0, 100), event(Unit.HVX, 20, 40), event(Unit.HMX, 30, 10))
    assert found.segments == (
        Segment(0, 0, 20),
        Segment(1, 20, 30),
        Segment(2, 30, 40),
        Segment(1, 40, 60),
        Segment(0, 60, 100),
    )
    assert found.cycles == (60, 30, 10)


def test_of_equal_units_the_first_to_start_keeps_the_cycle() -> None:
    assert path(event(Unit.HVX, 10, 50, 2), event(Unit.HVX, 0, 30, 1), end=60).cycles == (30, 30)


def test_vector_kinds_rank_together() -> None:
    assert path(event(Unit.HLX, 0, 50), event(Unit.HVX, 10, 50), end=60).cycles == (50, 10)


def test_reading_transfers_come_before_writing_ones() -> None:
    assert path(event(Unit.DMA, 0, 50, written=8), event(Unit.DMA, 10, 20), end=50).cycles == (30, 20)


def test_an_op_covered_by_others_has_no_share() -> None:
    assert path(event(Unit.HMX, 0, 100), event(Unit.HVX, 5, 90)).cycles == (100, 0)


def test_cycles_in_which_nothing_works_are_gaps() -> None:
    found = path(event(Unit.HVX, 10, 20), event(Unit.HVX, 30, 5), event(Unit.HMX, 50, 10), end=66)
    assert found.gaps == (Gap(0, 10), Gap(35, 50), Gap(60, 66))
    assert found.busy == 35


def test_ops_without_duration_own_nothing() -> None:
    assert path(event(Unit.HMX, 5, 0), event(Unit.DMA, 0, 10), end=10).segments == (Segment(1, 0, 10),)


def test_no_work_is_one_gap() -> None:
    assert path(end=7) == DominantPath((), (Gap(0, 7),), ())


_EVENTS = st.lists(
    st.builds(
        event,
        st.sampled_from([unit for unit in Unit if unit.works]),
        st.integers(0, 40),
        st.integers(0, 20),
        st.integers(0, 3),
        st.integers(0, 1),
    ),
    max_size=12,
)


@given(_EVENTS)
def test_every_cycle_has_one_owner_of_the_highest_rank_at_work(work: list[Event]) -> None:
    found = dominant_path(work, 0, 60)
    owner: dict[int, int] = {}
    for segment in found.segments:
        for cycle in range(segment.start, segment.end):
            assert owner.setdefault(cycle, segment.event) == segment.event
    for cycle in range(60):
        assert owner.get(cycle) == _owner(work, cycle)


@given(_EVENTS)
def test_segments_and_gaps_tile_the_timeline(work: list[Event]) -> None:
    found = dominant_path(work, 0, 60)
    stretches = sorted([segment[1:] for segment in found.segments] + [tuple(gap) for gap in found.gaps])
    assert [start for start, _ in stretches] == [0, *(end for _, end in stretches[:-1])]
    assert stretches[-1][1] == 60
    assert all(share <= event.cycles for share, event in zip(found.cycles, work, strict=True))


def _owner(work: Sequence[Event], cycle: int) -> int | None:
    """Determine the owner of a cycle directly from the definition."""
    ranks = {Unit.HMX: 0, Unit.HVX: 1, Unit.HLX: 1, Unit.SCALAR: 2, Unit.DMA: 3}

    def rank(index: int) -> tuple[int, int, int, int]:
        candidate = work[index]
        writes = candidate.unit is Unit.DMA and candidate.traffic.dram_write > candidate.traffic.dram_read
        return (4 if writes else ranks[candidate.unit], candidate.start, candidate.tid, index)

    active = [index for index, candidate in enumerate(work) if candidate.start <= cycle < candidate.end]
    return min(active, key=rank, default=None)
