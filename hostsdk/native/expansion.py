"""Check how large a network becomes once its functions are inlined, as the runtime does.

A chain of ten functions that each call the next one ten times becomes 10^10 nodes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hostsdk.errors import ErrorCode, ToolError

MOST_NODES = 1_000_000
"""The largest language models are exported with some hundred thousand nodes."""


def require_bounded(model: Any) -> None:
    """Raise `ToolError` for more than `MOST_NODES` nodes. Recursive functions are left to the runtime."""
    functions = {(each.domain, each.name): each.node for each in model.functions}
    sizes: dict[tuple[str, str], int] = dict.fromkeys(functions, 0)
    for _ in functions:  # a round settles those that call only settled ones: no chain needs more
        settled = {name: _size(nodes, sizes) for name, nodes in functions.items()}
        if settled == sizes:
            break
        sizes = settled
        if max(sizes.values()) > MOST_NODES:
            break
    if _size(model.graph.node, sizes) > MOST_NODES:
        raise ToolError(
            ErrorCode.MODEL_LOAD,
            f"its functions expand to over {MOST_NODES:,} nodes: export the network without functions that call each other so often.",
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
