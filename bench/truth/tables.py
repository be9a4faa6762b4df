"""The tables of docs/truth.md, each from the shipped pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from qhas.truth.blind_spots import BLIND_SPOTS
from qhas.truth.calibration import recomputed, table
from qhas.truth.fit import Calibration, calibrate, spearman
from qhas.truth.tables import (
    WHEEL,
    NetworkClass,
    Pair,
    Precision,
    Runtime,
    calibrating,
    devices,
    measured_count,
    pairs,
)

FAR = 1.3
"""A network that is off by more than this factor is listed among the bad rows."""
_BANDS_MS = ((0.0, 1.0), (1.0, 3.0), (3.0, 10.0), (10.0, float("inf")))
_QAIRT = {"2.4.0": "2.48", "2.5.0": "2.49", "2.6.0": "2.50", "2.7.0": "2.51"}


class Table(NamedTuple):
    """Titles and rows of text."""

    titles: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def markdown(self) -> str:
        """Format the table as Markdown."""
        lines = [self.titles, tuple("---" for _ in self.titles), *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


class Setting(NamedTuple):
    """What the pairs of one table differ in."""

    name: str
    chosen: Callable[[Pair], bool]


_SHORT = ("n", "rank corr.", "measured / simulated, median", "10 to 90 %", "median error")


def short(chosen: Sequence[Pair]) -> tuple[str, ...]:
    """Return the figures of `_SHORT`."""
    ratios = np.array([pair.ratio for pair in chosen])
    simulated = np.array([pair.simulated_ms for pair in chosen])
    measured = np.array([pair.measured_ms for pair in chosen])
    low, middle, high = np.quantile(ratios, [0.1, 0.5, 0.9])
    rank = f"{spearman(simulated, measured):.3f}" if len(chosen) > 3 else "–"
    error = np.median(np.abs(simulated - measured) / measured)
    return (str(len(chosen)), rank, f"{middle:.2f}", f"{low:.2f} to {high:.2f}", f"{error:.0%}")


def by_device() -> Table:
    """Tabulate the fit for every device, format and class, with its errors on networks and families left out."""
    titles = ("device", "format", "networks", *_SHORT, "fit, ms", "network left out: median, 90 %",
              "family left out: median, 90 %", "interval", "holds")  # fmt: skip
    rows = []
    for device in devices():
        for precision in Precision:
            for kind in (None, *NetworkClass):
                chosen = calibrating(device, precision, kind)
                if not chosen or (kind and len(chosen) == len(calibrating(device, precision))):
                    continue
                made = recomputed(device, precision, kind) if kind else calibrate(chosen)
                rows.append((device.title, precision.value, kind or "all", *short(chosen), *_fitted(made)))
    return Table(titles, rows)


def by_measured() -> Table:
    """Tabulate how many networks were measured per device and format, and how many of them are in the tables."""
    formats = (Precision.FLOAT, Precision.W8A8)
    what = ("networks measured", "parts measured", "in the tables")
    titles = ("device", *(f"{precision.value}: {each}" for precision in formats for each in what))
    rows = []
    for device in devices():
        if not device.refused:
            counts = [
                (*measured_count(device, precision), len(calibrating(device, precision)))
                for precision in formats
            ]
            rows.append((device.title, *(str(count) for three in counts for count in three)))
    return Table(titles, rows)


def _fitted(made: Calibration | None) -> tuple[str, ...]:
    if made is None:
        return ("too few",) + ("",) * 4
    return (
        f"{made.constant_ms:.2f} + {made.slope:.2f} x",
        f"{made.error_network:.0%}, {made.error_network_90:.0%}",
        f"{made.error_family:.0%}, {made.error_family_90:.0%}",
        f"÷ and x {made.spread:.2f}",
        f"{made.coverage:.0%}",
    )


def pooled_coverage() -> tuple[int, int]:
    """Return how many left-out networks the shipped intervals held, and out of how many."""
    held = sum(round(spread.coverage * spread.n) for spread in table().values())
    return held, sum(spread.n for spread in table().values())


def _of(device: str, precision: Precision, **fields: object) -> list[Pair]:
    wanted = {"runtime": Runtime.QNN_DLC, "wheel": WHEEL, "form": "", "options": ""} | fields
    return [
        pair
        for pair in pairs()
        if pair.device.title == device
        and pair.precision is precision
        and pair.soc_model == pair.device.simulated_as
        and all(getattr(pair, name) == value for name, value in wanted.items())
    ]


def _same_networks(groups: dict[str, list[Pair]]) -> Iterator[tuple[str, list[Pair]]]:
    common = set.intersection(*({pair.network.name for pair in group} for group in groups.values()))
    for name, group in groups.items():
        yield name, [pair for pair in group if pair.network.name in common]


def _compared(groups: dict[str, list[Pair]], first: str) -> Table:
    return Table((first, *_SHORT), [(name, *short(group)) for name, group in _same_networks(groups)])


def by_compiler(precision: Precision) -> Table:
    """Compare the same networks across versions of the compiler."""
    groups = {
        f"{wheel} (QAIRT {qairt})": _of("IQ-9075", precision, wheel=wheel) for wheel, qairt in _QAIRT.items()
    }
    return _compared({name: group for name, group in groups.items() if group}, "onnxruntime-qnn")


def by_option() -> Table:
    """Compare the same networks across options of the compiler."""
    names = {"": "default (O2, 8 MB VTCM)", "vtcm4": "4 MB VTCM", "vtcm2": "2 MB VTCM", "O3": "O3"}
    groups = {title: _of("IQ-9075", Precision.FLOAT, options=option) for option, title in names.items()}
    return _compared(groups, "option")


def by_layout() -> Table:
    """Compare channel-last and channel-first input with what was measured with either."""
    measured = {Runtime.QNN_DLC: "DLC (channel-last)", Runtime.ONNX: "ONNX Runtime (channel-first)"}
    groups = {
        f"{layout} / {title}": _of("IQ-9075", Precision.FLOAT, form=form, runtime=runtime)
        for form, layout in (("", "channel-last"), ("nchw", "channel-first"))
        for runtime, title in measured.items()
    }
    return _compared(groups, "simulated / measured")


def by_boundary() -> Table:
    """Compare 8-bit networks by the layout and type of inputs and outputs that the converter's options set."""
    titles = {
        "": "channel-last, quantised",
        "fio": "channel-last, float",
        "nchw": "channel-first, quantised",
        "nchw.fio": "channel-first, float",
    }
    groups = {
        title: {pair.network.name: pair for pair in _of("IQ-9075", Precision.W8A8, form=form)}
        for form, title in titles.items()
    }
    names = sorted(set.intersection(*(set(group) for group in groups.values())))
    rows = [
        (
            name,
            *(f"{group[name].simulated_ms:.3f}" for group in groups.values()),
            f"{groups[titles['']][name].measured_ms:.3f}",
        )
        for name in names
    ]
    return Table(("network, simulated ms", *titles.values(), "measured, as the first"), rows)


