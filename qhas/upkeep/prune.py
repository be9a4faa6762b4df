"""Retention: what may be removed from the store, why, and its removal.

First a plan is made, which changes nothing; then it is carried out. Anything that changed in between is left alone.
An artifact is marked in its cell's manifest before it is removed, so no record ever promises a missing file.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from qhas.cell.artifacts import ARTIFACTS, UNFINISHED, Retention
from qhas.cell.prepared import PreparedManifest
from qhas.machine.digest import data_digest
from qhas.naming import is_name
from qhas.runs import keys
from qhas.runs.stored import run_ids
from qhas.store import Found, Store, StoreError

TRACES_DAYS = 90
REPLAY_DAYS = 30
PREPARED_DAYS = 30
_RETENTION = {spec.name: spec.retention for spec in ARTIFACTS} | {UNFINISHED: Retention.REPLAY}


class Reason(StrEnum):
    """Why something may be removed."""

    TRACE_OLD = "trace-old"
    """A trace past its retention period, of a run that is not pinned, and linked from no verdict."""
    REPLAY_OLD = "replay-old"
    """A file for repeating the post-processing, past its retention period."""
    HALF_PUBLISHED = "half-published"
    """Files of a cell without a manifest: its host died, and a resume would remove them too."""
    PREPARED_UNUSED = "prepared-unused"
    """A prepared graph that no run has used for the retention period."""
    PREPARED_REMAINS = "prepared-remains"
    """Files of a prepared graph that its manifest does not name: from a writer that died, or was overtaken."""


_BY_RETENTION = {Retention.TRACE: Reason.TRACE_OLD, Retention.REPLAY: Reason.REPLAY_OLD}


@dataclass(frozen=True)
class PruningPolicy:
    """The ages from which things may be removed. Records, summaries, QHAS and samples are kept for ever."""

    traces: timedelta = timedelta(days=TRACES_DAYS)
    replay: timedelta = timedelta(days=REPLAY_DAYS)
    prepared: timedelta = timedelta(days=PREPARED_DAYS)
    remains: timedelta = timedelta(days=1)

    def age_of(self, reason: Reason) -> timedelta:
        """Return the age from which something may be removed for a reason."""
        return {
            Reason.TRACE_OLD: self.traces,
            Reason.REPLAY_OLD: self.replay,
            Reason.PREPARED_UNUSED: self.prepared,
        }.get(reason, self.remains)


@dataclass(frozen=True)
class Prunable:
    """Objects that may be removed together, their bytes and their prefix. `state` is a digest of it when planned."""

    reason: Reason
    prefix: str
    keys: tuple[str, ...]
    size: int
    state: str = field(repr=False)


@dataclass(frozen=True)
class PruningPlan:
    """What may be removed at a given moment."""

    made_at: datetime
    items: tuple[Prunable, ...]

    @property
    def size(self) -> int:
        """The bytes of all items."""
        return sum(item.size for item in self.items)


@dataclass(frozen=True)
class PruningResult:
    """What was removed, what was kept as it had changed since the plan, and the failed removals, as sentences."""

    pruned: tuple[Prunable, ...]
    changed: tuple[Prunable, ...]
    failures: tuple[str, ...]

    @property
    def size(self) -> int:
        """The bytes that were removed."""
        return sum(item.size for item in self.pruned)


def plan_pruning(
    store: Store, policy: PruningPolicy, now: datetime, linked: Collection[str] = frozenset()
) -> PruningPlan:
    """Plan what may be removed, with one listing per run and per graph. Raises StoreError.

    Keys in `linked` are kept, and all traces of cells whose prefixes are in it: verdicts point to them.
    """
    items = [
        item for run_id in run_ids(store) for item in _of_run(store, keys.run(run_id), policy, now, linked)
    ]
    for key in filter(is_name, store.children(keys.PREPARED)):
        items += _of_graph(store, keys.prepared(key), policy, now)
    return PruningPlan(now, tuple(items))


def prune(
    store: Store, plan: PruningPlan, progress: Callable[[Prunable], None] = lambda _: None
) -> PruningResult:
    """Carry out a plan item by item; `progress` is called with each item removed. A failure does not stop it."""
    pruned, changed, failures = [], [], []
    for item in plan.items:
        try:
            if _remove(store, item, plan.made_at):
                pruned.append(item)
                progress(item)
            else:
                changed.append(item)
        except StoreError as error:
            failures.append(str(error))
    return PruningResult(tuple(pruned), tuple(changed), tuple(failures))


def _of_run(
    store: Store, run: str, policy: PruningPolicy, now: datetime, linked: Collection[str]
) -> Iterator[Prunable]:
    objects = store.objects(run)
    sizes = {item.key: item.size for item in objects}
    if f"{run}/{keys.PINNED}" in sizes:
        return
    cells: dict[str, list[Found]] = defaultdict(list)
    for item in objects:
        if place := keys.parse(item.key):
            cells[place.prefix].append(item)
    for cell, inside in cells.items():
        if keys.manifest(cell) in sizes:
            yield from _of_cell(store, cell, sizes, policy, now, linked)
        elif _untouched(inside, now - policy.remains):
            yield _prunable(Reason.HALF_PUBLISHED, cell, inside)


def _of_cell(
    store: Store,
    cell: str,
    sizes: dict[str, int],
    policy: PruningPolicy,
    now: datetime,
    linked: Collection[str],
) -> Iterator[Prunable]:
    """Yield a finished cell's files past their retention period, including marked ones whose removal failed."""
    document = _document(store.read(keys.manifest(cell)))
    finished = _moment(document.get("finished_at"))
    if finished is None:
        return
    for retention, reason in _BY_RETENTION.items():
        if finished > now - policy.age_of(reason) or (reason is Reason.TRACE_OLD and cell in linked):
            continue
        old = [
            f"{cell}/{entry['path']}"
            for entry in _artifacts(document)
            if _RETENTION.get(entry["name"]) is retention
        ]
        if going := tuple(key for key in old if key in sizes and key not in linked):
            size = sum(sizes[key] for key in going)
            yield Prunable(reason, cell, going, size, data_digest(_unmarked(document)))


