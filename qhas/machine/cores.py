"""The cores of this host: which work may use them next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import IntEnum


class Urgency(IntEnum):
    """The priority of host work for the next free core, most urgent first."""

    DEVICE_HELD = 0
    """A device is leased and waits for the work."""
    CLOGGED = 1
    """Post-processing, when too many cells wait for it and hold scratch space."""
    DEVICE_STARVES = 2
    """A prepare for a SoC that has an idle device, or will have one soon."""
    AHEAD = 3
    """A prepare for later."""
    FINISH = 4
    """Post-processing."""


class Cores:
    """Turns on the cores of this host: the most urgent first, equals in order of request."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = count
        self._asked = 0
        self.computing = asyncio.Event()
        """Set once a core has been used: from then on, other work of this process delays nothing."""
        self._waiting: dict[int, tuple[Callable[[], Urgency], asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, urgency: Callable[[], Urgency]) -> AsyncIterator[None]:
        """Use one core. The urgency is evaluated whenever a core becomes free, because it changes during the wait."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(urgency)
        self.computing.set()
        try:
            yield
        finally:
            self._free += 1
            self._serve()

    async def _wait(self, urgency: Callable[[], Urgency]) -> None:
        self._asked += 1
        number, granted = self._asked, asyncio.get_running_loop().create_future()
        self._waiting[number] = urgency, granted
        try:
            await granted
        except asyncio.CancelledError:
            self._waiting.pop(number, None)
            if not granted.cancelled():  # granted in the same iteration of the loop
                self._free += 1
                self._serve()
            raise

    def _serve(self) -> None:
        while self._free and self._waiting:
            number = min(self._waiting, key=lambda each: (self._waiting[each][0](), each))
            _, granted = self._waiting.pop(number)
            if not granted.done():  # cancelled, but its task has not run yet
                self._free -= 1
                granted.set_result(None)
