"""Names chosen outside (by devices, tools, archives, stored records) reach a host path only through `qhas.naming`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.source import modules, name_of, on_the_source, tree

pytestmark = on_the_source

NAMING = {
    "name",
    "names",
    "path",
    "original",
    "file",
    "key",
    "schematic",
    "tool",
    "target",
    "network",
    "member",
}
"""Variables, attributes and keys whose values may be names chosen outside."""
OURS = {
    "root / 'bin' / target / tool": "tools and targets are the SDK's, by enum and by site.yaml",
    "root / 'bin' / target": "as above",
    "root / 'lib' / target": "as above",
    "sdk.root / 'bin' / target": "as above",
    "sdk.root / 'lib' / target": "as above",
    "self.root / 'bin' / HOST_TARGET / tool": "as above",
    "self._sdk.reader.with_name(name)": "libraries by our own constants",
    "networks / f'{name}.onnx'": "the demo's own networks",
    "networks / f'{name}{DLC}'": "as above",
    "networks / dlc.name": "as above",
    "networks / file": "as above: asked for by their names alone",
    "place / f'{name}{ONNX}'": "as above",
    "place / f'{name}-calibration'": "as above",
    "networks / f'{name}.txt'": "as above",
    "networks / f'{name}.{secrets.token_hex(4)}.partial.dlc'": "as above",
    "folder / 'networks' / f'{name}.dlc'": "as above",
    "_SOURCES / name": "assets of the package",
    "_HERE / name": "files of the package or the checkout, by our own constants",
    "_HERE.parents[1] / name": "as above",
    "self._folder / name": "names that steps give to what they stage",
    "self.path / name": "lock files, named by `safe_name` and a digest",
    "folder / name": "files that this process has just found in its own folder",
    "self._bench.folder / f'{name}.onnx'": "rewrites by our own constants",
    "attempt.folder / f'{name}.json'": "the two graphs of a language model, by our own constants",
    "attempt.folder / f'{name}.{ending}'": "as above",
    "attempt.folder / f'emulated-{name}'": "the log and the outputs of a run, by our own constants",
    "attempt.folder / names[0]": "what a tool has just written there, by our own constants",
    "Path('inputs') / f'{before + len(files)}-{safe_name(PurePosixPath(path).name)}'": "made by `safe_name`",
    "qhas.with_name(name)": "the trace that the user keeps beside a summary he names",
    "place / f'{Path(argv[0]).name}.txt'": "tools of our own list",
    "folder / f'outputs-{data_digest(chosen.model_dump())[:8]}-{name}'": "the host SDK's own output names, in a folder of this process",
    "place / name": "as above",
    "folder / record.prepared.key[:16]": "a digest",
    "attempt.folder / name": "as above, or checked by the manifest they come from",
    "dlc.with_name(folder) / schematic.name": "a graph's folder is made by `safe_name`",
    "resources.files(__package__).joinpath(name)": "tables of the package",
    "Path(tempfile.mkdtemp(prefix='model-', dir=self._scratch)) / name": "made by `safe_name`",
    "Path('inputs') / f'{len(files)}-{safe_name(PurePosixPath(path).name)}'": "as above",
    "parent / original": "input lists are their user's own, and may name any file he may read",
    "(seconds[name] + longer) / devices[name]": "numbers",
    "(given[name] + 1) / devices[name]": "numbers",
    "posixpath.join(self._folder, name)": "a path on the device",
}


def joins(tree: ast.AST) -> Iterator[str]:
    """Yield the expressions that join a path with a value called like a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            joined = [node.right]
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"joinpath", "with_name", "join"}
            and (node.func.attr != "join" or ast.unparse(node.func).endswith("path.join"))
        ):
            joined = [*node.args]
        else:
            continue
        if any(_is_name(part) for argument in joined for part in ast.walk(argument)):
            yield ast.unparse(node)


def _is_name(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return node.value in NAMING  # as in `entry["path"]`
    return (isinstance(node, ast.Name) and node.id in NAMING) or (
        isinstance(node, ast.Attribute) and node.attr in NAMING
    )


@pytest.mark.parametrize("package", ["qhas", "tasks", "flows"])
def test_a_name_chosen_outside_is_joined_to_a_path_in_one_place(package: str) -> None:
    elsewhere = {
        f"{name_of(path)}: {join}"
        for path in modules(package)
        if path.name != "naming.py"
        for join in joins(tree(path))
        if join not in OURS
    }
    assert not elsewhere, "use qhas.naming.below, or say in OURS whose names these are"


@pytest.mark.parametrize(
    ("line", "is_join"),
    [
        ("folder / file.name", True),
        ("folder / PurePosixPath(output.name).relative_to('output')", True),
        ("folder / entry['path']", True),
        ("folder / f'{name}.json'", True),
        ("os.path.join(folder, name)", True),
        ("folder.joinpath(*names)", True),
        ("folder / 'manifest.json'", False),
        ("cycles / seconds", False),
        ("cycles / per_core[index]", False),
        ("below(folder, file.name)", False),
    ],
)
def test_the_search_knows_a_join(line: str, is_join: bool) -> None:
    assert bool(list(joins(ast.parse(line, mode="eval")))) is is_join
