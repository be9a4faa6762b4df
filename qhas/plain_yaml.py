"""YAML as users write it: no key twice, and limits on its size with aliases expanded.

Everything is counted on the stream of events, before anything is built: aliases expand to any size, and deep nesting
overflows the stack of libyaml's binding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, MappingStartEvent, ScalarEvent

MOST_NODES = 20_000
"""Keys and values, aliases expanded: three thousand networks with all their keys. They are validated in seconds."""
DEEPEST = 50
"""Levels of nesting: the deepest document has five."""
LONGEST_VALUE = 1 << 16
"""Characters: a path has at most 4096. Parsing a number in base 60 takes time quadratic in its length."""
MOST_DIGITS = 100
"""Digits of a number: Python prints none of over 4300, which a number in another base has from 3600 digits on."""
_NUMBER = re.compile(r"[-+]?(?:0[xob][0-9a-fA-F_]+|[0-9_:.]+)")
MOST_TAGS = 10
"""Declared tags: libyaml searches all of them for each one."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlRefused(yaml.MarkedYAMLError):
    """YAML, but not of the kind that is accepted."""

    def __init__(self, problem: str, mark: Any) -> None:
        super().__init__(problem=problem, problem_mark=mark)


def load(text: str) -> Any:
    """Return the document. Raises yaml.YAMLError, with the mark of the place if there is one."""
    if len(re.findall(r"^%TAG", text, re.MULTILINE)) > MOST_TAGS:
        raise yaml.YAMLError(f"it declares more than {MOST_TAGS} tags; none is needed")
    _check(text)
    try:
        return yaml.load(text, Loader=_LOADER)  # noqa: S506  # a safe loader, as its name says
    except (ValueError, ArithmeticError, LookupError, AttributeError, TypeError, RecursionError) as error:
        # Raised by the constructors of values: for an impossible date, `!!bool maybe`, an endless number in base 60.
        raise yaml.YAMLError(f"a value is not valid for its type ({error})") from error


@dataclass
class _Open:
    """A sequence or mapping that has not ended yet: its nodes so far, and a mapping's keys."""

    anchor: str | None
    keys: dict[str, int] | None
    nodes: int = 1
    children: int = 0

    @property
    def expects_key(self) -> bool:
        return self.keys is not None and self.children % 2 == 0


def _check(text: str) -> None:
    within, sizes, scalars = [_Open(None, None)], dict[str, int](), dict[str, str]()
    key: str | None
    mark: Any  # libyaml's binding has its own type
    for event in yaml.parse(text, Loader=_LOADER):
        mark, parent = event.start_mark, within[-1]
        if isinstance(event, CollectionStartEvent):
            if len(within) > DEEPEST:
                raise YamlRefused(f"it is nested more than {DEEPEST} levels deep; reduce the nesting", mark)
            within.append(_Open(event.anchor, {} if isinstance(event, MappingStartEvent) else None))
            continue
        if isinstance(event, ScalarEvent):
            size, key = 1, event.value
            if len(key) > LONGEST_VALUE:
                raise YamlRefused(f"a value has more than {LONGEST_VALUE} characters; shorten it", mark)
            if len(key) > MOST_DIGITS and _is_number(event):
                raise YamlRefused(f"a number has more than {MOST_DIGITS} digits; shorten it", mark)
            if event.anchor:
                sizes[event.anchor], scalars[event.anchor] = size, key
        elif isinstance(event, AliasEvent):
            if event.anchor not in sizes:
                raise YamlRefused("an alias comes before, or inside, what it refers to; write it out", mark)
            size, key = sizes[event.anchor], scalars.get(event.anchor)
        elif isinstance(event, CollectionEndEvent):
            ended = within.pop()
            parent, size, key = within[-1], ended.nodes, None
            if ended.anchor:
                sizes[ended.anchor] = size
                scalars.pop(ended.anchor, None)
        else:
            continue
        if parent.expects_key and key is not None and parent.keys is not None:
            if key in parent.keys:
                first = parent.keys[key]
                raise YamlRefused(f"this key is in line {first} already; keep one of the two", mark)
            parent.keys[key] = mark.line + 1
        parent.children += 1
        parent.nodes += size
        if parent.nodes > MOST_NODES:
            raise YamlRefused(
                f"it has more than {MOST_NODES} keys and values, with aliases expanded; split or shorten it",
                mark,
            )


def _is_number(event: ScalarEvent) -> bool:
    """Whether the scalar is a number, including one that only its tag makes a number."""
    plain = event.implicit[0] or (event.tag or "").endswith((":int", ":float"))
    return bool(plain and _NUMBER.fullmatch(event.value))
