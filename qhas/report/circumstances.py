"""What a cell was run with, in a line, and the share of the time in which each unit is in use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from qhas.profile.figures import CLOCK
from qhas.report.ops import ResourceUse
from qhas.runs.record import CellRecord, EffectiveOptions, Origin
from qhas.units import megahertz, words

_UNITS = ("HMX", "HVX", "DMA")


def circumstances(record: CellRecord) -> list[str]:
    """Return the options as they took effect, or else as requested, which the text says; unknown ones are left out."""
    took, asked = record.effective or EffectiveOptions(), record.cell.prepare
    sentences = [
        _option("optimisation level", took.optimization_level, asked.optimization_level),
        _option("VTCM", _mebibytes(took.vtcm_mib), _mebibytes(asked.vtcm_mb)),
        _option("HVX threads", took.hvx_threads, asked.hvx_threads),
        _option("DLBC", _switch(took.dlbc), _switch(asked.dlbc)),
        _data_type(record),
        f"perf profile {words(record.cell.run.perf_profile)}" if record.origin is Origin.DEVICE else "",
        _clock(record, took),
        f"compiler {took.compiler}" if took.compiler else "",
    ]
    return [each for each in sentences if each]


def _data_type(record: CellRecord) -> str:
    """Return the data type; a language model's is as requested, since its 4-bit weights are 8-bit tensors in the DLC."""
    if language := record.cell.model.llm:
        return f"data type w{language.weights}a{language.activations}"
    return f"data type {words(record.traits.precision)}" if record.traits and record.traits.precision else ""


def _option(title: str, took: object, asked: object) -> str:
    if took is not None:
        return f"{title} {took}"
    return f"{title} {asked} (requested)" if asked is not None else ""


def _mebibytes(value: float | None) -> str | None:
    return None if value is None else f"{value:g} MiB" if value else "the SoC's maximum"


def _switch(value: bool | None) -> str | None:
    return None if value is None else "on" if value else "off"


def _clock(record: CellRecord, took: EffectiveOptions) -> str:
    clock = CLOCK.read(record) or took.clock_mhz
    return f"clock {megahertz(clock)}" if clock else ""


def unit_shares(resources: Iterable[ResourceUse]) -> Iterator[tuple[str, str]]:
    """Yield the percentage of the timeline in which each unit is in use, as in `38.5 %`.

    For a unit with several threads this is the range from the least to the most used one.
    """
    shares: defaultdict[str, list[float]] = defaultdict(list)
    for resource in resources:
        shares[resource.unit.upper()].append(resource.utilization)
    for unit in _UNITS:
        if values := sorted(shares.get(unit, ())):
            least, most = f"{values[0]:.0f}", f"{values[-1]:.0f}"
            threads = f"{len(values)} " if len(values) > 1 else ""
            text = f"{values[-1]:.1f} %" if least == most else f"{least} to {most} %"
            yield f"{threads}{unit} in use", text
