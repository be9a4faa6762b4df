"""The source as syntax trees. A process parses it once, so the tests that look at it go to one worker."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from qhas.machine.collector import rare_collections

ROOT = Path(__file__).parent.parent
on_the_source = pytest.mark.xdist_group("source")


def modules(package: str) -> list[Path]:
    """Of a package of the repository, by name."""
    return sorted((ROOT / package).rglob("*.py"))


def name_of(path: Path) -> str:
    """From the repository's root."""
    return str(path.relative_to(ROOT))


@cache
@rare_collections()
def tree(path: Path) -> ast.Module:
    """What a module says. It is not to be changed."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))
