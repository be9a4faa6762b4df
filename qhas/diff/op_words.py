"""How sentences refer to ops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import takewhile

from qhas.profile.op_names import lasting_name


def titled(kind: str, name: str) -> str:
    """Return the type and name of one op, or only the name if it begins with the type."""
    lasting = lasting_name(name)
    return lasting if lasting.startswith(kind) else f"{kind} {lasting}"


def within(modules: Iterable[str | None]) -> str:
    """Name the innermost module that holds all of these, as in ` in block4.attn`; empty if there is none."""
    paths = [(module or "").split(".") for module in modules]
    shared = takewhile(lambda steps: len(set(steps)) == 1, zip(*paths, strict=False))
    path = ".".join(steps[0] for steps in shared)
    return f" in {path}" if path else ""


def several(count: int, kind: str) -> str:
    """Return count and kind, as in `3 Conv2d`, or `3 times 2 Conv2d + Add` if the kind is itself counted."""
    if count == 1:
        return kind
    return f"{count} times {kind}" if kind[:1].isdigit() or " + " in kind else f"{count} {kind}"


def counted(types: Sequence[str]) -> str:
    """Return the types with their counts, as in `2 Conv2d + Add`."""
    if len(types) == 1:
        return types[0]
    return " + ".join(f"{count} {kind}" if count > 1 else kind for kind, count in Counter(types).items())
