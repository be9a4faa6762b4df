"""Is the version that brought a change named? Five SDKs in a row: the first few are one SDK, the rest another.

What is planted is a default, by one more option in graph-prepare, or a compiler: two generations of the host SDK that
give one network different figures with the same options, so that a cause in the options would be invented.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.plant import SOC, THRESHOLD, Planted, answered, planted_sdk
from qhas.site import Site
from qhas.site.demo import make_networks
from qhas.site.sdk import host_sdk_versions
from qhas.site.site import NamedSdk
from qhas.store import Store
from qhas.sweep.spec import NO_INPUTS, ModelRef
from qhas.upgrade.model import Cause
from qhas.upgrade.question import Question
from qhas.upgrade.search import search

_LENGTH = 5
_COMPILERS = ("2.49", "2.50")
"""Two generations with the same defaults."""
_NETWORK = "shufflenet"
"""The demo's network on which these two differ most."""


@dataclass(frozen=True)
class _Row:
    name: str
    network: Path
    before: tuple[str, str | None]
    """The additional option and the generation of the first SDKs in the row."""
    after: tuple[str, str | None]
    causes: frozenset[Cause]
    says: str

    def sdks(self, folder: Path, place: int) -> dict[str, Path]:
        """Build the SDKs of the row, keyed by name; from `place` on they are the other one."""
        sides = [self.before if number < place else self.after for number in range(_LENGTH)]
        names = [f"{self.name}-{place}-{number}" for number in range(_LENGTH)]
        return {name: planted_sdk(folder / name, *side) for name, side in zip(names, sides, strict=True)}


def versions(folder: Path, tiny: Path) -> Iterator[Planted]:
    """Plant each change at each place of a row, and search for it."""
    for row in _rows(folder, tiny):
        for place in range(1, _LENGTH):
            yield _asked(row, place, folder)


def _rows(folder: Path, tiny: Path) -> Iterator[_Row]:
    threads = ("--num_hvx_threads=2", None)
    yield _Row("threads", tiny, ("", None), threads, frozenset({Cause.OPTION}), "HVX threads 4 → 2")
    if set(_COMPILERS) <= set(host_sdk_versions()):
        asyncio.run(make_networks(folder, lambda _: None, [f"{_NETWORK}.dlc"]))
        old, new = (("", generation) for generation in _COMPILERS)
        others = frozenset({Cause.COMPILED, Cause.MEMORY, Cause.COST_MODEL})
        yield _Row("compiler", folder / "networks" / f"{_NETWORK}.dlc", old, new, others, "HTP ops")


def _asked(row: _Row, place: int, folder: Path) -> Planted:
    roots = row.sdks(folder / "sdks", place)
    names = list(roots)
    site = Site(store=str(folder / "store"), sdks={name: NamedSdk(root=root) for name, root in roots.items()})
    model = ModelRef(name=row.network.stem, dlc=str(row.network), inputs=NO_INPUTS)
    question = Question((model,), (SOC,), tuple(names), THRESHOLD)
    (cell,) = answered(search(question, Store(site.store)), site).cells
    said = tuple(
        f"{step.after if step.cause in row.causes and row.says in step.why else step.cause}: {step.why}"
        for step in cell.steps
    )
    where = f"{row.name}, from number {place + 1} of {_LENGTH} on"
    return Planted("version", where, cell.time.percent or 0.0, f"{names[place]}: ", said)
