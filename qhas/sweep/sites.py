"""Several sites: which of a sweep's cells each of them runs."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from qhas.documents import Written, parse_yaml, require_distinct
from qhas.failures import InvalidInput
from qhas.naming import Name, SocName
from qhas.sweep.expectation import Expectations
from qhas.sweep.spec import Cell


class SocDevices(Written):
    """How many devices of a SoC a site has."""

    soc: SocName
    count: int = Field(default=1, ge=1, description="Devices of this SoC at the site.")


def _rows(value: Any) -> Any:
    return (
        [{"soc": soc, "count": count} for soc, count in value.items()]
        if isinstance(value, Mapping)
        else value
    )


class SiteRef(Written):
    """A site that runs part of a sweep: the deployment that its workers serve, and the devices it has."""

    name: Name
    deployment: str = Field(
        pattern=r"^[^/]+/[^/]+$",
        description="A deployment of the flow `sweep` on the site's work queue, as in sweep/lab1.",
    )
    socs: Annotated[list[SocDevices], BeforeValidator(_rows)] = Field(
        min_length=1, description="Number of devices by SoC; in a file also as {sm8750: 2, sa8255: 1}."
    )
    site: str | None = Field(
        default=None, description="Path of site.yaml on the site's workers; without it their QHAS_SITE."
    )
    patience_seconds: float = Field(
        default=300.0, gt=0, description="How long to wait for a worker of the site to accept the run."
    )
    silence_seconds: float = Field(
        default=600.0,
        ge=60,
        description="A run that shows no sign of life for this long is given up: its host is presumed lost.",
    )

    @model_validator(mode="after")
    def _socs_are_unique(self) -> SiteRef:
        require_distinct(f"the SoCs of site {self.name} must differ", [each.soc for each in self.socs])
        return self

    def devices(self, soc: str) -> int:
        """Return how many devices of a SoC the site has."""
        return next((each.count for each in self.socs if each.soc == soc), 0)


class _Sites(Written):
    sites: list[SiteRef]


def load_sites(path: Path) -> list[SiteRef]:
    """Read sites.yaml. Raises InvalidInput with one sentence that names the file, the place and the fault."""
    return require_sites(parse_yaml(path, _Sites, "sites").sites)


def require_sites(sites: Sequence[SiteRef]) -> list[SiteRef]:
    """Return the sites if they can share a sweep. Raises InvalidInput if there is none, or if names repeat."""
    try:
        require_distinct("Sites must have different names", [site.name for site in sites])
    except ValueError as error:
        raise InvalidInput(f"{error}.") from None
    if not sites:
        raise InvalidInput("No site is listed; name at least one, or use the flow `sweep`.")
    return list(sites)


def split(
    cells: Sequence[Cell], sites: Sequence[SiteRef], expected: Expectations
) -> dict[str, tuple[Cell, ...]]:
    """Return the cells by site name, in the given order: each at one site with its SoC. Raises InvalidInput if none
    has it.

    Sites that share a SoC should finish it at the same time: the longest cell is placed first, each at the site where
    it would be done soonest. With k such sites and n devices in total, no site needs more than (all the cells' device
    time + (k-1) x the longest cell) / n.
    """
    by_soc = defaultdict(list)
    for cell in cells:
        by_soc[cell.soc].append(cell)
    if unserved := sorted(soc for soc in by_soc if not any(site.devices(soc) for site in sites)):
        have = ", ".join(sorted({each.soc for site in sites for each in site.socs}))
        raise InvalidInput(f"No site has devices for {', '.join(unserved)}; the sites have {have}.")
    chosen = {
        key: name for soc, some in by_soc.items() for key, name in _balanced(soc, some, sites, expected)
    }
    return {site.name: tuple(cell for cell in cells if chosen[cell.key] == site.name) for site in sites}


def _balanced(
    soc: str, cells: Iterable[Cell], sites: Sequence[SiteRef], expected: Expectations
) -> Iterator[tuple[str, str]]:
    """Yield the cell keys of one SoC, each with the name of its site."""
    devices = {site.name: site.devices(soc) for site in sites if site.devices(soc)}
    seconds, given = dict.fromkeys(devices, 0.0), dict.fromkeys(devices, 0)
    lengths = {cell.key: expected.of(cell).device for cell in cells}
    for key in sorted(lengths, key=lambda key: (-lengths[key], key)):

        def done(name: str, longer: float = lengths[key]) -> tuple[float, float]:
            return (seconds[name] + longer) / devices[name], (given[name] + 1) / devices[name]

        name = min(devices, key=done)
        seconds[name] += lengths[key]
        given[name] += 1
        yield key, name


class Part(Written):
    """Cells of a sweep given to one site. They are positions in the plan: five thousand fit into a parameter."""

    site: Name = Field(description="The site that runs them.")
    cells: str = Field(
        pattern=r"^\d+(-\d+)?(,\d+(-\d+)?)*$",
        description="Positions of the cells in the plan, from 1, as in 1-40,57.",
    )
    plan: str = Field(description="Digest of the whole plan, so that both sides count the same cells.")

    @classmethod
    def of(cls, site: str, cells: Iterable[Cell], plan: Sequence[Cell]) -> Part:
        """Return the part of a plan that consists of these cells."""
        wanted = {cell.key for cell in cells}
        positions = [number for number, cell in enumerate(plan, 1) if cell.key in wanted]
        return cls(site=site, cells=",".join(_ranges(positions)), plan=_digest(plan))

    def select(self, plan: Sequence[Cell]) -> list[Cell]:
        """Return the cells of the part. Raises InvalidInput if the plan is a different one."""
        bounds = [tuple(map(int, part.split("-"))) for part in self.cells.split(",")]
        if self.plan != _digest(plan) or any(not 1 <= each[0] <= each[-1] <= len(plan) for each in bounds):
            raise InvalidInput(
                f"Site {self.site} plans different cells from this spec than the sweep it belongs to; "
                "install the same version of qhas-flows on both."
            )
        positions = {number for each in bounds for number in range(each[0], each[-1] + 1)}
        return [plan[number - 1] for number in sorted(positions)]


def _ranges(numbers: Iterable[int]) -> Iterator[str]:
    """Yield ascending numbers as ranges: 1-3, 5."""
    for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        first, *rest = (number for _, number in run)
        yield f"{first}-{rest[-1]}" if rest else str(first)


def _digest(plan: Iterable[Cell]) -> str:
    return hashlib.sha256("\n".join(cell.key for cell in plan).encode()).hexdigest()[:16]
