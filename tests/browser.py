"""A headless Chromium for the tests, in a thread of its own.

Playwright's synchronous API leaves an event loop running in the thread that started it, and no other loop starts
there any more. So Chromium lives in one thread of its own, and a test that takes the fixture `chromium`, itself or
through another fixture, runs there.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

P = ParamSpec("P")
R = TypeVar("R")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_THREAD = ThreadPoolExecutor(1, "browser")


def in_browser_thread(function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """What the function returns or raises, called in the only thread that may touch Chromium."""
    return _THREAD.submit(function, *arguments, **named).result()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser with a new profile. Without Chromium (Debian: `apt-get install chromium`) its tests skip."""
    if not CHROMIUM:
        pytest.skip("no Chromium: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    driver = in_browser_thread(playwright.sync_playwright().start)
    launch = partial(driver.chromium.launch, executable_path=CHROMIUM, args=list(_FLAGS), headless=True)
    browser = in_browser_thread(launch)
    yield browser
    in_browser_thread(browser.close)
    in_browser_thread(driver.stop)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Tests of the browser run in its thread."""
    if "chromium" in pyfuncitem.fixturenames:
        pyfuncitem.obj = partial(in_browser_thread, pyfuncitem.obj)
    return (yield)
