"""What a store does with its backend: patience, interrupted batches, and no imports that the backend does not need."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import fsspec
import pytest

from qhas.store import Download, ObjectDamaged, Store, StoreError, Upload
from qhas.store.any import AnyFileSystem
from qhas.store.objects import Batch, Copy
from qhas.store.patience import Patience

PATIENCE = Patience(total=60, first_wait=0.001, longest_wait=0.001)
FILES = {"a": b"1", "b": b"2", "c": b"3"}


class BreaksOff(AnyFileSystem):
    """Objects in memory: a batch fails at its second operation, and the first `times` single reads fail."""

    def __init__(self, failure: Exception, times: int = 0) -> None:
        super().__init__(fsspec.filesystem("memory"), f"/{id(self)}")
        self.failure, self.times = failure, times
        self.singly: list[str] = []

    def read(self, key: str, begin: int | None = None, end: int | None = None) -> bytes:
        self.singly.append(key)
        if self.times:
            self.times -= 1
            raise self.failure
        return super().read(key, begin, end)

    def put(self, file: Path, key: str) -> str:
        self.singly.append(key)
        return super().put(file, key)

    def get(self, key: str, file: Path) -> str:
        self.singly.append(key)
        return super().get(key, file)

    def read_many(self, keys: Sequence[str]) -> Batch[bytes | None]:
        return Batch({keys[0]: super().read(keys[0])}, (keys[1], self.failure))

    def put_many(self, copies: Sequence[Copy]) -> Batch[str]:
        return Batch(
            {copies[0].key: super().put(copies[0].file, copies[0].key)}, (copies[1].key, self.failure)
        )

    def get_many(self, copies: Sequence[Copy], arrived: Callable[[Copy, str], object]) -> Batch[str]:
        arrived(copies[0], digest := super().get(*copies[0]))
        return Batch({copies[0].key: digest}, (copies[1].key, self.failure))


def store_on(backend: BreaksOff) -> Store:
    """A store on the backend that holds `FILES`."""
    store = Store("memory://x", PATIENCE, backend=backend)
    for key, content in FILES.items():
        store.write(key, content)
    return store


def uploads(folder: Path) -> list[Upload]:
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return [Upload(name, folder / name, name) for name in FILES]


def downloads(folder: Path) -> list[Download]:
    return [Download(name, folder / f"back-{name}") for name in FILES]


def test_what_passes_is_tried_until_it_has_passed() -> None:
    backend = BreaksOff(TimeoutError("busy"), times=5)
    assert store_on(backend).read("a") == b"1"
    assert len(backend.singly) == 6


def test_what_a_batch_could_not_do_for_now_is_done_singly(tmp_path: Path) -> None:
    backend = BreaksOff(TimeoutError("busy"))
    store = store_on(backend)
    assert store.read_all(list(FILES)) == list(FILES.values())
    assert [artifact.name for artifact in store.upload("runs", uploads(tmp_path))] == list(FILES)
    store.fetch_all(downloads(tmp_path))
    assert (tmp_path / "back-c").read_bytes() == b"3"
    assert set(backend.singly) == {"b", "c", "runs/b", "runs/c"}


@pytest.mark.parametrize("operation", ["read", "upload", "fetch"])
def test_what_a_batch_is_refused_is_raised_by_its_key_and_nothing_is_tried_again(
    tmp_path: Path, operation: str
) -> None:
    backend = BreaksOff(PermissionError(13, "Permission denied"))
    store = store_on(backend)
    with pytest.raises(StoreError, match=r"store memory://x failed at (runs/)?b: .*Permission denied"):
        {
            "read": lambda: store.read_all(list(FILES)),
            "upload": lambda: store.upload("runs", uploads(tmp_path)),
            "fetch": lambda: store.fetch_all(downloads(tmp_path)),
        }[operation]()
    assert backend.singly == []
    assert not list(tmp_path.glob("*.partial"))


def test_what_of_a_batch_has_arrived_is_in_its_place_whatever_becomes_of_the_others(tmp_path: Path) -> None:
    store = store_on(BreaksOff(PermissionError(13, "Permission denied")))
    with pytest.raises(StoreError):
        store.fetch_all(downloads(tmp_path))
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"back-a": FILES["a"]}


def test_an_arrived_file_that_cannot_take_its_place_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "back-a").mkdir()
    with pytest.raises((StoreError, OSError)):
        store_on(BreaksOff(TimeoutError("busy"))).fetch_all(downloads(tmp_path))
    assert not list(tmp_path.glob("*.partial"))


def test_bytes_of_a_batch_that_are_others_than_they_should_be_are_fetched_again_and_refused(
    tmp_path: Path,
) -> None:
    store = store_on(BreaksOff(TimeoutError("busy")))
    wanted = [Download("a", tmp_path / "a", "0" * 64), Download("b", tmp_path / "b")]
    with pytest.raises(ObjectDamaged, match="a does not hold the bytes that were stored"):
        store.fetch_all(wanted)
    assert not (tmp_path / "a").exists()


def test_a_store_in_a_folder_imports_no_client_of_s3() -> None:
    script = (
        "import sys; from qhas.store import Store; Store('/nowhere').exists('runs/a');"
        "print({'botocore', 's3fs', 'aiohttp', 'obstore'} & set(sys.modules))"
    )
    asked = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert asked.stdout.strip() == "set()"


def test_what_a_backend_stores_from_memory_has_the_digest_of_what_is_read(store: Store) -> None:
    for content in (b"", b"{}\0\xff"):
        assert store._backend.put_bytes(content, "runs/a/b/trace.json") == hashlib.sha256(content).hexdigest()
        assert store.read("runs/a/b/trace.json") == content
