"""The drawing of the library's exceptions matches the source."""

from __future__ import annotations

import ast
import re

import pytest

import qhas.failures
from qhas.failures import InvalidInput, QhasError
from qhas.runs.stored import RunNotEnded
from qhas.store import StoreError
from tests.source import modules, on_the_source, tree


def drawn() -> dict[str, str]:
    """The parent of each exception, as drawn by the docstring's indentation."""
    parents, path = {}, ["Exception"]
    for indent, name in re.findall(
        r"^    ( *)([A-Z]\w+)(?: {2}.*)?$", str(qhas.failures.__doc__), re.MULTILINE
    ):
        depth = len(indent) // 4
        path[depth + 1 :] = [name]
        parents[name] = path[depth]
    return parents


def defined() -> dict[str, str]:
    """The parent of each public exception in the source."""
    parents = {
        node.name: ast.unparse(node.bases[0])
        for path in modules("qhas")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and node.bases and not node.name.startswith("_")
    }

    def is_exception(name: str) -> bool:
        return name == "Exception" or is_exception(parents.get(name, "")) if name else False

    return {name: parent for name, parent in parents.items() if is_exception(parent)}


@on_the_source
def test_the_drawing_is_the_tree() -> None:
    assert drawn() == defined()


@pytest.mark.parametrize(("error", "code"), [(InvalidInput, 2), (StoreError, 2), (RunNotEnded, 1)])
def test_what_ends_a_command_says_its_exit_code(error: type[QhasError], code: int) -> None:
    assert error.exit_code == code
