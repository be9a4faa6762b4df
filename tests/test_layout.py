"""The structure of the source: which package may import which, what modules are called, how large they grow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

import pytest

from tests.source import ROOT, modules, name_of, on_the_source, tree

pytestmark = on_the_source
PACKAGES = ("flows", "tasks", "qhas", "hostsdk", "infra", "fakes", "bench")
MAY_IMPORT = {
    "flows": {"flows", "tasks", "qhas", "prefect"},
    "tasks": {"tasks", "qhas", "prefect"},
    "qhas": {"qhas"},
    "hostsdk": {"hostsdk"},
    "infra": {"infra", "qhas", "prefect"},
    "fakes": {"fakes", "qhas", "hostsdk"},
    "bench": {"bench", "flows", "tasks", "qhas", "hostsdk", "infra", "fakes", "prefect"},
}
"""Which of the packages above, and whether Prefect, each package may import."""
FLOORS = (
    *(
        "naming",
        "socs",
        "units",
        "outside_text",
        "outside_bytes",
        "markdown",
        "plain_yaml",
        "prefect_settings",
        "prefect_profile",
        "prefect_database",
    ),
    *(
        "failures",
        "documents",
        "machine",
        "own_server",
        "network",
        "truth",
        "profile",
        "source",
        "store",
        "sweep",
        "site",
        "devices",
        "runs",
        "estimate",
        "explain",
        "llm",
        "lab",
        "accuracy",
        "cell",
    ),
    *(
        "history",
        "diff",
        "verdict",
        "upgrade",
        "query_plan",
        "query",
        "report",
        "archive",
        "direct",
        "reproducer",
        "gate",
        "tune",
        "layers",
        "advise",
        "upkeep",
        "cli",
    ),
)
"""The rooms of the library from the ground up: each may import those before it, wherever the import is written."""
WATCHED = {*PACKAGES, "prefect", "tests"}
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "misc", "common", "manager"}
MAX_BYTES = 15_000
LARGE: dict[str, str] = {}
"""Modules above the limit, each with its reason."""


EVERY_MODULE = [path for package in (*PACKAGES, "tests") for path in modules(package)]


def imports(path: Path) -> Iterator[str]:
    """Yield the top-level packages that a module imports, including inside functions and under TYPE_CHECKING."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            own = path.relative_to(ROOT).parts[0]
            yield own if node.level else str(node.module).partition(".")[0]
        elif isinstance(node, ast.Call) and _called(node).endswith(("import_module", "__import__")):
            yield ast.unparse(node.args[0]).strip("'\"").partition(".")[0]


def _called(call: ast.Call) -> str:
    """Return the last part of the called function's name."""
    return getattr(call.func, "attr", "") or getattr(call.func, "id", "")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_checked(package: str) -> None:
    assert modules(package)


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package: str) -> None:
    wrong = {
        f"{name_of(path)} imports {name}"
        for path in modules(package)
        for name in imports(path)
        if name in WATCHED - MAY_IMPORT[package]
    }
    assert not wrong


def rooms_imported(path: Path) -> Iterator[str]:
    """Yield the rooms of the library that a module imports, its own included; the face offers only its version."""
    own = ".".join(path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), own)
            names = [f"{source}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (parts[1] for name in names if (parts := name.split("."))[0] == "qhas" and len(parts) > 1)


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "qhas").with_suffix("").parts[0]


def test_every_room_of_the_library_has_a_floor() -> None:
    assert {room_of(path) for path in modules("qhas")} == {*FLOORS, "__init__"}


def test_the_library_imports_downwards() -> None:
    wrong = {
        f"{name_of(path)} imports {room}"
        for path in modules("qhas")
        if (own := room_of(path)) != "__init__"  # the face exports every room
        for room in rooms_imported(path)
        if room not in (own, "__version__") and FLOORS.index(room) >= FLOORS.index(own)
    }
    assert not wrong, "what two rooms need belongs into a lower one"


def test_modules_are_named_by_what_they_know() -> None:
    parts = {
        part: name_of(path) for path in EVERY_MODULE for part in path.relative_to(ROOT).with_suffix("").parts
    }
    assert not SAYS_NOTHING & parts.keys()


def test_modules_stay_small() -> None:
    large = {name_of(path): size for path in EVERY_MODULE if (size := path.stat().st_size) > MAX_BYTES}
    assert large.keys() == LARGE.keys(), "split the module, or give the reason why it is large"


def test_no_tool_is_started_through_a_shell() -> None:
    shells = {
        f"{name_of(path)}:{node.lineno}"
        for path in EVERY_MODULE
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and _is_shell(node)
    }
    assert not shells


def _is_shell(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    function = ast.unparse(call.func) if name in {"system", "popen", "create_subprocess_shell"} else ""
    asks = any(word.arg == "shell" and ast.unparse(word.value) != "False" for word in call.keywords)
    return asks or function in {"os.system", "os.popen"} or function.endswith("create_subprocess_shell")


@pytest.mark.parametrize(
    ("line", "shell"),
    [
        ("subprocess.run('ls', shell=True)", True),
        ("subprocess.run('ls', shell=flag)", True),
        ("os.system('ls')", True),
        ("asyncio.create_subprocess_shell('ls')", True),
        ("subprocess.run(['ls'], shell=False)", False),
        ("asyncio.create_subprocess_exec('ls')", False),
    ],
)
def test_the_shell_check_knows_a_shell(line: str, shell: bool) -> None:
    call = ast.parse(line, mode="eval").body
    assert isinstance(call, ast.Call)
    assert _is_shell(call) is shell
