"""The SoCs the compiler knows, as data (`socs.tsv`), and their other names (`soc_names.tsv`).

Names, ids and architectures are what the library itself writes into a DLC for each soc_model id; VTCM and HVX counts are
what its cost models state. For a handful of parts without a cost model the VTCM is the one ExecuTorch's Qualcomm backend
lists; a dash means that no source states it.

`checked.tsv` lists the SoCs whose estimates the vendor does not support but that were compared with a device: the
simulator's voltage corner and, as evidence, the number of float networks and their median of measured over simulated,
with that corner and with the one that the library would use.
"""

from __future__ import annotations

import difflib
import functools
from dataclasses import dataclass
from pathlib import Path

from hostsdk.errors import ErrorCode, ToolError

OLDEST_ARCH = 68
"""HTP graphs need Hexagon v68; older ids are accepted by the compiler but do not run on its HTP path."""


@dataclass(frozen=True)
class Checked:
    """How estimates were compared with a device. `ratio` is the median of measured over simulated."""

    corner: int
    device: str
    networks: int
    ratio: float

    @property
    def sentence(self) -> str:
        """In words, as in `checked against 35 networks on Galaxy S25`."""
        return f"checked against {self.networks} networks on {self.device}"


@dataclass(frozen=True)
class Soc:
    """One part. `vtcm_mb` and `hvx_threads` are None where unknown; `arch` is the Hexagon version, as in v73."""

    name: str
    soc_model: int
    arch: int
    vtcm_mb: int | None
    hvx_threads: int | None
    has_cost_model: bool
    estimate_supported: bool
    checked: Checked | None = None
    """None for a SoC that was not measured, and for those whose estimates the vendor supports."""

    @property
    def target(self) -> str:
        """The record identifier the runtime prints, for instance HTP_V73_SA8255_8MB."""
        vtcm = f"_{self.vtcm_mb}MB" if self.vtcm_mb else ""
        return f"HTP_V{self.arch}_{self.name.upper()}{vtcm}"


def _count(text: str) -> int | None:
    return None if text == "-" else int(text)


@functools.cache
def table() -> dict[str, Soc]:
    """Return every SoC by its lower-case name."""
    checked = _checked()
    return {
        name: Soc(
            name=name,
            soc_model=int(soc_model),
            arch=int(arch),
            vtcm_mb=_count(vtcm),
            hvx_threads=_count(hvx),
            has_cost_model=cost_model == "yes",
            estimate_supported=supported == "yes",
            checked=checked.get(name),
        )
        for name, soc_model, arch, vtcm, hvx, cost_model, supported in _rows("socs.tsv")
    }


def _checked() -> dict[str, Checked]:
    return {
        soc: Checked(int(corner), device, int(networks), float(ratio))
        for soc, corner, device, networks, ratio, _ in _rows("checked.tsv")
    }


@functools.cache
def other_names() -> dict[str, tuple[str, str]]:
    """Return, for names of parts that share another's id, that one's name, or none and why they are refused."""
    return {
        name: (soc if soc != "-" else "", refused if refused != "-" else "")
        for name, soc, refused in _rows("soc_names.tsv")
    }


def _rows(table: str) -> list[list[str]]:
    lines = Path(__file__).with_name(table).read_text("ascii").splitlines()[1:]
    return [line.split("\t") for line in lines]


def names() -> list[str]:
    """Return all names that `find` accepts, in lower case."""
    able = {name for name, soc in table().items() if soc.arch >= OLDEST_ARCH}
    return sorted(able | {name for name, (same, _) in other_names().items() if same in able})


def find(name: str, option: str) -> Soc:
    """Return the SoC called `name`, in either case.

    Raises `ToolError` (INVALID_DEVICE), naming near matches, when it is unknown or older than Hexagon v68; `option` is
    where the name came from, for the message.
    """
    known, wanted = table(), name.strip().lower()
    same, refused = other_names().get(wanted, (wanted, ""))
    if refused:
        raise ToolError(ErrorCode.INVALID_DEVICE, f"{option}: {wanted} is refused: {refused}.", "HTP Device")
    soc = known.get(same)
    if soc is None:
        able = [s.name for s in known.values() if s.arch >= OLDEST_ARCH]
        near = difflib.get_close_matches(wanted, able, n=3, cutoff=0.6)
        hint = f"did you mean {' or '.join(near)}?" if near else "names look like sm8750 or sa8255."
        raise ToolError(ErrorCode.INVALID_DEVICE, f"{option}: unknown SoC {name!r}: {hint}", "HTP Device")
    if soc.arch < OLDEST_ARCH:
        raise ToolError(
            ErrorCode.INVALID_DEVICE,
            f"{option}: {soc.name} has Hexagon v{soc.arch}, and HTP graphs need v{OLDEST_ARCH} or newer.",
            "HTP Device",
        )
    return soc
