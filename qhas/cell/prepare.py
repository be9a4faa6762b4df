"""Graph-prepare: from the un-cached DLC to a DLC with a cache record and its schematic, made once per content key.

Each run is for one SoC and always starts from the un-cached DLC: the tool skips an SoC that already has a matching
record.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from qhas.cell.artifacts import NETWORK, PREPARED_DLC, SCHEMATIC, SOURCES
from qhas.cell.dlc import prepared_graphs
from qhas.cell.effective import context_bytes, of_cache
from qhas.cell.graphs import GraphWork, folders, paired
from qhas.cell.language import graph_names
from qhas.cell.prepared import OP_TRACE, prepared_key
from qhas.cell.turn import turn
from qhas.cell.work import CellWork, StepAttempt
from qhas.failures import FailureKind, Step, StepFailed
from qhas.machine.digest import file_digest
from qhas.machine.packing import write_renamed
from qhas.network.dlc import read_network
from qhas.network.network import Network
from qhas.network.onnx_file import OnnxGraph
from qhas.runs.record import PreparedFacts
from qhas.source.mapping import map_sources
from qhas.source.op_trace import read_op_trace
from qhas.truth.traits import traits_of


@dataclass(frozen=True)
class Prepared:
    """A DLC that runs on one SoC, and the schematic that decodes its log. Both come from the same prepare.

    For a DLC with several graphs, `graphs` has all of them with their schematics; `schematic` is the first one's.
    """

    dlc: Path
    schematic: Path
    graphs: tuple[GraphWork, ...] = ()


async def prepare_graph(work: CellWork) -> Prepared:
    """Return the cell's prepared graph, from the store if it is known, else by graph-prepare. Raises StepFailed."""
    async with work.attempt(Step.PREPARE) as attempt:
        source, origin = await source_of(work)
        key = prepared_key(work.cell, work.sdk, origin)
        async with turn(work, key, attempt.folder, "preparing the same graph") as (kept, stored):
            names = stored or await _prepare(attempt, source)
            if not stored:
                await asyncio.to_thread(kept.publish, key, attempt.folder, names)
        return await asyncio.to_thread(_describe, attempt, source, key, names, reused=stored is not None)


def _describe(attempt: StepAttempt, source: Path, key: str, names: list[str], *, reused: bool) -> Prepared:
    """Record the facts about the cell's network and its prepared graph, whose files are in the step's folder."""
    work, folder = attempt.work, attempt.folder
    schematics = [folder / name for name in names if name != PREPARED_DLC]
    prepared = _with_graphs(folder / PREPARED_DLC, schematics, graph_names(work.cell))
    work.graphs = list(prepared.graphs)
    network = _describe_network(source, folder / NETWORK)
    work.traits = traits_of(network) if network else None
    if network and work.graph:
        _describe_sources(work.graph, network, source, folder / SOURCES)
    work.effective = of_cache(prepared.dlc, work.cell.prepare)
    work.prepared = PreparedFacts(
        key=key,
        sha256=file_digest(prepared.dlc),
        schematic_sha256=file_digest(prepared.schematic),
        graph=prepared_key(work.cell, work.sdk, network.digest) if network else None,
        reused=reused,
        context_bytes=context_bytes(prepared.dlc),
        compile_seconds=None if reused else attempt.tool_seconds,
    )
    return prepared


async def source_of(work: CellWork) -> tuple[Path, str]:
    """Return the un-cached DLC and the digest that identifies it: its own, or that of its origin and making."""
    if work.network:
        return work.network.path, work.network.key
    source, work.model = await work.lab.model(work.cell.model)
    return source.path, source.sha256


def _graph_names(dlc: Path) -> list[str]:
    """Return the graphs of a prepared DLC; none if it does not state them, and it is then assumed to hold one."""
    try:
        return [graph.name for graph in prepared_graphs(dlc)]
    except ValueError:
        return []


