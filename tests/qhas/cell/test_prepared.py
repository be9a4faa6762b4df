"""A prepared graph is found in the store complete, or not at all."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from qhas.cell.prepared import PreparedGraphs
from qhas.store import Store, StoreError
from qhas.store.claims import Claim
from tests.qhas.objects import keys_named

NAMES = ["prepared.dlc", "net_schematic.bin"]


def folder_with(folder: Path, mark: str) -> Path:
    """A folder with a prepared DLC and its schematic, whose contents carry a mark."""
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_text(f"{mark} {name}")
    return folder


def below(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.fixture
def graphs(store: Store, tmp_path: Path) -> PreparedGraphs:
    """A store that holds one prepared graph, under `key`."""
    graphs = PreparedGraphs(store)
    graphs.publish("key", folder_with(tmp_path / "source", "first"), NAMES)
    return graphs


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """An empty folder."""
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def stored(store: Store, name: str) -> str:
    (key,) = keys_named(store, "prepared", name)
    return key


def test_what_was_published_is_fetched_with_its_names_in_order(graphs: PreparedGraphs, target: Path) -> None:
    assert graphs.fetch("key", target) == NAMES
    assert below(target) == {name: f"first {name}" for name in NAMES}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ".."),
        ("name", "../x"),
        ("name", "/x"),
        ("name", "a\nb"),
        ("path", "../key/x"),
        ("path", "/x"),
    ],
)
def test_a_manifest_that_points_elsewhere_is_none(
    graphs: PreparedGraphs, store: Store, target: Path, field: str, value: str
) -> None:
    manifest = stored(store, "manifest.json")
    document = json.loads(store.read(manifest) or b"")
    document["files"][1][field] = value
    store.write(manifest, json.dumps(document).encode())
    assert graphs.fetch("key", target) is None
    assert below(target) == {}


@pytest.mark.parametrize("order", [[0], [1], [1, 0], [0, 0], [0, 1, 1], []], ids=str)
def test_a_manifest_of_other_files_than_a_dlc_and_its_schematic_is_none(
    graphs: PreparedGraphs, store: Store, target: Path, order: list[int]
) -> None:
    manifest = stored(store, "manifest.json")
    document = json.loads(store.read(manifest) or b"")
    document["files"] = [document["files"][index] for index in order]
    store.write(manifest, json.dumps(document).encode())
    assert graphs.fetch("key", target) is None
    assert below(target) == {}


def test_schematics_of_graphs_in_any_script_keep_their_names(
    graphs: PreparedGraphs, tmp_path: Path, target: Path
) -> None:
    names = ["prepared.dlc", "\u65e5\u672c_schematic.bin"]
    folder = tmp_path / "source"
    (folder / NAMES[1]).rename(folder / names[1])
    graphs.publish("other", folder, names)
    assert graphs.fetch("other", target) == names


def test_an_unknown_key_is_none(graphs: PreparedGraphs, target: Path) -> None:
    assert graphs.fetch("other", target) is None
    assert below(target) == {}


@pytest.mark.parametrize("damaged", NAMES)
@pytest.mark.parametrize("content", [b"", b"other bytes"], ids=["empty", "other"])
def test_a_graph_with_a_damaged_file_is_not_reused_and_leaves_nothing_behind(
    graphs: PreparedGraphs, store: Store, target: Path, damaged: str, content: bytes
) -> None:
    store.write(stored(store, damaged), content)
    assert graphs.fetch("key", target) is None
    assert below(target) == {}


@pytest.mark.parametrize("missing", NAMES)
def test_a_graph_with_a_missing_file_is_not_reused_and_leaves_nothing_behind(
    graphs: PreparedGraphs, store: Store, target: Path, missing: str
) -> None:
    store.delete(stored(store, missing))
    assert graphs.fetch("key", target) is None
    assert below(target) == {}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"files": 1}', b'{"files": []}', b"\xff"], ids=repr)
def test_a_manifest_that_cannot_be_used_is_as_good_as_none(
    graphs: PreparedGraphs, store: Store, target: Path, content: bytes
) -> None:
    store.write("prepared/key/manifest.json", content)
    assert graphs.fetch("key", target) is None


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped", "a/b", ""])
def test_a_manifest_cannot_name_a_file_outside_the_folder(
    graphs: PreparedGraphs, store: Store, target: Path, name: str
) -> None:
    manifest = (store.read("prepared/key/manifest.json") or b"").decode()
    store.write(
        "prepared/key/manifest.json", manifest.replace('"name": "prepared.dlc"', f'"name": "{name}"').encode()
    )
    assert graphs.fetch("key", target) is None
    assert below(target) == {}
    assert not (target.parent / "escaped").exists()


def test_a_graph_is_published_again_over_a_damaged_one(
    graphs: PreparedGraphs, store: Store, target: Path, tmp_path: Path
) -> None:
    store.write(stored(store, NAMES[0]), b"")
    graphs.publish("key", folder_with(tmp_path / "again", "second"), NAMES)
    assert graphs.fetch("key", target) == NAMES
    assert below(target) == {name: f"second {name}" for name in NAMES}


def test_two_writers_of_one_key_never_mix_their_files(
    store: Store, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second writer publishes while the first one is between its two files."""
    graphs = PreparedGraphs(store)
    one, other = folder_with(tmp_path / "one", "one"), folder_with(tmp_path / "other", "other")
    upload, busy = Store._upload, [False]

    def interrupted(self: Store, *arguments: Any) -> Any:
        artifact = upload(self, *arguments)
        if not busy[0]:
            busy[0] = True
            graphs.publish("key", other, NAMES)
        return artifact

    monkeypatch.setattr(Store, "_upload", interrupted)
    graphs.publish("key", one, NAMES)
    assert graphs.fetch("key", target) == NAMES
    assert len({text.split()[0] for text in below(target).values()}) == 1


