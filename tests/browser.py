"""A headless Chromium for the tests, in its own thread.

Playwright's synchronous API leaves an event loop running in the thread that started it, and no other loop can then
be started there. Chromium therefore has a thread of its own, in which every test runs that uses the fixture
`chromium`, directly or through another fixture.
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
    """Call the function in the only thread that may touch Chromium; return or raise what it does."""
    return _THREAD.submit(function, *arguments, **named).result()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser with a new profile. Without Chromium (Debian: `apt-get install chromium`) its tests are skipped."""
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
    """Run tests that use the browser in its thread."""
    if "chromium" in pyfuncitem.fixturenames:
        pyfuncitem.obj = partial(in_browser_thread, pyfuncitem.obj)
    return (yield)
