"""Each emulation has its own core, as long as cores are free."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from hostsdk.native.own_core import own_core


def test_the_process_stays_on_the_core_it_got_and_gets_the_others_back(tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    with own_core(tmp_path / "locks") as core:
        assert os.sched_getaffinity(0) == {core}
    assert os.sched_getaffinity(0) == before


def test_no_two_emulations_share_a_core_and_the_one_too_many_runs_anywhere(tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    taken = []
    with ExitStack() as held:
        for _ in before:
            taken.append(held.enter_context(own_core(tmp_path)))
            os.sched_setaffinity(0, before)
        assert sorted(taken) == sorted(before)
        with own_core(tmp_path) as core:
            assert core is None
            assert os.sched_getaffinity(0) == before


def test_a_core_is_free_again_after_its_emulation(tmp_path: Path) -> None:
    with own_core(tmp_path) as first:
        pass
    with own_core(tmp_path) as second:
        assert second == first


def test_without_a_folder_for_locks_the_process_runs_anywhere(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with own_core(tmp_path / "file") as core:
        assert core is None