def test_a_writer_that_dies_before_the_manifest_publishes_nothing(
    store: Store, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs = PreparedGraphs(store)

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "write", dies)
    with pytest.raises(KeyboardInterrupt):
        graphs.publish("key", folder_with(tmp_path / "one", "one"), NAMES)
    assert graphs.fetch("key", target) is None


def test_a_schematic_may_be_named_after_a_graph_that_is_no_key(
    store: Store, target: Path, tmp_path: Path
) -> None:
    name = "_graph:0 main_schematic.bin"
    source = folder_with(tmp_path / "source", "odd")
    (source / NAMES[1]).rename(source / name)
    graphs = PreparedGraphs(store)
    graphs.publish("key", source, [NAMES[0], name])
    assert graphs.fetch("key", target) == [NAMES[0], name]
    assert below(target)[name] == f"odd {NAMES[1]}"


def prepare(folder: Path, mark: str) -> None:
    for name in NAMES:
        (folder / name).write_text(f"{mark} {name}")


class Host:
    """One of several hosts that need the same graph."""

    def __init__(self, store: Store, folder: Path, name: str, claim_seconds: float = 30) -> None:
        self.graphs, self.folder, self.name = PreparedGraphs(store, claim_seconds), folder / name, name
        self.folder.mkdir()
        self.waited_for: list[str] = []
        self.prepared = False

    async def want(self, seconds: float = 0.0) -> str:
        """Get the graph, preparing it if necessary, and return the name of the host that prepared it."""
        async with self.graphs.turn("key", self.folder, self.waited_for.append) as names:
            if names is None:
                await asyncio.sleep(seconds)
                self.prepared = True
                prepare(self.folder, self.name)
                await asyncio.to_thread(self.graphs.publish, "key", self.folder, NAMES)
        (maker,) = {text.split()[0] for text in below(self.folder).values()}
        return maker


async def test_of_several_hosts_one_prepares_and_the_others_get_its_graph(
    store: Store, tmp_path: Path
) -> None:
    hosts = [Host(store, tmp_path, name, claim_seconds=3) for name in ("one", "two", "three")]
    makers = await asyncio.gather(*(host.want(0.2) for host in hosts))
    assert len(set(makers)) == 1
    assert [host.prepared for host in hosts].count(True) == 1
    assert all(len(host.waited_for) == (not host.prepared) for host in hosts)
    assert keys_named(store, "prepared", "claim.json") == []


async def test_a_dead_hosts_claim_expires(store: Store, tmp_path: Path) -> None:
    claim = Claim(owner="dead", host="lab-3", expires=datetime.now(UTC) + timedelta(seconds=0.3))
    store.write("prepared/key/claim.json", claim.model_dump_json().encode())
    host = Host(store, tmp_path, "alive")
    assert await host.want() == "alive"
    assert host.waited_for == ["lab-3"]


async def test_a_dead_host_with_a_wrong_clock_is_not_waited_for_longer(store: Store, tmp_path: Path) -> None:
    claim = Claim(owner="dead", host="lab-3", expires=datetime.now(UTC) + timedelta(days=3650))
    store.write("prepared/key/claim.json", claim.model_dump_json().encode())
    assert await Host(store, tmp_path, "alive", claim_seconds=0.4).want() == "alive"


async def test_a_claim_is_renewed_while_its_owner_prepares(store: Store, tmp_path: Path) -> None:
    slow, other = (Host(store, tmp_path, name, claim_seconds=0.6) for name in ("slow", "other"))
    first = asyncio.create_task(slow.want(seconds=2.0))
    await asyncio.sleep(0.1)
    assert await other.want() == await first == "slow"


async def test_a_host_that_fails_to_prepare_lets_the_next_one(store: Store, tmp_path: Path) -> None:
    one, two = Host(store, tmp_path, "one", 3), Host(store, tmp_path, "two", 3)
    with pytest.raises(ValueError, match="no DLC"):
        async with one.graphs.turn("key", one.folder):
            raise ValueError("no DLC")
    assert await two.want() == "two"
    assert two.waited_for == []


async def test_a_claim_that_cannot_be_read_is_no_reason_to_wait(store: Store, tmp_path: Path) -> None:
    store.write("prepared/key/claim.json", b"{")
    assert await Host(store, tmp_path, "one").want() == "one"


def test_the_day_of_use_is_noted_once(graphs: PreparedGraphs, store: Store, target: Path) -> None:
    graphs.fetch("key", target)
    assert store.read("prepared/key/used.txt") == datetime.now(UTC).date().isoformat().encode()
    (before,) = (found.modified for found in store.objects("prepared/key/used.txt"))
    graphs.fetch("key", target)
    assert [found.modified for found in store.objects("prepared/key/used.txt")] == [before]


def test_a_graph_is_fetched_though_its_use_cannot_be_noted(
    graphs: PreparedGraphs, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: Any, **__: Any) -> None:
        raise StoreError("read only")

    monkeypatch.setattr(Store, "write", refuses)
    assert graphs.fetch("key", target) == NAMES
