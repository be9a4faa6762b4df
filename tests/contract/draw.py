"""Draw the contract from the code, one line per item: lines may be added, but none may disappear."""

from __future__ import annotations

import gzip
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass, replace
from enum import EnumType
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
import yaml
from pydantic import TypeAdapter
from typer.main import get_group
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
RECORDED = Path(__file__).parent / "recorded"


def commands() -> Iterator[str]:
    """Yield every command, argument and option with its default, and the exit codes."""
    from qhas.cli.frame import Exit
    from qhas.cli.main import app

    yield from (f"exit code {code.value}: {code.name}" for code in Exit)
    whole = get_group(app)
    context = typer.Context(whole)
    yield from _parameters("qhas", whole)
    for name in whole.list_commands(context):
        yield f"qhas {name}"
        yield from _parameters(f"qhas {name}", whole.get_command(context, name))


def _parameters(words: str, command: Any) -> Iterator[str]:
    for parameter in command.params:
        names = "/".join([*parameter.opts, *parameter.secondary_opts])
        kind = parameter.type_descriptor.annotation
        bounds = "" if parameter.min is parameter.max is None else f" {parameter.min}..{parameter.max}"
        need = "required" if parameter.required else f"default {parameter.default}"
        is_choice = isinstance(kind, EnumType)
        name = "choice" if is_choice else kind.__name__
        yield f"{words} {parameter.param_type_name} {names}: {name}{bounds}, {need}"
        if is_choice:
            yield from (f"{words} {names} = {word.value}" for word in kind)


def deployments() -> Iterator[str]:
    """Yield the deployments with their flows and parameters, and the names of flows and tasks."""
    from prefect import Flow, Task

    for deployment in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]:
        module, _, name = deployment["entrypoint"].rpartition(".")
        flow = getattr(import_module(module), name)
        label = f"deployment {deployment['name']}"
        queue = deployment["work_pool"].get("work_queue_name")
        yield f"{label}: {module.replace('.', '/')}.py:{name} on queue {queue}"
        schema = flow.parameters.model_dump()
        yield from (f"{label} parameter {field}" for field in _fields(schema, schema))
    for package in ("flows", "tasks"):
        for module in pkgutil.iter_modules([str(ROOT / package)]):
            for thing in _things(import_module(f"{package}.{module.name}")):
                if isinstance(thing, Flow | Task):
                    yield f"{'flow' if isinstance(thing, Flow) else 'task'} {thing.name}"


def _things(module: Any) -> Iterator[Any]:
    """Yield a module's attributes, and the fields of those that are dataclass instances."""
    for thing in vars(module).values():
        yield thing
        if is_dataclass(thing) and not isinstance(thing, type):
            yield from vars(thing).values()


def documents() -> Iterator[str]:
    """Yield the fields and vocabulary of users' files, of stored documents, and of what `--json` prints."""
    from qhas.diff.model import CellDiff, RunDiff
    from qhas.runs.durations import Durations
    from qhas.runs.record import CellRecord, SweepRecord
    from qhas.site import Site
    from qhas.sweep.sites import SiteRef
    from qhas.sweep.spec import SweepSpec
    from qhas.verdict.model import CellVerdict

    named: dict[str, Any] = {
        "sweep.yaml": SweepSpec,
        "site.yaml": Site,
        "sites.yaml sites[]": SiteRef,
        "sweep.json": SweepRecord,
        "manifest.json": CellRecord,
        "verdicts.json": list[CellVerdict],
        "durations.json": Durations,
        "compare --json": RunDiff,
        "compare --json of a cell": CellDiff,
    }
    for name, model in named.items():
        schema = TypeAdapter(model).json_schema(mode="serialization")
        yield from (f"{name} {field}" for field in _fields(schema, schema))


