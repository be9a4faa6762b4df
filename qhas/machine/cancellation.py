"""Work that has to be finished although its task is cancelled."""

from __future__ import annotations

import asyncio
from typing import Any


async def outlast(work: asyncio.Future[Any]) -> asyncio.CancelledError | None:
    """Wait until the work is done, whatever its outcome, and return the last cancellation that came in the meantime.

    The caller re-raises the cancellation once it has dealt with the outcome.
    """
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            cancelled = error
    return cancelled
