"""Estimate both sides of a change with the site's SDK, and compare them cell by cell."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from qhas.diff.compare import THRESHOLD_PERCENT
from qhas.diff.model import CellDiff, CircumstanceKind, Outcome
from qhas.diff.runs import CellNotComparable, compare_cells
from qhas.direct import run_direct
from qhas.estimate.conversion import to_dlcs
from qhas.failures import InvalidInput
from qhas.gate import language
from qhas.gate.faults import fault_of
from qhas.gate.model import GateLine, GateResult, GateState
from qhas.gate.sides import Side, is_onnx, unchanged
from qhas.profile.figures import COSINE, DRAM, PEAK_VTCM, SQNR, TIME, Figure
from qhas.runs.record import CellRecord
from qhas.runs.stored import load_run, new_run_id
from qhas.site import Site
from qhas.site.sdk import Sdk
from qhas.store import Store
from qhas.sweep.budget import NetworkBudget
from qhas.sweep.language import CONTEXT
from qhas.sweep.spec import ModelRef, PrepareOptions, SweepSpec

ACCURACY_THRESHOLD_DB = 3.0
"""Smallest fall in SQNR that makes a network less accurate: twice the noise."""
_CONVERTED = "converted"
_NAMED = 12
"""Maximum number of networks that a refusal names."""
_BESIDE_TIME: Mapping[str, Figure] = {
    "dram_{}": DRAM,
    "vtcm_{}": PEAK_VTCM,
    "sqnr_{}_db": SQNR,
    "cosine_{}": COSINE,
}
"""What is compared besides the time, keyed by the pattern of its two fields in a line."""
_ENVIRONMENT = {CircumstanceKind.SDK, CircumstanceKind.DEVICE, CircumstanceKind.BUILD}
_RANK = {state: rank for rank, state in enumerate(GateState)}


@dataclass(frozen=True)
class GateSpec:
    """The SoCs and options to compile for, and what counts as a change."""

    socs: Sequence[str]
    prepare: PrepareOptions = field(default_factory=PrepareOptions)
    budgets: Mapping[str, NetworkBudget] = field(default_factory=dict)
    threshold_percent: float = THRESHOLD_PERCENT
    accuracy: bool = True
    """Whether outputs are compared with ONNX Runtime's."""
    context: int = CONTEXT
    """Tokens in the whole context, for language models."""


@dataclass(frozen=True)
class _Estimated:
    """A side's cells by network, SoC and graph, and the networks that were not converted, with the reason.

    The graph is "" for a DLC with one graph and for a failed cell.
    """

    cells: Mapping[tuple[str, str], Mapping[str, CellRecord]]
    refused: Mapping[str, str]


def judge(base: Side, head: Side, spec: GateSpec, site: Site, sdk: Sdk, folder: Path) -> GateResult:
    """Estimate and compare both sides. `site.store` keeps what was compiled, `folder` what was converted.

    Only those networks of the base that differ are run. Raises InvalidInput, StoreError, and KeyboardInterrupt when
    stopped.
    """
    require_networks_of(spec.budgets, base, head)
    same = unchanged(base, head)
    faults = {name: fault for name in same if (fault := fault_of(head.networks[name]))}
    changed = {
        name: path for name, path in base.networks.items() if name in head.networks and name not in same
    }
    to_estimate = {
        name: path for name, path in head.networks.items() if name not in same or name in spec.budgets
    }
    references = _references(base, head) if spec.accuracy else {}
    runner = _Runner(references, spec, site, sdk, folder)
    before, after = runner.estimated("base", changed), runner.estimated("head", to_estimate)
    store = Store(site.store)

    def lines_of(name: str, soc: str) -> Iterator[GateLine]:
        if name not in head.networks:
            yield _removed(name, soc)
            return
        old, new = (side.cells.get((name, soc), {}) for side in (before, after))
        gone = old.keys() - new.keys() if new and all(cell.good for cell in new.values()) else ()
        yield from (_removed(_label(name, graph), soc) for graph in gone if old[graph].good)
        for graph in new or ("",):
            cells = (old.get(graph), new.get(graph))
            label, sides = _label(name, graph), (before, after)
            if name in faults and name not in spec.budgets:
                yield _line_of_no_network(name, soc, faults[name])
                continue
            yield _line(store, label, soc, cells, sides, name in same, spec.threshold_percent)

    names = sorted({*base.networks, *head.networks})
    lines = [line for name in names for soc in spec.socs for line in lines_of(name, soc)]
    origins = {
        cell.origin for side in (before, after) for graphs in side.cells.values() for cell in graphs.values()
    }
    return GateResult(
        base=base.label,
        head=head.label,
        origin=" and ".join(sorted(origins)),
        compiler=sdk.version,
        threshold_percent=spec.threshold_percent,
        lines=sorted(lines, key=_severity),
    )


