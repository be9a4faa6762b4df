"""What dead runs left in the scratch directory is removed; what is in use, or was made by others, is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qhas.machine.scratch import Scratch, dead_scratch, remove_dead_scratch
from tests.resilience.disk import NAMESPACE

HOLD = """
import sys
from qhas.machine.scratch import Scratch
scratch = Scratch()
(scratch.path / "cell-1").mkdir()
(scratch.path / "cell-1" / "trace.json").write_text("{}")
print(scratch.path, flush=True)
sys.stdin.read()
"""
REMOVE = "from qhas.machine.scratch import remove_dead_scratch as remove; remove()"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A TMPDIR for the test and its processes; /tmp is not touched."""
    (folder := tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setattr("qhas.machine.scratch.SHORT", folder)
    return folder


@contextmanager
def running(*entrance: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that uses a scratch directory, and the directory."""
    process = subprocess.Popen(
        [*entrance, sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        yield process, Path(process.stdout.readline().strip())
    finally:
        process.kill()
        process.communicate()


def killed() -> Path:
    """The directory that a killed process left."""
    with running() as (process, directory):
        process.send_signal(signal.SIGKILL)
    assert (directory / "cell-1" / "trace.json").exists()
    return directory


def test_a_directory_is_gone_after_its_block(place: Path) -> None:
    with Scratch() as directory:
        (directory / "file").touch()
        assert directory.parent == place
    assert list(place.iterdir()) == []


def test_what_killed_runs_left_is_removed(place: Path) -> None:
    left = sorted(killed() for _ in range(2))
    assert dead_scratch() == left
    remove_dead_scratch()
    assert list(place.iterdir()) == []


def test_what_a_living_run_uses_stays_whoever_looks(place: Path) -> None:
    with running() as (_, directory), Scratch() as ours:
        remove_dead_scratch()
        subprocess.run([sys.executable, "-c", REMOVE], check=True, timeout=900)
        assert sorted(place.iterdir()) == sorted([directory, ours])
        assert (directory / "cell-1" / "trace.json").exists()


def test_what_a_run_in_a_container_uses_stays(place: Path) -> None:
    container = (*NAMESPACE, "--pid", "--fork", "--kill-child")
    if subprocess.run([*container, "true"], capture_output=True, timeout=600, check=False).returncode:
        pytest.skip("no PID namespace can be made here")
    with running(*container) as (_, directory):
        remove_dead_scratch()
        assert (directory / "cell-1" / "trace.json").exists()
    assert dead_scratch() == [directory]


def test_a_run_in_a_container_leaves_what_runs_outside_use(place: Path) -> None:
    container = (*NAMESPACE, "--pid", "--fork", "--kill-child")
    if subprocess.run([*container, "true"], capture_output=True, timeout=600, check=False).returncode:
        pytest.skip("no PID namespace can be made here")
    with Scratch() as ours:
        subprocess.run([*container, sys.executable, "-c", REMOVE], check=True, timeout=900)
        assert ours.exists()


def test_what_has_no_mark_of_ours_stays(place: Path, tmp_path: Path) -> None:
    (place / "qhas-unmarked").mkdir()
    (place / "qhas-file").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "in-use").touch()
    (place / "qhas-link").symlink_to(tmp_path / "elsewhere")
    (place / "other").mkdir()
    (place / "other" / "in-use").touch()
    before = sorted(place.rglob("*"))
    remove_dead_scratch()
    assert sorted(place.rglob("*")) == before
    assert (tmp_path / "elsewhere" / "in-use").exists()


def test_what_another_host_made_on_a_shared_disk_stays(place: Path) -> None:
    directory = killed()
    for line in ('["another-host", "another-boot"]', "", "{", "[[]]", "7"):
        (directory / "in-use").write_text(f"{line}\n")
        remove_dead_scratch()
        assert directory.exists()


def test_what_another_boot_of_this_host_left_is_removed(place: Path) -> None:
    directory = killed()
    (directory / "in-use").write_text(f'["{os.uname().nodename}", "another-boot"]\n')
    remove_dead_scratch()
    assert not directory.exists()


def test_a_directory_of_another_user_stays(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = killed()
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    remove_dead_scratch()
    assert directory.exists()


def test_a_removal_that_is_cut_short_is_finished_by_the_next(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = killed()
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)
    remove_dead_scratch()
    assert dead_scratch() == [directory]
    monkeypatch.undo()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    monkeypatch.setattr("qhas.machine.scratch.SHORT", place)
    remove_dead_scratch()
    assert list(place.iterdir()) == []


def test_a_link_in_a_dead_directory_is_not_followed(place: Path, tmp_path: Path) -> None:
    (kept := tmp_path / "kept").mkdir()
    (kept / "file").touch()
    (killed() / "link").symlink_to(kept)
    remove_dead_scratch()
    assert list(place.iterdir()) == []
    assert (kept / "file").exists()
