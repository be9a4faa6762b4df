"""What else differs between two sides than their speed: SoC, SDK, network, options, device.

The records say most of it. Without records the figures of the files have to do: what they cannot be explained without is
a circumstance that was observed. What both records state the same is never observed to have changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qhas.diff.contributions import timing
from qhas.diff.model import (
    Circumstance,
    CircumstanceKind,
    Figure,
    Matched,
    OpDiff,
    OpEffect,
    Resource,
    Source,
)
from qhas.qhas_file import QhasFile
from qhas.record import CellRecord

Kind = CircumstanceKind
Settings = Mapping[CircumstanceKind, str]

_CLOCK_SHARE = 0.02
_VTCM_SHARE = 0.25
"""Changes of clock and of peak VTCM that are more than rounding or another schedule."""
_SHOWN = 3
_ORDER = {kind: place for place, kind in enumerate(CircumstanceKind)}
_EXPLAINS_NOTHING = {Kind.SCHEMA, Kind.TRACE, Kind.DLC_BYTES}


@dataclass(frozen=True)
class Evidence:
    """What is known of one side."""

    file: QhasFile
    record: CellRecord | None = None


def circumstances(
    before: Evidence, after: Evidence, ops: Sequence[OpDiff], figures: Sequence[Figure], resources: Sequence[Resource]
) -> list[Circumstance]:
    """The one that explains most first; those that explain nothing last."""
    known = _stated(before, after)
    found = list(_differences(known))
    if not same_network(before, after):
        found += _of_network(before, after, ops)
    told = {kind for kind in known[0] if kind in known[1]}
    found += _observed(before, after, ops, figures, resources, told, {one.kind for one in found})
    return sorted(found, key=lambda one: (not one.explains, _ORDER[one.kind]))


def same_network(before: Evidence, after: Evidence) -> bool:
    """Whether the records say that both sides ran the very same DLC. False where they do not tell."""
    models = [side.record.model.sha256 if side.record and side.record.model else None for side in (before, after)]
    return None not in models and models[0] == models[1]


def _stated(before: Evidence, after: Evidence) -> tuple[Settings, Settings]:
    if before.record and after.record:
        return (
            _of_record(before.record) | {Kind.SCHEMA: before.file.version},
            _of_record(after.record) | {Kind.SCHEMA: after.file.version},
        )
    return _of_file(before.file), _of_file(after.file)


def _of_record(record: CellRecord) -> dict[CircumstanceKind, str]:
    cell, device = record.cell, record.device
    trace = cell.trace.model_dump()
    return {
        Kind.SOC: cell.soc,
        Kind.SDK: f"{record.sdk.kind} {record.sdk.version}",
        **_of_options(cell.prepare.model_dump()),
        Kind.PERF_PROFILE: str(cell.run.perf_profile),
        Kind.DEVICE: device.name if device and device.soc == cell.soc else "",
        Kind.BUILD: (device.build or "") if device else "",
        Kind.TRACE: ", ".join(name for name, on in trace.items() if on),
    }


def _of_file(file: QhasFile) -> dict[CircumstanceKind, str]:
    """What a file says of itself; of a device's file that is its schema and no more."""
    said = {Kind.SOC: file.provenance.get("soc"), Kind.SDK: file.provenance.get("library")}
    prepare = file.provenance.get("prepare")
    options = _of_options(prepare) if isinstance(prepare, dict) else {}
    return {kind: str(text) for kind, text in said.items() if text} | options | {Kind.SCHEMA: file.version}


def _of_options(prepare: Mapping[str, Any]) -> dict[CircumstanceKind, str]:
    return {
        kind: "default" if (value := prepare.get(kind.value)) is None else str(value)
        for kind in (Kind.VTCM, Kind.HVX_THREADS, Kind.OPTIMIZATION_LEVEL, Kind.DLBC)
    }


_SENTENCES: dict[CircumstanceKind, str] = {
    Kind.SOC: "SoC {before} → {after}",
    Kind.SDK: "SDK {before} → {after}",
    Kind.VTCM: "VTCM {before} → {after} MB",
    Kind.HVX_THREADS: "HVX threads {before} → {after}",
    Kind.OPTIMIZATION_LEVEL: "optimisation level {before} → {after}",
    Kind.DLBC: "DLBC {before} → {after}",
    Kind.PERF_PROFILE: "perf profile {before} → {after}",
    Kind.DEVICE: "device {before} → {after}",
    Kind.BUILD: "device build {before} → {after}",
    Kind.SCHEMA: "QHAS schema {before} → {after}",
    Kind.TRACE: "trace switches {before} → {after}",
}


def _differences(known: tuple[Settings, Settings]) -> Iterator[Circumstance]:
    before, after = known
    for kind, sentence in _SENTENCES.items():
        old, new = before.get(kind), after.get(kind)
        if old and new and old != new:
            yield Circumstance(
                kind=kind,
                source=Source.RECORD,
                sentence=sentence.format(before=old, after=new),
                before=old,
                after=new,
                explains=kind not in _EXPLAINS_NOTHING,
            )


