"""Every generation of Qualcomm's libraries known here: the wheel that carries it, API versions, structure layout.

The number of pointers and the offset of the SoC are not in a public header for all of them. They were found by trial,
each in a process of its own: a wrong number ends in SIGSEGV, a wrong offset in a refused device. Generations that are
not in the table are tried in the same way (`hostsdk.trial`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

ApiVersion = tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """The differences in memory layout between generations."""

    pointers: int
    """Functions in QnnInterface_t, which composeGraphs takes by value: a wrong size shifts the arguments after it."""
    soc_offset: int
    """Bytes before the SoC in QnnHtpDevice_CustomConfig_t."""


@dataclass(frozen=True)
class Generation:
    """One generation. `wheel` is the version of onnxruntime-qnn, `sdk` the first two numbers of the build id."""

    wheel: str
    sdk: str
    core: ApiVersion
    htp: ApiVersion
    system: ApiVersion
    layout: Layout
    not_estimated: frozenset[str] = frozenset()
    """SoCs that the newest generation estimates and this one does not."""
    has_time_event: bool = True
    """Whether the simulator reports microseconds; if not, they are computed from cycles at the SoC's clock."""

    @property
    def lacks(self) -> str:
        """What the newest generation has and this one lacks, in words; empty if nothing."""
        estimates = [f"no estimate for {soc.upper()}" for soc in sorted(self.not_estimated)]
        return "; ".join(estimates + ([] if self.has_time_event else ["no simulated time, cycles only"]))


_FROM_2_50 = Layout(pointers=75, soc_offset=8)
_BEFORE = Layout(pointers=72, soc_offset=8)
_OF_2_49 = Layout(pointers=72, soc_offset=4)
_NOT_YET = frozenset({"sar2230p"})

GENERATIONS = (
    Generation("2.3.0", "2.47", (2, 36), (5, 47), (1, 11), _BEFORE, _NOT_YET, has_time_event=False),
    Generation("2.4.0", "2.48", (2, 37), (5, 48), (1, 12), _BEFORE, _NOT_YET, has_time_event=False),
    Generation("2.5.0", "2.49", (2, 38), (5, 49), (1, 13), _OF_2_49, _NOT_YET, has_time_event=False),
    Generation("2.6.0", "2.50", (2, 39), (5, 50), (1, 14), _FROM_2_50, _NOT_YET),
    Generation("2.7.0", "2.51", (2, 40), (5, 51), (1, 15), _FROM_2_50),
)
"""Oldest first."""

LAYOUTS = tuple(dict.fromkeys(generation.layout for generation in reversed(GENERATIONS)))
"""Every layout, that of the newest generation first: an even newer one most likely has the same."""

_WHEEL = re.compile(r"\d{1,4}\.\d{1,4}\.\d{1,4}")


def of_versions(reported: dict[str, Any]) -> Generation | None:
    """Return the generation whose libraries report these dotted API versions, keyed by `core`, `htp` and `system`."""
    versions = tuple(_pair(str(reported[name])) for name in ("core", "htp", "system"))
    return next((each for each in GENERATIONS if (each.core, each.htp, each.system) == versions), None)


def of_build(build_id: str) -> Generation | None:
    """Return the generation of a build id as in v2.48.40.260702151143."""
    return next((each for each in GENERATIONS if build_id.startswith(f"v{each.sdk}.")), None)


def wheel_called(name: str) -> str | None:
    """Return the wheel's version for a name: that version itself, or a generation as in 2.48; None for neither."""
    named = {generation.sdk: generation.wheel for generation in GENERATIONS}
    return named.get(name) or (name if _WHEEL.fullmatch(name) else None)


def _pair(dotted: str) -> ApiVersion:
    major, minor = dotted.split(".")[:2]
    return int(major), int(minor)
