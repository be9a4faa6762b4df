"""Which inputs are refused before anything is written, and where the files of a list may be."""

from __future__ import annotations

import os
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import fsspec
import pytest

from fakes.records import model
from qhas.cell import inputs
from qhas.cell.inputs import gather_inputs
from qhas.failures import FailureKind, StepFailed
from tests.qhas.cell.test_dlc import dlc, metadata

TOP = "/input-bounds"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The step's directory."""
    (tmp_path / "step").mkdir()
    return tmp_path / "step"


def refusal(address: str, folder: Path) -> StepFailed:
    """The failure with which a list is refused."""
    with pytest.raises(StepFailed) as failed:
        gather_inputs(model(inputs=address), Path("no.dlc"), folder)
    return failed.value


def staged(text: str, folder: Path, place: str = "a/b") -> bytes:
    """The first file of a list in an object store that has a file at every level."""
    memory: Any = fsspec.filesystem("memory")
    memory.pipe(
        {
            f"{TOP}/{place}/list.txt": text.encode(),
            f"{TOP}/{place}/x.raw": b"beside",
            f"{TOP}/a/x.raw": b"above",
            f"{TOP}/a/with blank/x.raw": b"blank",
            f"{TOP}/x.raw": b"top",
        }
    )
    return (
        gather_inputs(model(inputs=f"memory:/{TOP}/{place}/list.txt"), Path("no.dlc"), folder)
        .files["inputs/0-x.raw"]
        .read_bytes()
    )


@pytest.mark.parametrize(
    "tensors",
    [[[2**26, 2]], [[2**25], [2**25], [1]], [[4_000_000_000] * 16], [[10**9, 10**9]]],
    ids=["one", "in all", "sixteen large ones", "10^18"],
)
def test_random_values_without_end_are_refused_before_any_is_written(
    tensors: list[list[int]], folder: Path, tmp_path: Path
) -> None:
    network = dlc(tmp_path, metadata(*({"name": "x", "dimensions": each} for each in tensors)))
    with pytest.raises(StepFailed, match="but random inputs have at most 67108864; give an input list"):
        gather_inputs(model(), network, folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["/dev/zero", "pipe", "."])
def test_a_list_that_is_no_regular_file_is_refused(name: str, folder: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    told = str(refusal(str(tmp_path / name), folder))
    assert "cannot be read: it is not a regular file; name one." in told


@pytest.mark.parametrize("name", ["/dev/zero", "pipe", "link.raw", "step"])
def test_a_file_of_a_list_that_is_no_regular_file_is_refused(name: str, folder: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link.raw").symlink_to("/dev/zero")
    (tmp_path / "list.txt").write_text(f"{name}\n")
    told = str(refusal(str(tmp_path / "list.txt"), folder))
    assert "cannot be read: it is not a regular file; name one." in told


@pytest.mark.parametrize("store", ["local", "memory"])
def test_a_list_over_the_limit_is_refused_with_the_limit(store: str, folder: Path, tmp_path: Path) -> None:
    address = str(tmp_path / "list.txt") if store == "local" else f"memory:/{TOP}/large/list.txt"
    with fsspec.open(address, "wb") as file:
        file.write(b"#" * (inputs.LARGEST_LIST + 1))
    assert "list.txt cannot be read: it is over 4 MB" in str(refusal(address, folder))


class _WithoutEnd(BaseHTTPRequestHandler):
    """Serves a list without end, and counts how much of it was read."""

    sent = 0

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        with suppress(OSError):
            while True:
                type(self).sent += self.wfile.write(b"x.raw\n" * 10_000)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def test_a_list_whose_server_tells_no_size_is_read_up_to_the_limit(folder: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _WithoutEnd) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        told = refusal(f"http://127.0.0.1:{server.server_port}/list.txt", folder)
        server.shutdown()
    assert "it is over 4 MB" in str(told)
    assert _WithoutEnd.sent < 16 * inputs.LARGEST_LIST  # allows for what is buffered on the way


@pytest.mark.parametrize("store", ["local", "memory"])
def test_a_data_file_over_the_limit_is_refused(
    store: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "LARGEST_DATA", 100)
    top = str(tmp_path) if store == "local" else f"memory:/{TOP}/data"
    for name, content in (("x.raw", b"x" * 101), ("list.txt", b"x.raw")):
        with fsspec.open(f"{top}/{name}", "wb") as file:
            file.write(content)
    assert "Input x.raw cannot be read: it is over 100 bytes" in str(refusal(f"{top}/list.txt", folder))


@pytest.mark.parametrize(
    ("written", "content"),
    [
        ("x.raw", b"beside"),
        ("./x.raw", b"beside"),
        ("../x.raw", b"above"),
        ("../../x.raw", b"top"),
        ("../b/../x.raw", b"above"),
        (f"memory:/{TOP}/x.raw", b"top"),
        (f"in:0:=memory:/{TOP}/a/x.raw", b"above"),
    ],
)
def test_a_list_in_an_object_store_names_files_as_one_on_disk_does(
    written: str, content: bytes, folder: Path
) -> None:
    assert staged(f"{written}\n", folder) == content


def test_the_folder_of_a_list_may_hold_blanks_and_empty_parts(folder: Path) -> None:
    assert staged("x.raw\n", folder, "with blank//b") == b"beside"


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("../../../../x.raw", "points outside the list's store"),
        ("a/../../../../../x.raw", "points outside the list's store"),
        ("/etc/shadow", "is an absolute path, but the list is not on this host"),
        ("file:///etc/shadow", "is a URL in a different store from the list's"),
        ("local:///etc/shadow", "is a URL in a different store from the list's"),
        ("s3://other/x.raw", "is a URL in a different store from the list's"),
        ("memory://x::file:///etc/shadow", "is a URL in a different store from the list's"),
    ],
)
def test_a_list_in_an_object_store_leads_nowhere_else(written: str, fault: str, folder: Path) -> None:
    with pytest.raises(StepFailed, match=fault) as failed:
        staged(f"{written}\n", folder)
    assert failed.value.failure.kind is FailureKind.INPUT_REJECTED


def test_a_list_of_header_lines_and_inferences_is_repeated_in_one_pass(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "x.raw").write_bytes(b"x")
    (tmp_path / "list.txt").write_text("#layer\n" * 30_000 + "x.raw\n" * 30_000)
    gathered = gather_inputs(model(inputs=str(tmp_path / "list.txt")), Path("no.dlc"), folder)
    assert inputs.repeated(gathered, 7, folder).inferences == 7
