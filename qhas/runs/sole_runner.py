"""One process at a time runs a run: two would process the same cells and remove each other's files.

The process that runs it holds a claim in the store, beside the run's record, and checks it before storing anything: a
process that was stopped, or cut off from the store, may have been taken for dead in the meantime.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from qhas.failures import InvalidInput, QhasError
from qhas.runs import keys
from qhas.store import Store
from qhas.store.claims import Claim, Claims

CLAIM_SECONDS = 60.0
LOOK_SECONDS = 1.0
"""How long a check of the claim stays valid while many files are stored."""
_CLOCKS_DIFFER = timedelta(minutes=1)
"""How far the clocks of two hosts may differ."""
_logger = logging.getLogger(__name__)


class RunTaken(QhasError):
    """Another process has taken over the run, or has taken it over and ended."""

    exit_code = 1


class Tenure:
    """This process's right to store parts of a run."""

    def __init__(self, claims: Claims, key: str, run_id: str) -> None:
        self._claims, self._key, self._run_id = claims, key, run_id
        self._looked = (-math.inf, -math.inf)

    def require(self) -> None:
        """Raise RunTaken if this process no longer has the run, and StoreError."""
        now = _clocks()
        if other := self._claims.lost_to(self._key):
            raise RunTaken(_taken(self._run_id, other))
        self._looked = now

    def require_between(self) -> None:
        """Do as `require`, unless it was called a moment ago.

        A moment by two clocks: the monotonic one, which stops during a suspend, and the wall clock, which goes on.
        """
        if any(abs(now - then) > LOOK_SECONDS for now, then in zip(_clocks(), self._looked, strict=True)):
            self.require()


def _clocks() -> tuple[float, float]:
    return time.monotonic(), time.time()


@asynccontextmanager
async def sole_runner(
    store: Store,
    run_id: str,
    waiting: Callable[[str], None] = lambda _: None,
    seconds: float = CLAIM_SECONDS,
    site: str | None = None,
) -> AsyncIterator[Tenure]:
    """Run a run alone, or a site's part of it. Raises InvalidInput if another process runs it, and StoreError.

    The claim of a process that died on this host is taken over at once. One that may have died elsewhere is first
    watched for `seconds`, to see that it is not renewed; `waiting` is called with the reason.
    """
    claims, key = Claims(store, seconds), keys.claim(run_id, site)
    seen, since = None, time.monotonic()
    while claim := await asyncio.to_thread(claims.take, key):
        if _is_dead(claim) or (claim == seen and time.monotonic() - since > seconds):
            await asyncio.to_thread(claims.take_away, key, claim)
        elif claim.is_visible() or (seen and claim != seen):
            raise InvalidInput(
                f"Run {run_id} is being run by {claim.host}; wait until it ends, or stop it and start this again."
            )
        else:
            if seen is None:
                waiting(
                    f"run {run_id} was run by {claim.host}: waiting up to {seconds:.0f} s for a sign of life"
                )
            seen = claim
            await asyncio.sleep(min(2.0, seconds / 10))
    async with claims.kept(key, overtaken=lambda other: _say_overtaken(run_id, other)):
        yield Tenure(claims, key, run_id)


def _is_dead(claim: Claim) -> bool:
    return claim.has_ended() or claim.expires < datetime.now(UTC) - _CLOCKS_DIFFER


def _say_overtaken(run_id: str, other: Claim) -> None:
    _logger.error(_taken(run_id, other))


def _taken(run_id: str, other: Claim) -> str:
    who = f"was taken over by {other.host}" if other.host else "was taken over, and has ended"
    return (
        f"Run {run_id} {who}: the store had not heard from this process for too long. It stops and stores none of its "
        "unfinished work."
    )
