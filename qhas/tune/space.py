"""Graph-prepare's options, as axes around a network's default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from qhas.estimate.model import Estimate
from qhas.sweep.spec import PrepareOptions
from qhas.tune.model import OptionValue

Axes = Mapping[str, tuple[OptionValue, ...]]
"""Values by option, excluding the default, which is to leave the option out."""
_MB = 1 << 20
_VTCM_MB = (1, 2, 4, 8, 16)
_LEVELS = (1, 3)
"""2 is the compiler's default."""


def axes(default: Estimate) -> Axes:
    """Return the SoC's options, based on what the simulator reports to be in force by default."""
    vtcm = (default.in_force("vtcm_size_in_bytes") or 0) / _MB
    threads = int(default.in_force("hvx_threads") or 0)
    return {
        "optimization_level": _LEVELS,
        "vtcm_mb": tuple(size for size in _VTCM_MB[1:] if size < vtcm)
        or tuple(size for size in _VTCM_MB if size < vtcm),
        "hvx_threads": tuple(sorted({threads // 2, threads - 1} - {0, -1, threads}, reverse=True)),
        "dlbc": (True,),
    }


def combinations(of: Axes) -> Iterator[PrepareOptions]:
    """Yield the whole grid, the default first."""
    names = list(of)
    for values in product(*[(None, *of[name]) for name in names]):
        yield PrepareOptions.model_validate(dict(zip(names, values, strict=True)))


def singles(of: Axes) -> list[PrepareOptions]:
    """Return each value of each option alone."""
    return [PrepareOptions.model_validate({name: value}) for name, values in of.items() for value in values]


def without(options: PrepareOptions, name: str) -> PrepareOptions:
    """Return the options with one left to the compiler."""
    return options.model_copy(update={name: None})