def _of_network(before: Evidence, after: Evidence, ops: Sequence[OpDiff]) -> Iterator[Circumstance]:
    """What the ops say of two DLCs that are not known to be the same."""
    effects = Counter(op.effect for op in ops)
    if effects[OpEffect.DATA_TYPE]:
        yield _data_type(ops)
    if changed := [op for op in ops if op.effect in _NETWORK_PHRASES]:
        phrases = [
            _op_phrase(phrase, [op for op in changed if op.effect is effect])
            for effect, phrase in _NETWORK_PHRASES.items()
            if effects[effect]
        ]
        yield Circumstance(kind=Kind.NETWORK, source=Source.QHAS, sentence=f"network: {', '.join(phrases)}")
    elif not effects[OpEffect.DATA_TYPE] and before.record and after.record:
        yield Circumstance(
            kind=Kind.DLC_BYTES,
            source=Source.RECORD,
            sentence="other bytes of the DLC, with the same ops and shapes",
            explains=False,
        )


_NETWORK_PHRASES = {
    OpEffect.REPLACED: "replaced",
    OpEffect.ADDED: "added",
    OpEffect.REMOVED: "removed",
    OpEffect.RESHAPED: "reshaped",
}


def _op_phrase(phrase: str, ops: Sequence[OpDiff]) -> str:
    if phrase == "replaced":
        kinds = Counter(f"{op.type_before} by {op.type_after}" for op in ops)
    else:
        kinds = Counter(op.type for op in ops)
    listed = [f"{count} {kind}" if count > 1 else kind for kind, count in kinds.most_common(_SHOWN)]
    if len(kinds) > _SHOWN:
        listed.append("more")
    return f"{', '.join(listed)} {phrase}"


def _data_type(ops: Sequence[OpDiff]) -> Circumstance:
    """The change that most ops made, said of how many of those on both sides."""
    changes = Counter(
        (op.data_type_before or "", op.data_type_after or "")
        for op in ops
        if op.effect is OpEffect.DATA_TYPE
    )
    (before, after), count = changes.most_common(1)[0]
    paired = sum(op.matched in (Matched.NAME, Matched.PLACE) for op in ops)
    return Circumstance(
        kind=Kind.DATA_TYPE,
        source=Source.QHAS,
        sentence=f"data type {before} → {after} in {count} of {paired} ops",
        before=before,
        after=after,
    )


def _observed(
    before: Evidence,
    after: Evidence,
    ops: Sequence[OpDiff],
    figures: Sequence[Figure],
    resources: Sequence[Resource],
    told: set[CircumstanceKind],
    found: set[CircumstanceKind],
) -> Iterator[Circumstance]:
    """What only the figures show: threads, memory, another compilation, another clock."""
    by_name = {figure.name: figure for figure in figures}
    other_network = bool({Kind.SOC, Kind.DATA_TYPE, Kind.NETWORK} & found)
    if Kind.HVX_THREADS not in told:
        yield from _threads(resources)
    if Kind.VTCM not in told and not other_network:
        yield from _vtcm(by_name["peak_vtcm"])
    if Kind.OPTIMIZATION_LEVEL not in told and not other_network:
        yield from _compiled(ops)
    if Kind.SOC not in found:
        yield from _clock(timing(before.file).clock, timing(after.file).clock)


def _threads(resources: Iterable[Resource]) -> Iterator[Circumstance]:
    hvx = [resource.threads for resource in resources if resource.unit == "HVX"]
    before, after = (sum(int(side or 0) for side in sides) for sides in zip(*((t.before, t.after) for t in hvx), strict=True)) if hvx else (0, 0)
    if before != after:
        yield _seen(Kind.HVX_THREADS, f"{before}", f"{after}", "HVX threads {before} → {after} in use")


def _vtcm(peak: Figure) -> Iterator[Circumstance]:
    if abs(peak.percent or 0) > 100 * _VTCM_SHARE:
        before, after = (f"{(side or 0) / (1 << 20):.1f}" for side in (peak.before, peak.after))
        yield _seen(Kind.VTCM, before, after, "peak VTCM {before} → {after} MB")


def _compiled(ops: Iterable[OpDiff]) -> Iterator[Circumstance]:
    before, after = (sum(int(side or 0) for side in sides) for sides in zip(*((op.htp_ops.before, op.htp_ops.after) for op in ops), strict=True))
    if any(op.effect is OpEffect.RECOMPILED for op in ops):
        yield _seen(Kind.COMPILED, str(before), str(after), "compiled to {before} → {after} HTP ops")


def _clock(before: float | None, after: float | None) -> Iterator[Circumstance]:
    if before and after and abs(after / before - 1) > _CLOCK_SHARE:
        yield _seen(Kind.CLOCK, f"{before:,.0f}", f"{after:,.0f}", "clock {before} → {after} MHz")


def _seen(kind: CircumstanceKind, before: str, after: str, sentence: str) -> Circumstance:
    return Circumstance(
        kind=kind,
        source=Source.QHAS,
        sentence=sentence.format(before=before, after=after),
        before=before,
        after=after,
    )
