"""Calls in threads, side by side."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def results(threads: ThreadPoolExecutor, begun: Iterable[Future[T]]) -> list[T]:
    """In their order. Raises the first error, after those under way have ended; the others are not begun."""
    try:
        return [one.result() for one in begun]
    except BaseException:
        threads.shutdown(wait=False, cancel_futures=True)
        raise
