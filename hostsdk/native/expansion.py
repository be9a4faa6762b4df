"""How large a network is once its functions are written out, as the runtime does it: ten that call ten others ten times each are 10^10 nodes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hostsdk.errors import ErrorCode, ToolError

MOST_NODES = 1_000_000
"""Exporters write some hundred thousand of the largest language models."""


def require_bounded(model: Any) -> None:
    """Raise `ToolError` for a network of more nodes than `MOST_NODES`. One whose functions call themselves is left to the runtime."""
    functions = {(each.domain, each.name): each.node for each in model.functions}
    sizes: dict[tuple[str, str], int] = dict.fromkeys(functions, 0)
    for (
        _
    ) in functions:  # each round settles those that call settled ones alone; the deepest chain has them all
        settled = {name: _size(nodes, sizes) for name, nodes in functions.items()}
        if settled == sizes:
            break
        sizes = settled
        if max(sizes.values()) > MOST_NODES:
            break
    if _size(model.graph.node, sizes) > MOST_NODES:
        raise ToolError(
            ErrorCode.MODEL_LOAD,
            f"its functions, written out, are over {MOST_NODES:,} nodes: export the network without functions that call each other so often.",
            "Converter",
        )


def _size(nodes: Iterable[Any], sizes: dict[tuple[str, str], int]) -> int:
    size, waiting = 0, [nodes]
    while waiting:
        for node in waiting.pop():
            size += max(1, sizes.get((node.domain, node.op_type), 0))
            for attribute in node.attribute:
                waiting += [attribute.g.node, *(graph.node for graph in attribute.graphs)]
    return min(size, MOST_NODES + 1)