def by_corner() -> Table:
    """Compare the voltage corners that were tried for a phone."""
    names = {"top": "highest (11)", "c2": "the library's default (2)", "vtcm4top": "highest, 4 MB VTCM"}
    groups = {title: _of("Galaxy S25", Precision.FLOAT, options=option) for option, title in names.items()}
    return _compared(groups, "voltage corner, Galaxy S25")


def by_lowering() -> Table:
    """Compare networks before and after onnxsim, which turns matrix products into chains of Reshape and Gemm."""
    plain = {pair.network.name: pair for pair in _of("IQ-9075", Precision.FLOAT)}
    rows = [
        (
            pair.network.name,
            f"{plain[pair.network.name].simulated_ms:.2f}",
            f"{pair.simulated_ms:.2f}",
            f"{pair.measured_ms:.2f}",
        )
        for pair in _of("IQ-9075", Precision.FLOAT, form="onnxsim")
        if pair.network.name in plain
    ]
    return Table(("network", "as exported, ms", "after onnxsim, ms", "measured, ms"), rows)


def by_family(precision: Precision) -> Table:
    """Tabulate the median ratio of each family of networks on the devices where it was measured."""
    return _grouped("family", precision, lambda pair: pair.network.family.replace("_", " "))


def by_ops(precision: Precision) -> Table:
    """Tabulate the same by the ops that take most of a network's time."""
    return _grouped("ops", precision, lambda pair: pair.network.ops)


def _grouped(title: str, precision: Precision, of: Callable[[Pair], str]) -> Table:
    chosen = {device.title: calibrating(device, precision) for device in devices() if not device.refused}
    names = sorted({of(pair) for group in chosen.values() for pair in group})
    rows = [
        (name, *(_ratio(pair for pair in group if of(pair) == name) for group in chosen.values()))
        for name in names
    ]
    return Table((title, *chosen), rows)


