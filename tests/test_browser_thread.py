"""The tests' browser runs in its own thread and does not disturb theirs."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("browser")


def test_event_loops_start_while_a_browser_is_open(request: pytest.FixtureRequest) -> None:
    assert request.getfixturevalue("chromium").is_connected()
    assert asyncio.run(asyncio.sleep(0, "ran")) == "ran"


def test_a_test_of_the_browser_runs_in_its_thread(chromium: Any) -> None:
    assert chromium.contexts == []
    assert threading.current_thread() is not threading.main_thread()
