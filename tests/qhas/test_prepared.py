"""Prepared graphs in the store: found whole, or not found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qhas.prepared import PreparedGraphs
from qhas.store import Store, Upload

NAMES = ["prepared.dlc", "net_schematic.bin"]


def folder_with(folder: Path, mark: str) -> Path:
    """A folder with a prepared DLC and its schematic, told apart by a mark."""
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
    (key,) = store.find("prepared", name)
    return key


def test_what_was_published_is_fetched_with_its_names_in_order(graphs: PreparedGraphs, target: Path) -> None:
    assert graphs.fetch("key", target) == NAMES
    assert below(target) == {name: f"first {name}" for name in NAMES}


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
    """The second writer publishes while the first is between its two files."""
    graphs = PreparedGraphs(store)
    one, other = folder_with(tmp_path / "one", "one"), folder_with(tmp_path / "other", "other")
    upload, busy = Store._upload, [False]

    def interrupted(self: Store, prefix: str, file: Upload) -> Any:
        artifact = upload(self, prefix, file)
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
