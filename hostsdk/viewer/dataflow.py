"""The data flow between ops that ran: which of them feed which."""

from __future__ import annotations

from collections.abc import Mapping

from hostsdk.viewer.schematic import HtpOp


def executed_inputs(ops: Mapping[int, HtpOp], executed: frozenset[int]) -> dict[int, tuple[int, ...]]:
    """Return, for every executed op, the executed ops that feed it, in the order of its inputs.

    Many ops of the compiled graph never run (concatenation in place, slices by address): what feeds one of those feeds
    its consumers. Constants are left out.
    """
    resolved: dict[int, tuple[int, ...]] = {}
    for op_id in ops:
        _resolve(op_id, ops, executed, resolved)
    return {op_id: inputs for op_id, inputs in resolved.items() if op_id in executed}


def _resolve(
    target: int, ops: Mapping[int, HtpOp], executed: frozenset[int], resolved: dict[int, tuple[int, ...]]
) -> None:
    """Fill `resolved` for `target` and all ops before it, using a stack: chains exceed the recursion limit."""
    stack = [target]
    opened: set[int] = set()
    while stack:
        op_id = stack[-1]
        if op_id in resolved:
            stack.pop()
            continue
        sources = [source for source, _ in ops[op_id].inputs] if op_id in ops else []
        pending = [
            source
            for source in sources
            if source not in executed and source not in resolved and source not in opened
        ]
        if pending and op_id not in opened:
            opened.add(op_id)
            stack += pending
            continue
        origins: dict[int, None] = {}
        for source in sources:
            origins.update(dict.fromkeys((source,) if source in executed else resolved.get(source, ())))
        resolved[op_id] = tuple(origins)
        stack.pop()