def _fields(node: Any, schema: dict[str, Any], path: str = "", met: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the paths of a JSON schema; words of closed vocabularies as `path = word`."""
    if reference := node.get("$ref"):
        if reference in met:
            return
        definitions = schema.get("$defs") or schema.get("definitions") or {}
        yield from _fields(definitions[reference.rpartition("/")[2]], schema, path, (*met, reference))
        return
    for name, child in node.get("properties", {}).items():
        inner = f"{path}.{name}" if path else name
        yield inner
        yield from _fields(child, schema, inner, met)
    yield from (f"{path} = {word}" for word in node.get("enum", [node["const"]] if "const" in node else []))
    for child in (child for key in ("anyOf", "oneOf", "allOf") for child in node.get(key, [])):
        yield from _fields(child, schema, path, met)
    for child in (node.get("items"), node.get("additionalProperties")):
        if isinstance(child, dict):
            yield from _fields(child, schema, f"{path}[]", met)


def printed(folder: Path) -> Iterator[str]:
    """Yield the fields of the documents that the commands print for a small store, and the columns of its history."""
    from qhas.failures import FailureKind
    from qhas.history import append
    from qhas.store import Store
    from qhas.verdict.judge import judge_run
    from tests.documents import write_yaml
    from tests.qhas.diff.stored import store_run
    from tests.qhas.diff.summaries import Made
    from tests.qhas.nights import on_phone, run_of, simulated

    store = Store(str(folder / "store"))
    (folder / "net.dlc").write_bytes(b"dlc")
    phone = {"name": "one", "soc": "sm8750", "transport": "adb", "serial": "1"}
    simulated_device = {"name": "two", "soc": "sm8750", "transport": "host"}
    write_yaml(folder / "site.yaml", {"store": "store", "devices": [phone, simulated_device]})
    models = [{"name": "net", "dlc": "net.dlc"}]
    write_yaml(folder / "sweep.yaml", {"name": "nightly", "models": models, "socs": ["sm8750"]})
    fast = [Made("conv"), Made("add", "Add")]
    slow = [fast[0], replace(fast[1], dominant=400_000, dram=900_000)]
    failed = {"beta": {"failure": FailureKind.LOG_EMPTY}}
    store_run(store, "nightly-1", {"alpha": fast, "beta": fast})
    store_run(store, "nightly-2", {"alpha": slow, "beta": slow}, day=1, changes=failed)
    append(store, run_of(1), [on_phone(1, 1000.0), simulated(1)])
    judge_run(store, run_of(2), [on_phone(2, 1010.0)])
    for words in (
        "plan sweep.yaml",
        "show nightly-2",
        "show nightly-2 --against nightly-1",
        "compare nightly-1 nightly-2",
        "compare nightly-1/alpha/sm8750 nightly-2/alpha/sm8750",
        "history net sm8750",
        "devices",
        "prune --traces 1",
    ):
        yield from (f"qhas {words} --json {field}" for field in _json_of(words.split(), folder))
    yield from _columns(folder / "store")


def _json_of(words: list[str], folder: Path) -> Iterator[str]:
    from qhas.cli.main import app

    arguments = [str(folder / word) if word.endswith(".yaml") else word for word in words]
    done = CliRunner().invoke(app, [*arguments, "--site", str(folder / "site.yaml"), "--json"])
    assert done.exit_code in (0, 1), done.output
    yield from leaves(json.loads(done.stdout))


def leaves(document: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of a JSON document; keys that are data, recognised by a slash, all become `<key>`."""
    if isinstance(document, dict):
        for name, child in document.items():
            inner = f"{path}.{'<key>' if '/' in name else name}".lstrip(".")
            yield inner
            yield from leaves(child, inner)
    elif isinstance(document, list):
        for child in document:
            yield from leaves(child, f"{path}[]")


def _columns(store: Path) -> Iterator[str]:
    import pyarrow.parquet

    for path in store.rglob("*.parquet"):
        table = "history/ops" if "ops" in path.parts else "history"
        for column in pyarrow.parquet.read_schema(path):
            yield f"{table} column {column.name}: {column.type}"


MASKS = (
    (r"\d{4}-\d\d-\d\d", "<date>"),
    (r"[0-9a-f]{64}", "<digest>"),
    (r"(?<=<digest>/)[0-9a-f]{32}", "<part>"),
    (r"[0-9a-f]{16}(?=\.json$)", "<hash>"),
    (r"(?<=report-)[0-9a-f]{10}", "<hash>"),
    (r"(?<=plotly-)[0-9.]+(?=\.min)", "<version>"),
    (r"[^/]+(?=_schematic\.bin)", "<graph>"),
    (r"[^/]+(?=\.raw)", "<tensor>"),
    (r"(?<=<run>/)(cells/)?[^/]+/[^/]+/(?=default/)", r"\1<model>/<soc>/"),
)
"""The parts of an object's name that differ between runs, and what replaces them, in this order."""
DOCUMENTS = (
    "sweep.json",
    "manifest.json",
    "verdicts.json",
    "durations.json",
    "index.json",
    "timeline.json.gz",
)


def stored(store: Path) -> Iterator[str]:
    """Yield a finished run's object names in the store, the fields of its documents, and its history's columns."""
    runs = "|".join(re.escape(path.name) for path in (store / "runs").iterdir())
    for path in (path for path in store.rglob("*") if path.is_file()):
        key = re.sub(runs, "<run>", str(path.relative_to(store)))
        for pattern, mask in MASKS:
            key = re.sub(pattern, mask, key)
        yield key
        if path.name in DOCUMENTS:
            content = path.read_bytes()
            document = json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
            yield from (f"{key} {field}" for field in leaves(document))
    yield from _columns(store)


DRAWN: dict[str, Callable[[Path], Iterator[str]]] = {
    "commands": lambda _: commands(),
    "deployments": lambda _: deployments(),
    "documents": lambda _: documents(),
    "printed": printed,
}
"""Contracts that can be drawn without a run; those that need a folder get an empty one."""


def recorded(name: str) -> set[str]:
    """Return the recorded lines."""
    return set((RECORDED / f"{name}.txt").read_text(encoding="utf-8").splitlines())


def record(name: str, lines: Iterator[str]) -> None:
    """Write the lines to the record, sorted and without duplicates."""
    text = "".join(f"{line}\n" for line in sorted(set(lines)))
    (RECORDED / f"{name}.txt").write_text(text, encoding="utf-8")
