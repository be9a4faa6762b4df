"""Object storage: atomic writes, errors that name store and key, the same in a folder and in memory."""

from __future__ import annotations

import gzip
import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qhas.store import Store, StoreError, Upload
from qhas.store.local import Local
from tests.qhas.failing_fs import FailingFileSystem
from tests.qhas.objects import keys_named

PUBLIC: dict[str, Callable[[Store, str], Any]] = {
    "exists": lambda store, key: store.exists(key),
    "read": lambda store, key: store.read(key),
    "write": lambda store, key: store.write(key, b"x"),
    "fetch": lambda store, key: store.fetch(key, Path("never-written")),
    "delete": lambda store, key: store.delete(key),
    "objects": lambda store, key: store.objects(key),
    "url": lambda store, key: store.url(key),
    "upload": lambda store, key: store.upload(key, [Upload("x", Path(__file__), "x")]),
}


def everything_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_was_written_is_read(store: Store) -> None:
    store.write("runs/a/sweep.json", b"{}\0\xff")
    assert store.read("runs/a/sweep.json") == b"{}\0\xff"
    assert store.exists("runs/a/sweep.json")


def test_a_folder_syncs_several_files_of_an_upload_at_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(2)
    monkeypatch.setattr("qhas.store.local.sync", lambda _: together.wait(300))
    files = [Upload(name, tmp_path / name, name) for name in ("one", "other")]
    for file in files:
        file.source.write_text(file.name)
    stored = Store(str(tmp_path / "store")).upload("runs/a", files)
    assert [artifact.name for artifact in stored] == ["one", "other"]


def test_an_object_that_is_not_there_is_none(store: Store) -> None:
    assert store.read("runs/a/sweep.json") is None
    assert not store.exists("runs/a/sweep.json")


def test_a_prefix_is_no_object(store: Store) -> None:
    store.write("runs/a/sweep.json", b"{}")
    assert not store.exists("runs/a")


def test_a_second_write_replaces_the_first(store: Store) -> None:
    store.write("k", b"old and longer")
    store.write("k", b"new")
    assert store.read("k") == b"new"


