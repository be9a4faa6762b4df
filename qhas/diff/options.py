"""Prepare options of two sides: as they took effect if both sides state that, otherwise as requested.

Requests alone hide what ran: a default that changed between two SDKs appears in no request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qhas.cell.effective import stated
from qhas.diff.model import Circumstance, CircumstanceKind, Source
from qhas.profile.qhas_file import QhasFile
from qhas.runs.record import CellRecord

Kind = CircumstanceKind
Values = Mapping[CircumstanceKind, Any]
_DEFAULT = "the SDK's default"


@dataclass(frozen=True)
class _Option:
    """An option: its words, its keys among requested and effective options, and how a value is shown."""

    words: str
    asked: str
    effective: str
    text: Callable[[Any], str] = str


def _mebibytes(value: float) -> str:
    return f"{value:g} MiB" if value else "all of the SoC's"


_OPTIONS: Mapping[CircumstanceKind, _Option] = {
    Kind.VTCM: _Option("VTCM", "vtcm_mb", "vtcm_mib", _mebibytes),
    Kind.HVX_THREADS: _Option("HVX threads", "hvx_threads", "hvx_threads"),
    Kind.OPTIMIZATION_LEVEL: _Option("optimisation level", "optimization_level", "optimization_level"),
    Kind.DLBC: _Option("DLBC", "dlbc", "dlbc", lambda on: "on" if on else "off"),
}


@dataclass(frozen=True)
class Options:
    """What one side requested and what took effect, by kind; None if not requested or not stated."""

    asked: Values
    effective: Values


def options_of(record: CellRecord) -> Options:
    """Read the options from a record; older ones state only what was requested."""
    effective = record.effective.model_dump() if record.effective else {}
    return _options(record.cell.prepare.model_dump(), effective)


def options_of_file(file: QhasFile) -> Options:
    """Read the options from a file, which states them if it was simulated."""
    statement = file.provenance.get("prepare")
    requested: Mapping[str, Any] = statement if isinstance(statement, dict) else {}
    effective = {option.effective: requested.get(option.asked) for option in _OPTIONS.values()}
    return _options(requested, effective | stated(file))


def _options(asked: Mapping[str, Any], effective: Mapping[str, Any]) -> Options:
    return Options(
        {kind: asked.get(option.asked) for kind, option in _OPTIONS.items()},
        {kind: effective.get(option.effective) for kind, option in _OPTIONS.items()},
    )


def option_changes(before: Options, after: Options, *, one_soc: bool) -> Iterator[Circumstance]:
    """Yield options that differ. Between two SoCs, a difference despite equal requests follows from the SoC."""
    for kind, option in _OPTIONS.items():
        asked = (before.asked[kind], after.asked[kind])
        values = (before.effective[kind], after.effective[kind])
        if None in values:
            values, default = asked, ""
        else:
            default = f" ({_DEFAULT})" if asked == (None, None) else ""
        if values[0] == values[1] or (not one_soc and asked[0] == asked[1]):
            continue
        old, new = (_DEFAULT if value is None else option.text(value) for value in values)
        shared = " MiB" if old.endswith(" MiB") and new.endswith(" MiB") else ""
        yield Circumstance(
            kind=kind,
            source=Source.RECORD,
            sentence=f"{option.words} {old.removesuffix(shared)} → {new}{default}",
            before=old,
            after=new,
        )


def stated_options(before: Options, after: Options, *, one_sdk: bool) -> set[CircumstanceKind]:
    """Return the kinds whose value both sides state; with one SDK, also those that both leave to it."""
    return {
        kind
        for kind in _OPTIONS
        if None not in (before.effective[kind], after.effective[kind])
        or None not in (before.asked[kind], after.asked[kind])
        or (one_sdk and before.asked[kind] == after.asked[kind])
    }
