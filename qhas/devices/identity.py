"""Which SoC a device reports to be, and whether that matches the site.

A contradiction is certain: the device names a known SoC with different silicon from the site's. Anything unreadable,
unknown or a variant is at most a warning, because lists like these always lag behind the market.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from qhas.socs import KNOWN_SOCS


@dataclass(frozen=True)
class IdentityEvidence:
    """What a device reports about its SoC; None or empty for what it does not report."""

    soc_model: str | None = None
    """`ro.soc.model`"""
    manufacturer: str | None = None
    """`ro.soc.manufacturer`"""
    platform: str | None = None
    """`ro.board.platform`"""
    soc_id: int | None = None
    """The kernel's number, which is not QNN's `soc_model` number."""
    machine: str | None = None
    """`/sys/devices/soc0/machine`"""
    family: str | None = None
    """`/sys/devices/soc0/family`"""
    compatible: tuple[str, ...] = ()
    """Device tree entries, most specific first."""
    board: str | None = None
    """The device tree's model of the board."""


# Linux include/dt-bindings/arm/qcom,ids.h as of 6.12.
_LINUX_IDS = {
    339: "sm8150",
    356: "sm8250",
    439: "sm8350",
    449: "sc8280x",
    457: "sm8450",
    460: "sa8295",
    461: "sa8540",
    475: "sm7325",
    480: "sm8450",
    482: "sm8450",
    487: "sc7280",
    497: "qcm6490",
    499: "sm7325",
    519: "sm8550",
    530: "sm8475",
    531: "sm8475",
    534: "sa8775",
    540: "sm8475",
    555: "sc8380xp",
    557: "sm8650",
    603: "qcs8550",
    604: "qcm8550",
    674: "qcs8300",
    675: "qcs8275",
}
# Qualcomm's MLPerf Mobile backend (mobile_app_open, mobile_back_qti), from the names of its builds.
_MLPERF_IDS = {
    618: "sm8750",
    636: "sm6650",
    640: "sm6650",
    655: "sm8735",
    659: "sm7750",
    660: "sm8850",
    685: "sm8845",
}
# Published by users of these devices; the last one in ExecuTorch issue 16465.
_FIELD_IDS = {614: "sm8635", 667: "qcs9100", 705: "cq8750s"}

SOC_IDS: dict[int, str] = {**_LINUX_IDS, **_MLPERF_IDS, **_FIELD_IDS}
"""SoC by kernel soc_id."""

PLATFORMS: dict[str, tuple[str, ...]] = {
    "sun": ("sm8750", "sm8735"),
    "pineapple": ("sm8650", "sm8635"),
    "kalama": ("sm8550", "qcs8550", "qcm8550"),
}
"""SoCs that a platform's code name may stand for, the one it is named after first. It is less specific than a part
number: smaller SoCs of a generation come with the same board support package."""

SAME_SILICON: tuple[frozenset[str], ...] = (
    frozenset({"sm8750", "cq8750s"}),
    frozenset({"sm8550", "qcs8550", "qcm8550"}),
    frozenset({"sm7325", "sc7280", "qcm6490", "qcs6490"}),
    frozenset({"sa8255", "sa8775", "qcs9100"}),
    frozenset({"qcs8300", "qcs8275"}),
)
"""Products of one design for different markets: a graph for one usually runs on the others. Sources: which of Linux's
device trees include which; QNN's SoC table, which has one number for sa8255 and sa8775."""

_SDK_NAMES = {"cq8750s": "sm8750"}
"""SKUs that no SDK has a name for, and the SoC to prepare for."""

_PART = re.compile(r"([a-z]+[0-9]{3,5})[a-z]{0,3}")


def _base(name: str) -> str:
    """Strip the letters of a SKU or speed grade from a part number, as in SM8650-AB, SM8750P and CQ8750S."""
    token = _token(name)
    part = _PART.fullmatch(token)
    return part[1] if part else token


def _token(name: str) -> str:
    return re.split(r"[^a-z0-9]", name.strip().lower(), maxsplit=1)[0]


_SHORTEST_LAST = sorted((*SOC_IDS.values(), *KNOWN_SOCS), key=len, reverse=True)
_BY_BASE = {_base(name): name for name in _SHORTEST_LAST} | {"x1e80100": "sc8380xp"}
"""If names share a base, such as sa8255 and its grade sa8255p, the shorter name wins."""


class _Reading(NamedTuple):
    """One source's statement: what it says, what that may be (likeliest first), and whether it names a part."""

    source: str
    said: str
    socs: tuple[str, ...]
    exact: bool = True

    def __str__(self) -> str:
        return f"{self.source} {self.said}"

    def fits(self, soc: str) -> bool:
        return any(_related(soc, other) for other in self.socs)


