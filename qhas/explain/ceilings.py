"""The most a SoC does in a number format, as small networks of known work show: read from the table that is shipped.

`ceilings.tsv` is written by `python -m bench ceilings --write`; it states the compiler and the date. The figures are
the simulator's.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from typing import NamedTuple

from qhas.truth.tables import Precision

TABLE = "ceilings.tsv"


class Ceiling(NamedTuple):
    """Work per cycle of the core clock, of the fastest op of the small networks."""

    soc: str
    precision: Precision
    hmx_macs: float
    """Multiply-accumulates."""
    hvx_bytes: float
    """Bytes read and written by one thread of element-wise ops."""
    dram_bytes: float
    """Bytes moved between DRAM and VTCM."""
    core_mhz: float
    compiler: str
    made: str
    """The date, as in 2026-11-29."""


def ceiling(soc: str, precision: Precision) -> Ceiling | None:
    """Return the ceiling of the SoC; None if it was not tried."""
    return table().get((soc, precision))


@cache
def table() -> dict[tuple[str, Precision], Ceiling]:
    """Read the ceilings of every SoC in every format."""
    text = resources.files("qhas.explain").joinpath(TABLE).read_text("ascii")
    rows = map(_read, csv.DictReader(text.splitlines(), delimiter="\t"))
    return {(row.soc, row.precision): row for row in rows}


def _read(row: dict[str, str]) -> Ceiling:
    return Ceiling(
        soc=row["soc"],
        precision=Precision(row["precision"]),
        hmx_macs=float(row["hmx_macs"]),
        hvx_bytes=float(row["hvx_bytes"]),
        dram_bytes=float(row["dram_bytes"]),
        core_mhz=float(row["core_mhz"]),
        compiler=row["compiler"],
        made=row["made"],
    )