def by_size() -> Table:
    """Tabulate the ratios by how long a network takes."""
    shown = [device for device in devices() if not device.refused]
    chosen = {device.title: calibrating(device, Precision.FLOAT) for device in shown}
    rows = [
        (
            f"{low:g} to {high:g} ms" if high < float("inf") else f"above {low:g} ms",
            *(_ratio(pair for pair in group if low <= pair.simulated_ms < high) for group in chosen.values()),
        )
        for low, high in _BANDS_MS
    ]
    return Table(("simulated", *chosen), rows)


def _ratio(chosen: Iterable[Pair]) -> str:
    ratios = [pair.ratio for pair in chosen]
    return f"{np.median(ratios):.2f} ({len(ratios)})" if ratios else "–"


def bad_rows() -> Table:
    """List every network that is off by more than `FAR`, the worst first."""
    far = [
        pair
        for device in devices()
        if not device.refused
        for precision in Precision
        for pair in calibrating(device, precision)
        if not 1 / FAR <= pair.ratio <= FAR
    ]
    far.sort(key=lambda pair: -abs(np.log(pair.ratio)))
    rows = [
        (
            pair.network.name,
            pair.precision.value,
            pair.device.title,
            f"{pair.simulated_ms:.2f}",
            f"{pair.measured_ms:.2f}",
            f"{pair.ratio:.2f}",
        )
        for pair in far
    ]
    return Table(
        ("network", "format", "device", "simulated, ms", "measured, ms", "measured / simulated"), rows
    )


def every_network(precision: Precision) -> Table:
    """Tabulate simulated and measured milliseconds of every network in the format."""
    shown = [device for device in devices() if not device.refused and calibrating(device, precision)]
    chosen = {
        device.title: {pair.network.name: pair for pair in calibrating(device, precision)} for device in shown
    }
    names = sorted({name for group in chosen.values() for name in group})
    rows = [
        (name, *(f"{pair.simulated_ms:.3g} / {pair.measured_ms:.3g}" if (pair := group.get(name)) else "–" for group in chosen.values()))
        for name in names
    ]  # fmt: skip
    return Table((f"{precision}, simulated / measured ms", *chosen), rows)


def unseen() -> Table:
    """List what the simulator cannot see, with the evidence."""
    rows = [
        (
            spot.name,
            spot.sentence,
            ", ".join(
                f"{seen.model} {seen.precision} {seen.ratio:.2f} ({seen.device})" for seen in spot.evidence
            ),
        )
        for spot in BLIND_SPOTS
    ]
    return Table(("what", "what is known", "measured / simulated"), rows)


def by_vendor_interval() -> Table:
    """Tabulate how often the measured time is within the simulator's own interval."""
    rows = []
    for title in ("IQ-9075", "SA8775P"):
        for precision in Precision:
            chosen = [pair for pair in _of(title, precision) if pair.low_ms and pair.high_ms]
            held = sum((pair.low_ms or 0) <= pair.measured_ms <= (pair.high_ms or 0) for pair in chosen)
            width = np.median([(pair.high_ms or 0) / (pair.low_ms or 1) for pair in chosen])
            rows.append(
                (title, precision.value, str(len(chosen)), f"{held / len(chosen):.0%}", f"{width:.2f}")
            )
    return Table(("device", "format", "n", "measured inside", "upper / lower, median"), rows)


def by_missing_cost() -> Table:
    """List the networks whose estimate leaves ops out."""
    rows = [
        (pair.network.name, pair.precision.value, str(pair.ops_without_cost), f"{pair.ratio:.2f}")
        for precision in Precision
        for pair in _of("IQ-9075", precision)
        if pair.ops_without_cost
    ]
    return Table(("network", "format", "ops without a cost", "measured / simulated"), rows)


def checked_table(text: str) -> str:
    """Recompute the networks and ratios in the host SDK's table of SoCs that were compared with a device."""
    header, *lines = text.splitlines()
    made = [header]
    for line in lines:
        soc, corner, title, _, _, default = line.split("\t")
        (device,) = (device for device in devices() if device.title == title)
        ratios = [pair.ratio for pair in calibrating(device, Precision.FLOAT)]
        made.append("\t".join([soc, corner, title, str(len(ratios)), f"{np.median(ratios):.2f}", default]))
    return "\n".join(made) + "\n"