def _related(soc: str, other: str) -> bool:
    here, there = (_BY_BASE.get(_base(name), name) for name in (soc, other))
    return _base(here) == _base(there) or any({here, there} <= design for design in SAME_SILICON)


def _named(source: str, said: str) -> _Reading:
    if soc := _BY_BASE.get(_base(said)):
        return _Reading(source, said, (soc,))
    token = _token(said)
    # The kernel names a platform's SKUs after the platform, with a P appended.
    socs = PLATFORMS.get(token) or PLATFORMS.get(token.removesuffix("p"), ())
    return _Reading(source, said, socs, exact=_PART.fullmatch(token) is not None)


def _readings(evidence: IdentityEvidence) -> list[_Reading]:
    """Return what each source says, the most trustworthy first."""
    readings = []
    if evidence.soc_id is not None:
        soc = SOC_IDS.get(evidence.soc_id)
        readings.append(
            _Reading("soc_id", str(evidence.soc_id), (soc,) if soc else (), exact=soc is not None)
        )
    for source, said in (("ro.soc.model", evidence.soc_model), ("soc0/machine", evidence.machine)):
        if said and said.strip():
            readings.append(_named(source, said.strip()))
    readings += _tree_readings(evidence.compatible)
    if evidence.platform and evidence.platform.strip():
        readings.append(_named("ro.board.platform", evidence.platform.strip()))
    return readings


def _tree_readings(compatible: Sequence[str]) -> list[_Reading]:
    """Return at most one reading: entries name the board, its SoC and parent SoCs; the board may be unknown."""
    entries = [_named("compatible", entry.partition(",")[2]) for entry in compatible]
    for exact in (True, False):
        if stated := [entry for entry in entries if entry.socs and entry.exact is exact]:
            socs = tuple(dict.fromkeys(soc for entry in stated for soc in entry.socs))
            return [_Reading("compatible", stated[0].said, socs, exact)]
    return []


def _informative(readings: Sequence[_Reading]) -> list[_Reading]:
    """Return those that name a known SoC; code names count only if no part is named, not even an unknown one."""
    exact = [reading for reading in readings if reading.exact]
    return [reading for reading in exact or readings if reading.socs]


def identify(evidence: IdentityEvidence) -> str | None:
    """Return our name for the device's SoC, from the most trustworthy source that names a known one."""
    telling = _informative(_readings(evidence))
    return _SDK_NAMES.get(telling[0].socs[0], telling[0].socs[0]) if telling else None


def _granted(reading: _Reading, configured: str) -> _Reading:
    """Accept a part that this version does not know as the site's SoC if both have the same name."""
    same = not reading.socs and reading.exact and _base(reading.said) == _base(configured)
    return reading._replace(socs=(configured,)) if same else reading


@dataclass(frozen=True)
class IdentityVerdict:
    """The SoC the device reports, a sentence if that is certainly not the site's, and warnings."""

    detected: str | None
    contradiction: str | None
    warnings: list[str]


def check_identity(configured: str, evidence: IdentityEvidence) -> IdentityVerdict:
    """Compare the site's SoC with what the device reports. Doubts are warnings; only certainty is a contradiction."""
    readings = [_granted(reading, configured) for reading in _readings(evidence)]
    warnings = [
        f"The device says {reading}, which this version does not know."
        for reading in readings
        if not reading.socs
    ]
    telling = _informative(readings)
    if not telling:
        warnings.append(f"The device does not report a known SoC; that it is {configured} is taken on trust.")
        return IdentityVerdict(None, None, warnings)
    fitting = [reading for reading in telling if reading.fits(configured)]
    if not fitting:
        stated = ", ".join(map(str, telling))
        return IdentityVerdict(
            identify(evidence),
            f"The site calls the device {configured}, but it is {identify(evidence)} ({stated}): "
            "correct its soc in site.yaml, or connect the right device.",
            warnings,
        )
    named = next(
        (soc for reading in fitting for soc in reading.socs if _base(soc) == _base(configured)), None
    )
    detected = named or fitting[0].socs[0]
    if named is None:
        warnings.append(
            f"The device is {detected} ({fitting[0]}), of the same silicon as {configured}; "
            "SKUs differ in clocks, VTCM and what an SDK recognises."
        )
    if odd := [str(reading) for reading in readings if reading.socs and not reading.fits(configured)]:
        warnings.append(
            f"The device contradicts itself: {fitting[0]} fits {configured}, but it also says {', '.join(odd)}."
        )
    return IdentityVerdict(_SDK_NAMES.get(detected, detected), None, warnings)