def test_a_local_store_is_made_when_first_written(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    assert store.read("runs/a/sweep.json") is None
    assert keys_named(store, "runs", "sweep.json") == []
    store.delete("runs/a")
    assert not (tmp_path / "store").exists()
    store.write("runs/a/sweep.json", b"{}")
    assert everything_below(tmp_path / "store") == ["runs/a/sweep.json"]


def test_a_failed_write_leaves_the_old_bytes_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(str(tmp_path))
    store.write("runs/a/manifest.json", b"old")

    real = Path.write_bytes

    def half(self: Path, value: bytes) -> int:
        real(self, value[: len(value) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(StoreError, match="No space left on device"):
        store.write("runs/a/manifest.json", b"new bytes")
    assert store.read("runs/a/manifest.json") == b"old"
    assert everything_below(tmp_path) == ["runs/a/manifest.json"]


def test_a_write_under_way_is_not_visible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(str(tmp_path))
    seen: list[object] = []
    real = Path.write_bytes

    def watched(self: Path, value: bytes) -> int:
        written = real(self, value)
        seen.append((store.read("a/manifest.json"), keys_named(store, "a", "manifest.json")))
        return written

    monkeypatch.setattr(Path, "write_bytes", watched)
    store.write("a/manifest.json", b"whole")
    assert seen == [(None, [])]


@pytest.mark.parametrize(
    "key", ["../x", "a/../b", "a b", "a//b", "/a", "a/", "", "a/.hidden", "a\nb", "~/x"], ids=repr
)
@pytest.mark.parametrize("operation", PUBLIC)
def test_a_key_that_could_leave_the_store_is_refused(store: Store, operation: str, key: str) -> None:
    with pytest.raises(StoreError) as refused:
        PUBLIC[operation](store, key)
    assert store.root in str(refused.value)
    assert key in str(refused.value) or repr(key) in str(refused.value)


def test_uploads_keep_bytes_and_carry_their_digest(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "trace.json"
    source.write_bytes(b"{}" * 5000)
    (artifact,) = store.upload("runs/a", [Upload("chrometrace", source, "trace.json")])
    stored = store.read("runs/a/trace.json")
    assert stored == source.read_bytes()
    assert (artifact.name, artifact.path, artifact.size) == ("chrometrace", "trace.json", 10_000)
    assert artifact.sha256 == hashlib.sha256(stored).hexdigest()


def test_digest_and_size_of_a_compressed_file_are_of_the_stored_bytes(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "trace.json"
    source.write_bytes(b"{}" * 5000)
    (artifact,) = store.upload("runs/a", [Upload("chrometrace", source, "trace.json", compress=True)])
    stored = store.read(f"runs/a/{artifact.path}")
    assert artifact.path == "trace.json.gz"
    assert stored is not None
    assert gzip.decompress(stored) == source.read_bytes()
    assert (artifact.sha256, artifact.size) == (hashlib.sha256(stored).hexdigest(), len(stored))


def test_equal_files_compress_to_equal_bytes_whatever_their_name_and_time(
    store: Store, tmp_path: Path
) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    for path, moment in ((one, 1_000_000_000), (other, 1_700_000_000)):
        path.write_bytes(b"same")
        os.utime(path, (moment, moment))
    uploads = [Upload("a", one, "one.json", True), Upload("b", other, "other.json", True)]
    first, second = store.upload("runs/a", uploads)
    assert first.sha256 == second.sha256


def test_many_objects_are_read_in_their_order_and_what_is_not_there_is_none(store: Store) -> None:
    store.write("runs/a/x", b"x")
    store.write("runs/a/y", b"y")
    assert store.read_all(["runs/a/y", "runs/a/gone", "runs/a/x"]) == [b"y", None, b"x"]
    assert store.read_all([]) == []


def test_a_fetched_object_is_whole(store: Store, tmp_path: Path) -> None:
    store.write("a/b", b"bytes")
    store.fetch("a/b", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b"bytes"


def test_fetching_what_is_not_there_is_an_error(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="a/b"):
        store.fetch("a/b", tmp_path / "target")


def test_everything_below_a_prefix_is_deleted_and_its_neighbours_stay(store: Store) -> None:
    for key in ("runs/a/x", "runs/a/deep/y", "runs/ab/x"):
        store.write(key, b"1")
    store.delete("runs/a")
    assert [store.exists(key) for key in ("runs/a/x", "runs/a/deep/y", "runs/ab/x")] == [False, False, True]


def test_deleting_twice_is_no_error(store: Store) -> None:
    store.write("runs/a/x", b"1")
    store.delete("runs/a")
    store.delete("runs/a")
    assert keys_named(store, "runs", "x") == []


def test_objects_below_a_prefix_are_listed_in_order(store: Store) -> None:
    for key in ("runs/b/manifest.json", "runs/a/manifest.json", "runs/a/other.json", "else/manifest.json"):
        store.write(key, b"{}")
    found = [item.key for item in store.objects("runs")]
    assert found == ["runs/a/manifest.json", "runs/a/other.json", "runs/b/manifest.json"]


@pytest.mark.parametrize("root", ["memory://found/lab/", "{folder}/", "{folder}/./x/.."])
def test_found_keys_can_be_read_however_the_root_is_written(tmp_path: Path, root: str) -> None:
    store = Store(root.format(folder=tmp_path))
    store.write("runs/a/manifest.json", b"{}")
    assert [store.read(key) for key in keys_named(store, "runs", "manifest.json")] == [b"{}"]
    store.delete("runs")


def test_the_address_of_a_key_is_a_path_or_a_url(tmp_path: Path) -> None:
    assert Store(str(tmp_path)).url("reports/a/index.html") == str(tmp_path / "reports/a/index.html")
    assert Store("memory://lab").url("reports/a") == "memory:///lab/reports/a"


@pytest.mark.parametrize(
    ("operation", "refused"),
    [
        ("exists", "info"),
        ("read", "cat_file"),
        ("write", "pipe_file"),
        ("fetch", "get_file"),
        ("delete", "info"),
        ("delete", "rm"),
        ("objects", "find"),
        ("upload", "put_file"),
        ("upload", "size"),
    ],
)
def test_whatever_a_backend_raises_names_store_and_key(
    failing: set[str], operation: str, refused: str
) -> None:
    store = Store("failing://lab/artifacts")
    store.write("runs/a/b", b"1")
    failing.add(refused)
    with pytest.raises(StoreError) as error:
        PUBLIC[operation](store, "runs/a")
    assert "failing://lab/artifacts" in str(error.value)
    assert "runs/a" in str(error.value)
    assert "BackendRefused: slow down" in str(error.value)


def test_a_stored_size_that_differs_is_an_error(
    failing: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store("failing://lab")
    monkeypatch.setattr(FailingFileSystem, "size", lambda *_: 3)
    with pytest.raises(StoreError, match="a size other than the"):
        store.upload("runs/a", [Upload("x", Path(__file__), "x")])


def test_a_store_of_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(StoreError, match="nowhere://x"):
        Store("nowhere://x")


@pytest.mark.parametrize("path", ["a//b", "a/../b", "./a", ".."])
def test_a_path_that_backends_write_differently_is_refused(path: str) -> None:
    with pytest.raises(StoreError, match=r"an empty part, `\.` or `\.\.`"):
        Store(f"memory://lab/{path}")


def test_whatever_a_file_system_raises_when_it_is_opened_is_one_sentence_without_secrets() -> None:
    with pytest.raises(StoreError, match="cannot be used") as refused:
        Store("zip://lab::memory://key:hunter22@gone/lab.zip")
    assert "hunter22" not in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("control", ["\n", "\0", "\x1b]0;x\x07", "\x9b", "\u2028", "\udce4"])
@pytest.mark.parametrize("kind", ["s3://lab", "memory://lab", "/tmp/lab", "file:///tmp/lab"])
def test_an_address_that_steers_a_terminal_is_refused_and_not_shown(kind: str, control: str) -> None:
    with pytest.raises(StoreError, match="its address holds a line break or another control") as refused:
        Store(f"{kind}/a{control}b")
    assert control not in str(refused.value)


def test_files_are_on_the_disk_before_the_record_that_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []

    def fsync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)

    monkeypatch.setattr("os.fsync", fsync)
    (tmp_path / "trace.json").write_bytes(b"{}")
    store = Store(str(tmp_path / "store"))
    store.upload("cell", [Upload("trace", tmp_path / "trace.json", "trace.json")])
    assert synced == ["trace.json"]
    store.write("cell/manifest.json", b"{}")
    assert [name.partition(".json")[0] for name in synced] == ["trace", "manifest"]


@pytest.mark.parametrize("large", [0, 1 << 20])
def test_every_file_of_an_upload_is_on_the_disk_when_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: int
) -> None:
    """For large, small, compressed and plain files; and no temporary compressed file remains."""
    synced = list[str]()
    monkeypatch.setattr("qhas.store.local.sync", lambda path: synced.append(path.name))
    (tmp_path / "scratch").mkdir()
    files = [Upload(name, tmp_path / name, name, compress=name.startswith("p")) for name in ("p1", "p2", "a")]
    for file in files:
        file.source.write_bytes(b"x" * (large + 1))
    store = Store(str(tmp_path / "store"), scratch=tmp_path / "scratch")
    stored = store.upload("cell", files)
    assert sorted(synced) == sorted(artifact.path for artifact in stored) == ["a", "p1.gz", "p2.gz"]
    for artifact in stored:
        assert hashlib.sha256(store.read(f"cell/{artifact.path}") or b"").hexdigest() == artifact.sha256
    assert everything_below(tmp_path / "scratch") == []


def test_after_a_file_that_cannot_be_stored_in_a_folder_no_other_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = list[str]()

    def put_bytes(_: Local, _content: bytes, key: str) -> str:
        begun.append(key)
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Local, "put_bytes", put_bytes)
    files = [Upload(name, tmp_path / name, name) for name in ("one", "other")]
    for file in files:
        file.source.write_text(file.name)
    with pytest.raises(StoreError, match=r"failed at cell/one: .*Permission denied"):
        Store(str(tmp_path / "store")).upload("cell", files)
    assert begun == ["cell/one"]


def test_a_pipe_in_a_local_store_is_a_fault_and_is_not_waited_for(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    store.write("runs/one/sweep.json", b"{}")
    os.mkfifo(tmp_path / "store/runs/one/pipe")
    for ask in (
        lambda: store.read("runs/one/pipe"),
        lambda: store.fetch("runs/one/pipe", tmp_path / "copy", "0" * 64),
    ):
        with pytest.raises(StoreError, match="not a regular file"):
            ask()


def test_an_object_that_would_fill_memory_is_refused_and_can_be_fetched(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qhas.store.objects.LARGEST_READ", 10)
    for name, size in (("fits", 10), ("large", 11)):
        store.write(f"runs/{name}", b"x" * size)
    assert store.read("runs/fits") == b"x" * 10
    for ask in (lambda: store.read("runs/large"), lambda: store.read_all(["runs/fits", "runs/large"])):
        with pytest.raises(
            StoreError,
            match=r"runs/large: .*over 10 bytes, the maximum size of an object that is read at once; remove it",
        ):
            ask()
    assert store.read("runs/large", 1, 3) == b"xx"
    store.fetch("runs/large", tmp_path / "copy")
    assert (tmp_path / "copy").stat().st_size == 11


def test_what_nobody_can_read_is_not_listed_in_a_local_store(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    store.write("runs/one/sweep.json", b"{}")
    folder = tmp_path / "store/runs/one"
    os.mkfifo(folder / "pipe")
    (folder / "nowhere").symlink_to("gone")
    (folder / "loop").symlink_to("loop")
    (folder / "linked").symlink_to("sweep.json")
    assert [found.key for found in store.objects("runs")] == ["runs/one/linked", "runs/one/sweep.json"]
