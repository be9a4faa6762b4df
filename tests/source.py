"""The source as syntax trees. Each process parses it once, so the tests that read it run in one worker."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from qhas.machine.collector import rare_collections

ROOT = Path(__file__).parent.parent
on_the_source = pytest.mark.xdist_group("source")


def modules(package: str) -> list[Path]:
    """Return the modules of a package of the repository, given its name."""
    return sorted((ROOT / package).rglob("*.py"))


def name_of(path: Path) -> str:
    """Return the path relative to the repository's root."""
    return str(path.relative_to(ROOT))


@cache
@rare_collections()
def tree(path: Path) -> ast.Module:
    """Parse a module. The tree is shared and must not be modified."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))