def _with_graphs(dlc: Path, schematics: list[Path], better: tuple[str, ...]) -> Prepared:
    """Move several schematics to their graphs' folders; they match the DLC's graphs in number and order.

    `better` are more telling names for the graphs.
    """
    if len(schematics) == 1:
        return Prepared(dlc, schematics[0])
    names = better or _graph_names(dlc)
    graphs = []
    for name, folder, schematic in zip(names, folders(names), schematics, strict=True):
        place = dlc.with_name(folder) / schematic.name
        place.parent.mkdir()
        graphs.append(GraphWork(name, folder, schematic.rename(place)))
    return Prepared(dlc, graphs[0].schematic, tuple(graphs))


def _schematics_of(attempt: StepAttempt, graphs: list[str]) -> list[str]:
    """Return the schematics' names in the order of the graphs. Raises StepFailed unless each graph has its own."""
    written = {path.name: path for path in sorted(attempt.folder.glob(SCHEMATIC))}
    tags = {name.removesuffix(SCHEMATIC.removeprefix("*")): path for name, path in written.items()}
    schematics = paired(graphs, tags)
    if schematics is None:
        missing = len(written) < len(graphs)
        raise StepFailed(
            FailureKind.SCHEMATIC_MISSING if missing else FailureKind.SCHEMATIC_AMBIGUOUS,
            Step.PREPARE,
            f"The DLC has {len(graphs)} graphs ({', '.join(graphs)}), and graph-prepare wrote {len(written)} schematics that "
            f"cannot be matched to the graphs: {', '.join(written)}.",
        )
    if empty := [path.name for path in schematics if not path.stat().st_size]:
        raise StepFailed(FailureKind.SCHEMATIC_MISSING, Step.PREPARE, f"{empty[0]} is empty.")
    return [path.name for path in schematics]


def _describe_network(dlc: Path, target: Path) -> Network | None:
    """Describe the network; a DLC of unknown form runs all the same, but comparisons know less about it."""
    with suppress(ValueError):
        network = read_network(dlc)
        write_renamed(target, network.model_dump_json(exclude_defaults=True).encode())
        return network
    return None


def _describe_sources(graph: OnnxGraph, network: Network, dlc: Path, target: Path) -> None:
    """Map a DLC made from an ONNX to its sources, by names and tensors alone if the op trace cannot be read."""
    trace = None
    with suppress(ValueError, OSError):
        trace = read_op_trace(dlc.with_name(OP_TRACE))
    sources = map_sources(graph, network, trace)
    write_renamed(target, sources.model_dump_json(exclude_defaults=True).encode())


async def _prepare(attempt: StepAttempt, source: Path) -> list[str]:
    cell, sdk = attempt.work.cell, attempt.work.sdk
    target = attempt.folder / PREPARED_DLC
    await attempt.run_host_tool(
        sdk.prepare_argv(dlc=source, output=target, soc=cell.soc, options=cell.prepare)
    )
    attempt.require_room()  # other cells will use what is stored here
    if not target.is_file() or not target.stat().st_size:
        raise StepFailed(
            FailureKind.PREPARED_DLC_MISSING,
            Step.PREPARE,
            f"Graph-prepare succeeded but wrote no {target.name}.",
        )
    schematic = attempt.collect()["schematic"]
    if len(graphs := await asyncio.to_thread(_graph_names, target)) > 1:
        return [PREPARED_DLC, *_schematics_of(attempt, graphs)]
    if others := sorted(path.name for path in attempt.folder.glob(SCHEMATIC) if path != schematic):
        raise StepFailed(
            FailureKind.SCHEMATIC_AMBIGUOUS,
            Step.PREPARE,
            f"Graph-prepare wrote {len(others) + 1} schematics: {', '.join([schematic.name, *others])}.",
        )
    if not schematic.stat().st_size:
        raise StepFailed(FailureKind.SCHEMATIC_MISSING, Step.PREPARE, f"{schematic.name} is empty.")
    return [PREPARED_DLC, schematic.name]
