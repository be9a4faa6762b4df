"""The graphs of a DLC that holds several: each has its own schematic, log, QHAS and figures.

Tools name these files after the graph, or number them in the order of the graphs. Each graph's files are kept in its
own folder within every step's directory, and hence in the store.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import TypeVar

from qhas.cell.artifacts import UNFINISHED
from qhas.naming import safe_name
from qhas.profile.language import Language
from qhas.profile.metrics import Latency, Metrics
from qhas.profile.runtrace import Runtrace

T = TypeVar("T")
_ROOM = 90
"""Characters of a graph's name that follow a number in its folder's name."""
_NUMBER = re.compile(r"(?:.*_)?(\d+)")
_OURS = re.compile(
    rf"inputs|output|profilelogs|{UNFINISHED}|result_.*|.*\.(?:bin|csv|dlc|gz|html|json|log|partial|raw|txt)",
    re.IGNORECASE,
)
"""Names of files and folders that occur beside graphs' folders, in a step's directory or in a cell of the store."""


@dataclass
class GraphWork:
    """A graph at work: its name in the DLC, the folder of its files, and what is known about it so far."""

    name: str
    folder: str
    schematic: Path
    latency: Latency | None = None
    metrics: Metrics | None = None
    runtrace: Runtrace | None = None
    language: Language | None = None
    remarks: list[str] = field(default_factory=list)


def folders(names: Sequence[str]) -> list[str]:
    """Return a folder name for each graph, distinct even if case is ignored, and unlike any file name beside it."""
    distinct: dict[str, str] = {}
    for name in names:
        plain = safe_name(name)
        numbered = (f"{number}-{plain[-_ROOM:]}" for number in count(1))
        own = [] if _OURS.fullmatch(plain) else [plain]
        folder = next(each for each in chain(own, numbered) if each.lower() not in distinct)
        distinct[folder.lower()] = folder
    return list(distinct.values())


def paired(names: Sequence[str], files: Mapping[str, T]) -> list[T] | None:
    """Return a file for each graph, in the order of the graphs; None if it is unclear which belongs to which.

    `files` are keyed by the part of their names that is not common to all such files: the graph's name, or a number.
    """
    if len(files) != len(names):
        return None
    if set(files) == set(names):
        return [files[name] for name in names]
    numbers = {int(match[1]): file for tag, file in files.items() if (match := _NUMBER.fullmatch(tag))}
    return [numbers[number] for number in sorted(numbers)] if len(numbers) == len(names) else None
