"""Checks that every number in a sentence is found in the data that the sentence describes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from qhas.diff.contributions import renamed
from qhas.diff.model import CellDiff, Figure
from qhas.network.network import Network

_NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(?: ?(µs|ms|B|kB|MB|KiB|MiB|MHz|%))?")
_SCALES = {"ms": 1e3, "kB": 1e3, "MB": 1e6, "KiB": 1024.0, "MiB": float(1 << 20)}


def strangers(diff: CellDiff, networks: Iterable[Network | None] = ()) -> list[str]:
    """Return numbers in a diff's sentences that are neither in its data nor in the networks, allowing for rounding."""
    known = sorted(
        {abs(value) for value in _values(diff)} | {abs(v) for net in networks if net for v in _of(net)}
    )
    names = sorted({name for name in _names(diff) if any(map(str.isdigit, name))}, key=len, reverse=True)
    found = []
    for text in _sentences(diff):
        for name in names:
            text = text.replace(name, "")
        found += [match[0] for match in _NUMBER.finditer(text) if not _is_known(match, known)]
    return found


def _sentences(diff: CellDiff) -> Iterator[str]:
    yield diff.sentence
    yield from (circumstance.sentence for circumstance in diff.circumstances)
    yield from (part.name for part in diff.contributions)
    yield from diff.remarks


def _is_known(match: re.Match[str], known: Iterable[float]) -> bool:
    """Whether a number is known in its unit or as written: an option's value is in the option's own unit."""
    shown = float(match[1].replace(",", "") + (match[2] or ""))
    half = 0.5 * 10.0 ** -len((match[2] or ".")[1:]) * (1 + 1e-9) + 1e-9
    scales = {1.0, _SCALES.get(match[3] or "", 1.0)}
    return any(abs(shown - figure / scale) <= half for figure in known for scale in scales)


def _values(diff: CellDiff) -> Iterator[float]:
    figures = [diff.time, *diff.figures]
    figures += [figure for op in diff.ops for figure in (op.dominant, op.cycles, op.htp_ops, op.dram)]
    figures += [figure for resource in diff.resources for figure in (resource.threads, resource.utilization)]
    for figure in figures:
        yield from _of_figure(figure)
    threads = [resource.threads for resource in diff.resources if resource.unit == "HVX"]
    yield float(sum(figure.before or 0 for figure in threads))
    yield float(sum(figure.after or 0 for figure in threads))
    start_up = 0.0
    for part in diff.contributions:
        yield from (part.us, part.cycles, float(len(part.ops)))
        start_up += part.us if part.part in ("start_up", "power_up", "vtcm_acquire") else 0.0
    yield start_up
    for circumstance in diff.circumstances:
        yield float(len(circumstance.ops))
        yield from (
            float(text)
            for side in (circumstance.before, circumstance.after)
            for text in re.findall(r"[\d.]+", side or "")
        )
    yield from _counts(diff)
    yield from _of_cycles(diff)


def _of_cycles(diff: CellDiff) -> Iterator[float]:
    """Yield how much more or less time a cycle takes, in per cent."""
    cycles = diff.figure("timeline_cycles")
    for time in (diff.figure("time_us"), diff.figure("graph_us")):
        if cycles and time and cycles.before and cycles.after and time.before and time.after:
            yield 100 * ((time.after / cycles.after) / (time.before / cycles.before) - 1)


def _counts(diff: CellDiff) -> Iterator[float]:
    """Yield the numbers of ops that something happened to, and of all ops."""
    own = [op for op in diff.ops if op.of_network]
    yield float(len(own))
    yield float(sum(op.data_type_before is not None and op.data_type_after is not None for op in own))
    kinds = {(op.effect, op.type_before, op.type_after) for op in own}
    for effect, before, after in kinds:
        same = [op for op in own if op.effect is effect]
        yield from (
            float(len(same)),
            float(sum((op.type_before, op.type_after) == (before, after) for op in same)),
        )
    yield float(renamed(diff.ops))
    yield from (float(count) for count in range(len(kinds) + 1))


def _of_figure(figure: Figure) -> Iterator[float]:
    yield from (
        value for value in (figure.before, figure.after, figure.change, figure.percent) if value is not None
    )


def _of(network: Network) -> Iterator[float]:
    """Yield attributes, shapes, and every count of ops up to their number."""
    for graph in network.graphs:
        types = [op.type for op in graph.ops]
        yield from (float(count) for count in range(len(types) + 1))
        for op in graph.ops:
            for value in op.attributes.values():
                yield from (
                    float(part)
                    for part in (value if isinstance(value, list) else [value])
                    if not isinstance(part, str)
                )
        for tensor in graph.tensors:
            yield from map(float, tensor.shape)


def _names(diff: CellDiff) -> Iterator[str]:
    for side in (diff.before, diff.after):
        yield from (text for text in (side.label, side.soc, side.sdk, side.device, side.model) if text)
    for op in diff.ops:
        for joined in (op.name_before, op.name_after, op.type_before, op.type_after):
            yield from (joined or "").split(" + ")
    for name in [name for op in diff.ops for name in (op.name_before, op.name_after) if name]:
        yield re.sub(r"_token_\d+(_\d+)?$", "", name)
    for circumstance in diff.circumstances:
        yield from circumstance.ops
        yield from (re.sub(r"_token_\d+(_\d+)?$", "", name) for name in circumstance.ops)
    yield from (
        "Conv2d",
        "UFixed8",
        "UFixed16",
        "Float32",
        "Float16",
        "PoolAvg2d",
        "PoolMax2d",
        "QUInt8",
        "sha256",
    )
