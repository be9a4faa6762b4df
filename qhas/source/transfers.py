"""Which input or output of the network the compiler's own ops move.

A QHAS file has one op `Input` and one op `Output`, however many the network has. Their HTP ops say what they read
(`input_nodes`): an input is moved for the op of the network that reads it, so it is one that this op depends on; an
output is read from an op that it depends on. If only one tensor qualifies, it is that one; otherwise it may be any of
those named.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from qhas.network.network import Graph, Network, NetworkOp, Role
from qhas.profile.long_tables import HtpOp
from qhas.profile.op_names import lasting_name
from qhas.profile.qhas_file import QhasFile

_Names = frozenset[str]
BORDER = {"Input": Role.INPUT, "Output": Role.OUTPUT}
"""Types of the compiler's own ops that move tensors of the application."""


@dataclass(frozen=True)
class Transfer:
    """What it takes to bring a tensor in or out: moving it, and writing it in another format."""

    role: Role
    tensors: Sequence[str]
    """The tensor that is moved; several if it is one of these; empty if nothing is known about it."""
    ops: Sequence[str]
    """Ops of the network that use or make the tensor; empty unless `tensors` names exactly one."""
    dominant: int
    """Cycles of the dominant path."""


def transfers(file: QhasFile, network: Network | None) -> list[Transfer]:
    """Return all cycles spent on inputs and outputs, the most first.

    No tensors are named if the network is not known or has several graphs.
    """
    graph = network.graphs[0] if network and len(network.graphs) == 1 else None
    core = file.longest.htp
    cycles: defaultdict[tuple[Role, _Names], int] = defaultdict(int)
    for kind, role in BORDER.items():
        whole = sum(op.dominant.get(core, 0) for op in file.qnn_ops if op.type == kind)
        by_tensor = _by_tensor([op for op in file.htp_ops if op.htp == core], graph, kind) if graph else {}
        for names, part in by_tensor.items():
            cycles[role, names] += part
        cycles[role, frozenset()] += max(0, whole - sum(by_tensor.values()))
    every = [
        Transfer(role, sorted(names), _ops(graph, role, names), part)
        for (role, names), part in cycles.items()
        if part
    ]
    return sorted(every, key=lambda transfer: (-transfer.dominant, transfer.role, transfer.tensors))


def _by_tensor(htp_ops: Sequence[HtpOp], graph: Graph, kind: str) -> Mapping[_Names, int]:
    """Return the cycles of the HTP ops of inputs, or of outputs, by the tensors that each may be moving."""
    role = BORDER[kind]
    own = {op.op_id for op in htp_ops if op.qnn_op_type == kind}
    beside = _beside(htp_ops, own, role)
    all_of_role = frozenset(tensor.name for tensor in graph.tensors if tensor.role is role)
    depends = _depends(graph, role, all_of_role)
    cycles: defaultdict[_Names, int] = defaultdict(int)
    for op in htp_ops:
        if op.op_id in own:
            near = (depends[name] for name in beside[op.op_id] if name in depends)
            cycles[all_of_role.intersection(*near)] += op.num_dominant_path_cycles
    return cycles


def _beside(htp_ops: Iterable[HtpOp], own: Set[str], role: Role) -> Mapping[str, set[str]]:
    """Return the network ops next to each of these HTP ops: those that read an input, or that feed an output."""
    edges: defaultdict[str, set[str]] = defaultdict(set)
    names = {op.op_id: op.qnn_op for op in htp_ops}
    for op in htp_ops:
        for read in op.input_nodes:
            first, then = (read, op.op_id) if role is Role.INPUT else (op.op_id, read)
            edges[first].add(then)
    beside: dict[str, set[str]] = {}
    for op_id in own:
        seen, ahead = {op_id}, [op_id]
        while ahead:
            further = edges[ahead.pop()] - seen
            seen |= further
            ahead += further & own
        beside[op_id] = {lasting_name(names[each]) for each in seen - own if each in names}
    return beside


def _depends(graph: Graph, role: Role, ends: _Names) -> Mapping[str, _Names]:
    """Return the inputs that each op depends on, or the outputs that depend on it, by the op's lasting name."""
    forward = role is Role.INPUT
    of: dict[str, _Names] = {name: frozenset({name}) for name in ends}
    reachable: dict[str, _Names] = {}
    for op in graph.ops if forward else reversed(graph.ops):
        near, far = (op.inputs, op.outputs) if forward else (op.outputs, op.inputs)
        reached = frozenset[str]().union(*(of[name] for name in near if name in of))
        reachable[lasting_name(op.name)] = reachable.get(lasting_name(op.name), frozenset()) | reached
        for name in far:
            of[name] = of.get(name, frozenset()) | reached
    return reachable


def _ops(graph: Graph | None, role: Role, names: _Names) -> Sequence[str]:
    """Return the ops that use or make the tensor; none if it is not known which tensor it is."""
    if graph is None or len(names) != 1:
        return []
    return [op.name for op in graph.ops if not names.isdisjoint(_ends(op, role))]


def _ends(op: NetworkOp, role: Role) -> Sequence[str]:
    return op.inputs if role is Role.INPUT else op.outputs