def _references(base: Side, head: Side) -> dict[str, Path]:
    """Return, by network, the ONNX that both sides' outputs are compared with: the base's if it has one."""
    return {name: path for side in (head, base) for name, path in side.networks.items() if is_onnx(path)}


@dataclass(frozen=True)
class _Runner:
    """The means of running the networks of either side."""

    references: Mapping[str, Path]
    spec: GateSpec
    site: Site
    sdk: Sdk
    folder: Path

    def estimated(self, word: str, networks: Mapping[str, Path]) -> _Estimated:
        """Run a side's networks and return their cells; `word` is part of the run's name."""
        networks, configs, refused = language.split(networks)
        converted = asyncio.run(to_dlcs(networks, self.sdk, self.folder / _CONVERTED))
        dlcs = {name: result.dlc for name, result in converted.items() if result.dlc}
        refused |= {name: result.refusal for name, result in converted.items() if result.dlc is None}
        models = [
            ModelRef(name=network, dlc=str(path), reference=str(self.references.get(network, "")))
            for network, path in dlcs.items()
        ]
        models += [language.model_of(name, path, self.spec.context) for name, path in configs.items()]
        return _Estimated(self._cells(f"gate-{word}", models) if models else {}, refused)

    def _cells(self, name: str, models: list[ModelRef]) -> dict[tuple[str, str], dict[str, CellRecord]]:
        names = {model.name for model in models}
        sweep = SweepSpec(
            name=name,
            models=models,
            socs=list(self.spec.socs),
            prepare=self.spec.prepare,
            budgets={network: budget for network, budget in self.spec.budgets.items() if network in names},
        )
        run_id = new_run_id(name)
        run_direct(sweep, self.site, run_id, {None: self.sdk})
        _, cells = load_run(Store(self.site.store), run_id)
        return {
            (cell.cell.model.name, cell.cell.soc): {
                each.cell.variant.removeprefix(cell.cell.variant).removeprefix("/"): each
                for each in cell.by_graph()
            }
            for cell in cells
        }


def require_networks_of(budgets: Iterable[str], base: Side, head: Side) -> None:
    """Raise InvalidInput if there is a budget for a network that neither side has."""
    known = {*head.networks, *base.networks}
    for name in sorted(set(budgets) - known):
        near = get_close_matches(name, sorted(known), n=1, cutoff=0.5)
        raise InvalidInput(
            f"There are budgets for {name}, but no network of that name; the networks are {', '.join(sorted(known)[:_NAMED])}"
            f"{f' and {len(known) - _NAMED} more' if len(known) > _NAMED else ''}{f'; perhaps {near[0]} was meant' if near else ''}."
        )


def _line_of_no_network(name: str, soc: str, fault: str) -> GateLine:
    sentence = f"The same bytes on both sides, but not a network: {fault}."
    return GateLine(network=name, soc=soc, state=GateState.STILL_FAILS, sentence=sentence)


def _label(name: str, graph: str) -> str:
    return f"{name}/{graph}" if graph else name


