"""The search for the part that shows what changed between two stored cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from qhas.cell.stored_dlc import prepared_dlc
from qhas.diff.model import CellDiff, Figure
from qhas.diff.runs import CellNotComparable, compare_cells, evidence_of
from qhas.failures import InvalidInput
from qhas.network.network import Graph, Tensor
from qhas.reproducer.bundle import pack
from qhas.reproducer.estimates import measuring
from qhas.reproducer.model import PartOp, Reproducer
from qhas.reproducer.parts import Part, gains
from qhas.reproducer.search import Search
from qhas.reproducer.trials import Conditions, Trials
from qhas.runs.record import CellRecord, Origin
from qhas.runs.stored import load_run
from qhas.site import Site
from qhas.site.sdk import SdkKind
from qhas.store import Store
from qhas.sweep.spec import NO_INPUTS, RANDOM_INPUTS
from qhas.units import signed_percent
from qhas.upgrade.causes import cause_of, old_values
from qhas.upgrade.sdk_names import sdk_of

CHANGE_PERCENT = 3.0
"""A smaller change is not worth reproducing."""


@dataclass(frozen=True)
class Searched:
    """The end of a search: `part` is the smallest that shows enough, or the whole; `seen` has all parts tried."""

    trials: Trials
    graph: Graph
    whole: Figure
    part: Part
    seen: Mapping[Part, float | None]


def reproduce(
    before: CellRecord, after: CellRecord, site: Site, *, folder: Path, target: Path, most_trials: int
) -> Reproducer:
    """Find the part and write its zip to `target`; trials are kept below `folder`. Raises as `searched` does."""
    end = searched(before, after, site, folder, most_trials)
    answer = _answer(end, target)
    trials = end.trials
    pack(
        answer, trials.part(end.part), ((trials.before, before), (trials.after, after)), target, trials.inputs
    )
    return answer


def searched(before: CellRecord, after: CellRecord, site: Site, folder: Path, most_trials: int) -> Searched:
    """Search for the part.

    Raises InvalidInput before anything runs if a cell has no figures, or if there is no change, or none that a single
    network could show; and StoreError.
    """
    store = Store(site.store)
    try:
        diff = compare_cells(store, before, after)
    except CellNotComparable as error:
        raise InvalidInput(f"{after.cell.key} has no change to reproduce: {error}.") from error
    graph = _graph(store, before, after)
    _require_change(diff)
    folder.mkdir(parents=True, exist_ok=True)
    estimated = all(map(_is_estimate, (before, after)))
    trials = Trials(
        dlc=prepared_dlc(store, after, folder),
        site=site.model_copy(update={"store": str((folder / "store").resolve())}),
        folder=folder,
        before=_conditions(site, before),
        after=_conditions(site, after),
        inputs=NO_INPUTS if estimated else RANDOM_INPUTS,
    )
    with measuring(trials, estimated=estimated) as measure:
        search = Search(graph, gains(graph, diff), diff.time.percent or 0.0, measure, most_trials)
        part = search.smallest() or frozenset(range(len(graph.ops)))
    return Searched(trials, graph, diff.time, part, search.seen)


def _require_change(diff: CellDiff) -> None:
    if abs(diff.time.percent or 0.0) < CHANGE_PERCENT:
        raise InvalidInput(
            f"Between the two cells the time changed by {signed_percent(diff.time.percent)}: there is nothing to reproduce below "
            f"{CHANGE_PERCENT:g} %."
        )


def _graph(store: Store, before: CellRecord, after: CellRecord) -> Graph:
    """The only graph of both networks. Raises InvalidInput."""
    networks = [evidence_of(store, record).network for record in (before, after)]
    old, new = networks
    if old is None or new is None:
        raise InvalidInput(
            "The network of a cell is not stored, or is in an unknown format; run the cell again."
        )
    if len(new.graphs) != 1:
        raise InvalidInput(
            f"The DLC holds {len(new.graphs)} graphs; a reproducer can only be made from a DLC with one."
        )
    if [(op.type, op.attributes) for op in old.graphs[0].ops] != [
        (op.type, op.attributes) for op in new.graphs[0].ops
    ]:
        raise InvalidInput(
            "The two cells have different networks, so no part of one can show the change; qhas compare shows what differs."
        )
    return new.graphs[0]


def _conditions(site: Site, record: CellRecord) -> Conditions:
    cell = record.cell
    return Conditions(cell.soc, sdk_of(site, record), cell.prepare, cell.run)


def _is_estimate(record: CellRecord) -> bool:
    """Whether the host SDK estimated the cell, so that executing it shows nothing more."""
    return record.origin is Origin.SIMULATOR and record.sdk.kind is SdkKind.HOST


def _answer(end: Searched, target: Path) -> Reproducer:
    """Describe the part by what runs of it show, regardless of what the search saw."""
    trials = replace(end.trials, runs=[])
    trials.measure([end.part])
    store = Store(trials.site.store)
    (before,), (after,) = (load_run(store, run_id)[1] for run_id in trials.runs)
    diff = compare_cells(store, before, after)
    _, why = cause_of(diff, old_values(before, after))
    graph = end.graph
    ops = [
        PartOp(type=op.type, results=[_shown(graph.by_name[name]) for name in op.outputs])
        for op in (graph.ops[number] for number in sorted(end.part))
    ]
    return Reproducer(
        ops=ops,
        of_ops=len(graph.ops),
        whole=end.whole,
        part=diff.time,
        why=diff.cause.sentence if diff.cause else why,
        trials=len(end.seen),
        file=str(target),
    )


def _shown(tensor: Tensor) -> str:
    return f"{tensor.dtype} {'x'.join(map(str, tensor.shape))}"
