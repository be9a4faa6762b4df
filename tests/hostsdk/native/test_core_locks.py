"""Core locks where everyone can write: what others put there costs no one a file, or more than a core."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hostsdk.native.own_core import own_core
from tests.other_user import acts, needs_another_user, place_for_all

_TRAP = """
import os, sys
folder, target = sys.argv[1:]
os.mkdir(folder)
os.chmod(folder, 0o777)
for core in range(1024):
    os.symlink(target, f"{folder}/{core}.lock")
"""


def _fill_with_links(folder: Path, target: Path) -> None:
    for core in os.sched_getaffinity(0):
        (folder / f"{core}.lock").symlink_to(target)


def test_a_link_in_place_of_a_lock_empties_nothing(tmp_path: Path) -> None:
    (precious := tmp_path / "precious").write_text("thesis")
    (folder := tmp_path / "locks").mkdir(mode=0o700)
    _fill_with_links(folder, precious)
    with own_core(folder) as core:
        assert core is None
    assert precious.read_text() == "thesis"


def test_another_name_of_a_file_in_place_of_a_lock_is_not_locked(tmp_path: Path) -> None:
    (precious := tmp_path / "precious").write_text("thesis")
    (folder := tmp_path / "locks").mkdir(mode=0o700)
    for core in os.sched_getaffinity(0):
        (folder / f"{core}.lock").hardlink_to(precious)
    with own_core(folder) as core:
        assert core is None
    assert precious.read_text() == "thesis"


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "locks").symlink_to(elsewhere)
    with own_core(tmp_path / "locks") as core:
        assert core is None
    assert not list(elsewhere.iterdir())


def test_a_fifo_in_place_of_a_lock_does_not_hang(tmp_path: Path) -> None:
    for core in os.sched_getaffinity(0):
        os.mkfifo(tmp_path / f"{core}.lock")
    with own_core(tmp_path) as core:
        assert core is None


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770])
def test_a_folder_that_others_may_write_to_is_not_used(tmp_path: Path, mode: int) -> None:
    (folder := tmp_path / "locks").mkdir()
    folder.chmod(mode)
    with own_core(folder) as core:
        assert core is None
    assert not list(folder.iterdir())


@needs_another_user
def test_a_folder_that_another_user_made_first_is_not_used(tmp_path: Path) -> None:
    (precious := tmp_path / "precious").write_text("thesis")
    with place_for_all() as place:
        acts(_TRAP, place / "locks", precious)
        with own_core(place / "locks") as core:
            assert core is None
    assert precious.read_text() == "thesis"
