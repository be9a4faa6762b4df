"""How ops are called in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import takewhile

from qhas.profile.op_names import lasting_name


def titled(kind: str, name: str) -> str:
    """Type and name of one op; only the name where that says the type."""
    lasting = lasting_name(name)
    return lasting if lasting.startswith(kind) else f"{kind} {lasting}"


def within(modules: Iterable[str | None]) -> str:
    """Where ops of these modules are, as in ` in block4.attn`: the innermost module that holds all; empty where none does."""
    paths = [(module or "").split(".") for module in modules]
    shared = takewhile(lambda steps: len(set(steps)) == 1, zip(*paths, strict=False))
    path = ".".join(steps[0] for steps in shared)
    return f" in {path}" if path else ""


def several(count: int, kind: str) -> str:
    """As in `3 Conv2d`; of what begins with a number or is more than one, `3 times 2 Conv2d + Add`."""
    if count == 1:
        return kind
    return f"{count} times {kind}" if kind[:1].isdigit() or " + " in kind else f"{count} {kind}"


def counted(types: Sequence[str]) -> str:
    """As in `2 Conv2d + Add`."""
    if len(types) == 1:
        return types[0]
    return " + ".join(f"{count} {kind}" if count > 1 else kind for kind, count in Counter(types).items())