def _removed(name: str, soc: str) -> GateLine:
    return GateLine(network=name, soc=soc, state=GateState.REMOVED, sentence="It is not in the head.")


def _severity(line: GateLine) -> tuple[int, float, str]:
    return _RANK[line.state], -abs(line.change_percent or 0), line.label


def _line(
    store: Store,
    name: str,
    soc: str,
    cells: tuple[CellRecord | None, CellRecord | None],
    sides: tuple[_Estimated, _Estimated],
    same: bool,
    threshold: float,
) -> GateLine:
    (before, after), (base, head) = cells, sides
    if same and after is None and name not in head.refused:
        return GateLine(
            network=name, soc=soc, state=GateState.UNCHANGED, sentence="The same bytes on both sides."
        )
    if after is None or not after.good:
        worked = same or (before is not None and before.good)
        in_base = name in base.refused or before is not None or same
        state = GateState.FAILED if worked or not in_base else GateState.STILL_FAILS
        return GateLine(network=name, soc=soc, state=state, sentence=_why(name, after, head))
    line = _running(store, name, soc, before, after, same, threshold)
    if broken := after.over_budget:
        return line.model_copy(update={"state": GateState.OVER_BUDGET, "sentence": broken[0].sentence})
    return line


def _why(name: str, cell: CellRecord | None, side: _Estimated) -> str:
    if name in side.refused:
        return f"It was not converted: {side.refused[name]}."
    failure = cell.failure if cell else None
    return f"{failure.message} {failure.hint}".strip() if failure else "It was not run."


def _running(
    store: Store,
    name: str,
    soc: str,
    before: CellRecord | None,
    after: CellRecord,
    same: bool,
    threshold: float,
) -> GateLine:
    facts: dict[str, Any] = {"network": name, "soc": soc, "time_after_us": TIME.read(after)}
    for key, figure in _BESIDE_TIME.items():
        facts[key.format("before")] = figure.read(before) if before else None
        facts[key.format("after")] = figure.read(after)
    facts |= language.facts(before, after)
    if same:
        return GateLine(**facts, state=GateState.UNCHANGED, sentence="The same bytes on both sides.")
    if before is None or not before.good:
        return GateLine(**facts, state=GateState.NEW, sentence="It runs now, but did not before.")
    try:
        diff = compare_cells(store, before, after, threshold_percent=threshold)
    except CellNotComparable as error:
        return GateLine(**facts, state=GateState.FAILED, sentence=f"It cannot be compared: {error}.")
    facts |= {
        "time_before_us": diff.time.before,
        "time_after_us": diff.time.after,
        "change_percent": diff.time.percent,
    }
    if by_rate := language.judged(before, after, diff, threshold):
        facts["change_percent"] = by_rate.percent
        state = _state(diff, by_rate.outcome)
        return GateLine(**facts, state=state, sentence=by_rate.sentence, diff=diff)
    state = _state(diff, diff.verdict)
    return _with_accuracy(GateLine(**facts, state=state, sentence=diff.sentence, diff=diff))


def _with_accuracy(line: GateLine) -> GateLine:
    """Mark a line as less accurate if nothing else changed; the comparison shows the loss of accuracy in any case."""
    before, after = line.sqnr_before_db, line.sqnr_after_db
    if line.state is not GateState.SAME or before is None or after is None:
        return line
    if before - after < ACCURACY_THRESHOLD_DB:
        return line
    sentence = (
        f"Its outputs are further from the base's in floats: SQNR {SQNR.text(before)} → {SQNR.text(after)}."
    )
    return line.model_copy(update={"state": GateState.LESS_ACCURATE, "sentence": sentence})


def _state(diff: CellDiff, outcome: Outcome) -> GateState:
    if outcome is Outcome.WORSE:
        environment = any(circumstance.kind in _ENVIRONMENT for circumstance in diff.circumstances)
        return GateState.ENVIRONMENT if environment else GateState.WORSE
    return GateState.BETTER if outcome is Outcome.BETTER else GateState.SAME
