"""The rounds of a case: every contender in turn, in a fresh process on an empty store, compared with the others."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.cases import Case
from bench.figures import Contender, Measured, Round
from bench.fresh import in_a_fresh_process
from bench.job import Job
from bench.outcome import Outcome, OutcomeInvalid, plain_outcome, published_outcome, require_same
from bench.server import Server

AT_ONCE = os.cpu_count() or 1
"""The number of parallel tools for every contender: as many as the flow allows."""
_OUTCOMES: MappingProxyType[Contender, Callable[[Job], Outcome]] = MappingProxyType(
    {
        Contender.PLAIN: plain_outcome,
        Contender.LIBRARY: published_outcome,
        Contender.FLOW: published_outcome,
    }
)


@dataclass(frozen=True)
class Finished:
    """A valid round, and the load average of the minute before it."""

    load: float
    measured: Round


def rounds(case: Case, server: Server, folder: Path) -> Iterator[Finished]:
    """Warm up, then measure round after round. Raises ContenderFailed and OutcomeInvalid."""
    _round(case.small(), server, folder)
    for _ in range(case.rounds):
        load = os.getloadavg()[0]
        yield Finished(load, _round(case, server, folder))


def _round(case: Case, server: Server, folder: Path) -> Round:
    measured: dict[Contender, Measured] = {}
    outcomes: dict[str, Outcome] = {}
    for contender in Contender:
        place = folder / contender
        place.mkdir()
        job = Job(str(case.sdk), case.networks, case.socs, str(place), AT_ONCE)
        try:
            used, server_cpu = _run(contender, job, server)
            outcomes[contender] = outcome = _OUTCOMES[contender](job)
        except OutcomeInvalid as error:
            raise OutcomeInvalid(f"{case.name}, {contender}: {error}") from error
        finally:
            # Not removed yet: ext4 creates files slowly for five seconds where many were removed.
            place.rename(tempfile.mkdtemp(prefix="ended-", dir=folder))
        tool_seconds = sum(cell.seconds for cell in outcome.values())
        measured[contender] = Measured(case.cells, tool_seconds, server_cpu, **used)
    require_same(outcomes, case.cells)
    return measured


def _run(contender: Contender, job: Job, server: Server) -> tuple[dict[str, Any], float]:
    """Return what the contender's process used, and the server's CPU seconds in the meantime."""
    before = server.cpu()
    used = in_a_fresh_process(f"bench.{contender}", job, server.environment)
    server.settle()
    return used, server.cpu() - before
