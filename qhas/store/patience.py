"""How long an operation on the store is tried before it counts as failed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """Retries after waits that double from `first_wait`, each shortened at random; all values in seconds.

    No try begins after `total`. A server that is silent for `answer` counts as not answering.
    """

    total: float = 120.0
    answer: float = 30.0
    first_wait: float = 0.2
    longest_wait: float = 15.0

    def keep_trying(self, operation: Callable[[], T], passes: Callable[[BaseException], bool]) -> T:
        """Return the operation's result; raise its last error if that does not pass by itself or time is up."""
        end, wait = time.monotonic() + self.total, self.first_wait
        while True:
            try:
                return operation()
            except Exception as error:
                # All hosts of a lab meet an outage together and must not all retry at the same time.
                pause = wait * random.uniform(0.5, 1.0)  # noqa: S311
                if not passes(error) or time.monotonic() + pause > end:
                    raise
            time.sleep(pause)
            wait = min(wait * 2, self.longest_wait)
