"""The garbage collector runs rarely while a command works, and not at all when it ends."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from qhas.machine.collector import collect_rarely, rare_collections


@pytest.fixture(autouse=True)
def threshold() -> Iterator[tuple[int, int, int]]:
    """Set Python's default, with which a command starts, and restore the old threshold afterwards."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield gc.get_threshold()
    gc.set_threshold(*before)


def test_garbage_is_looked_for_seldom_inside_the_block_and_as_before_after_it(
    threshold: tuple[int, int, int],
) -> None:
    with rare_collections():
        assert gc.get_threshold()[0] > 100 * threshold[0]
    assert gc.get_threshold() == threshold


def test_a_block_inside_a_process_that_looks_seldom_changes_nothing() -> None:
    collect_rarely()
    seldom = gc.get_threshold()
    with rare_collections():
        assert gc.get_threshold() == seldom
    assert gc.get_threshold() == seldom


ENDING = """
import atexit, gc, sys
collections = []
gc.callbacks.append(lambda phase, facts: collections.append(facts["generation"]))
atexit.register(lambda: print(gc.get_freeze_count() > 10_000, collections.count(2), file=sys.stderr))
from qhas.cli.main import main
main()
"""


def test_a_command_leaves_its_garbage_where_it_is() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING, "--help"], capture_output=True, text=True, check=False, timeout=300
    )
    assert (done.returncode, done.stderr.strip()) == (0, "True 0")