def _of_graph(store: Store, graph: str, policy: PruningPolicy, now: datetime) -> Iterator[Prunable]:
    objects = store.objects(graph)
    if _untouched(objects, now - policy.prepared):
        yield _prunable(Reason.PREPARED_UNUSED, graph, objects)
        return
    named = {keys.manifest(graph), f"{graph}/{keys.USED}"}
    try:
        manifest = PreparedManifest.model_validate_json(store.read(keys.manifest(graph)) or b"")
        named |= {f"{graph}/{file.path}" for file in manifest.files}
    except ValidationError:
        pass
    rest = [item for item in objects if item.key not in named]
    if old := [item for item in rest if _untouched([item], now - policy.remains)]:
        yield _prunable(Reason.PREPARED_REMAINS, graph, old)


def _remove(store: Store, item: Prunable, now: datetime) -> bool:
    """Remove an item unless it has changed since it was planned; return whether it was removed."""
    if item.reason in _BY_RETENTION.values():
        manifest = keys.manifest(item.prefix)
        document = _document(store.read(manifest))
        place = keys.parse(manifest)
        pinned = place is None or store.exists(keys.pin(place.run_id))
        if data_digest(_unmarked(document)) != item.state or pinned:
            return False
        for entry in _artifacts(document):
            if f"{item.prefix}/{entry['path']}" in item.keys:
                entry["pruned_at"] = entry.get("pruned_at") or now.isoformat()
        store.write(manifest, json.dumps(document, indent=2).encode())
        store.remove(item.keys)
        return True
    if item.reason is Reason.PREPARED_REMAINS:
        manifest_now = store.read(keys.manifest(item.prefix)) or b""
        if any(key.removeprefix(f"{item.prefix}/").encode() in manifest_now for key in item.keys):
            return False
    elif _state(store.objects(item.prefix)) != item.state:
        return False
    # Readers start with the manifest: without it they do not look for the rest.
    store.remove(key for key in item.keys if key.endswith(f"/{keys.MANIFEST}"))
    store.remove(key for key in item.keys if not key.endswith(f"/{keys.MANIFEST}"))
    return True


def _prunable(reason: Reason, prefix: str, objects: list[Found]) -> Prunable:
    return Prunable(
        reason,
        prefix,
        tuple(item.key for item in objects),
        sum(item.size for item in objects),
        _state(objects),
    )


def _state(objects: Iterable[Found]) -> str:
    return data_digest([[item.key, item.size, str(item.modified)] for item in objects])


def _untouched(objects: list[Found], since: datetime) -> bool:
    """Whether all of the objects are older. One that a backend has no time for counts as new."""
    return bool(objects) and all(item.modified is not None and item.modified < since for item in objects)


def _document(content: bytes | None) -> dict[str, Any]:
    """Return a manifest as stored, including unknown keys; empty if it cannot be read."""
    try:
        document = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _artifacts(document: dict[str, Any]) -> list[dict[str, Any]]:
    entries = document.get("artifacts", [])
    return [entry for entry in entries if isinstance(entry, dict) and {"name", "path"} <= entry.keys()]


def _unmarked(document: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest without the marks of pruning, which do not make it a different one."""
    entries = [{k: v for k, v in entry.items() if k != "pruned_at"} for entry in _artifacts(document)]
    return document | {"artifacts": entries}


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
