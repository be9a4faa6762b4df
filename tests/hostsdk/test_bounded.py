"""Input that is larger than it says, or endless, is refused in one sentence and does not exhaust memory."""

import json
import os
import struct
import tracemalloc
import zipfile
import zlib

import pytest

from hostsdk.bounded import LARGEST_DIRECTORY, LARGEST_TEXT, inflate, read_file
from hostsdk.dlc.dlc import Dlc
from hostsdk.dlc.timeline_record import Timeline
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.input_list import parse
from hostsdk.viewer.features import FeatureError, read_configuration
from hostsdk.viewer.framework import FrameworkError, framework_names
from hostsdk.viewer.log import LogError, read_log
from hostsdk.viewer.schematic import SchematicError, read_schematic
from qhas.cell.dlc import prepared_graphs

CENTRAL, END = b"PK\x01\x02", b"PK\x05\x06"


@pytest.fixture(autouse=True)
def modest_memory():
    """Check that no test needs more than 64 MiB, a small part of what its file declares."""
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 << 20


def archive(path, compression=zipfile.ZIP_STORED, **records):
    with zipfile.ZipFile(path, "w", compression) as made:
        for name, content in records.items():
            made.writestr(name, content)
    return path


def changed(path, at, form, value):
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, at(content), value)
    path.write_bytes(content)


def refusal(call, *arguments, kind=ToolError):
    with pytest.raises(kind) as refused:
        call(*arguments)
    assert "\n" not in str(refused.value)
    return refused.value


def test_a_record_that_declares_more_than_the_file_has_is_damaged(tmp_path):
    path = archive(tmp_path / "a.dlc", model=b"network")
    changed(path, lambda content: content.index(CENTRAL) + 20, "<I", 0xFFFFFFF0)
    assert refusal(Dlc(path).read, "model").code is ErrorCode.INVALID_RECORD


def test_a_record_that_begins_beyond_the_file_is_damaged(tmp_path):
    path = archive(tmp_path / "a.dlc", model=b"network")
    changed(path, lambda content: content.index(CENTRAL) + 42, "<I", 0x7FFFFFFF)
    assert refusal(Dlc(path).read, "model").code is ErrorCode.INVALID_RECORD


@pytest.mark.parametrize("read", [lambda path: Dlc(path).names(), prepared_graphs], ids=["tools", "qhas"])
def test_a_directory_that_declares_gigabytes_is_refused(tmp_path, read):
    path = archive(tmp_path / "a.dlc", model=b"network")
    with path.open("r+b") as file:
        content = file.read()
        file.truncate(1 << 31)  # a sparse file: the directory could be as large as it says
        file.seek((1 << 31) - 22)
        file.write(struct.pack("<4s4H2LH", END, 0, 0, 1, 1, (1 << 31) - 22, 0, 0))
    assert content
    assert f"{LARGEST_DIRECTORY >> 20} MB" in str(refusal(read, path, kind=(ToolError, ValueError)))


def test_a_record_that_unpacks_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("hostsdk.bounded.LARGEST_UNPACKED", 1 << 20)
    monkeypatch.setattr("hostsdk.dlc.dlc.inflate", lambda raw, wbits: inflate(raw, 1 << 20, wbits))
    path = archive(tmp_path / "a.dlc", zipfile.ZIP_DEFLATED, model=bytes(4 << 20))
    assert "unpacks to over 1 MB" in str(refusal(Dlc(path).read, "model"))


def test_packed_bytes_are_whole_and_bounded():
    packed = zlib.compress(bytes(1000))
    assert inflate(packed, 1000) == bytes(1000)
    for content, largest in ((packed, 999), (packed[:-1], 1000), (b"", 1000), (b"none", 1000)):
        with pytest.raises(zlib.error):
            inflate(content, largest)


def test_nested_json_in_records_is_refused_or_kept_as_it_is(tmp_path):
    deep = b"[" * 100_000
    assert "prepare again" in str(refusal(Timeline.decode, zlib.compress(deep)))
    path = archive(tmp_path / "a.dlc", **{"htp.cache.sa8255.0": b"", "dlc.metadata2.0": deep})
    Dlc(path).copy_without_caches(tmp_path / "b.dlc", ["sa8255"])
    assert Dlc(tmp_path / "b.dlc").read("dlc.metadata2.0") == deep


def test_entries_of_metadata_that_are_none_are_kept(tmp_path):
    entries = json.dumps({"cacheList": [1, None, {"cacheName": "htp.cache.sa8255.0"}]}).encode()
    path = archive(tmp_path / "a.dlc", **{"htp.cache.sa8255.0": b"", "dlc.metadata2.0": entries})
    Dlc(path).copy_without_caches(tmp_path / "b.dlc", ["sa8255"])
    assert json.loads(Dlc(tmp_path / "b.dlc").read("dlc.metadata2.0")) == {"cacheList": [1, None]}


@pytest.mark.parametrize("kind", ["device", "pipe", "large"])
@pytest.mark.parametrize(
    ("read", "error"),
    [
        (parse, ToolError),
        (read_configuration, FeatureError),
        (read_log, LogError),
        (read_schematic, SchematicError),
        (lambda path: framework_names(path, "net"), FrameworkError),
    ],
    ids=["input list", "configuration", "log", "schematic", "dlc"],
)
def test_what_never_ends_is_refused(tmp_path, monkeypatch, kind, read, error):
    path = tmp_path / "file"
    if kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.touch()
        os.truncate(path, 40 << 30)
    refusal(read, path, kind=error)


def test_a_file_is_read_up_to_its_limit(tmp_path):
    (path := tmp_path / "file").write_bytes(b"abc")
    assert read_file(path, 3) == b"abc"
    with pytest.raises(OSError, match="it is over 0 MB"):
        read_file(path, 2)
    assert LARGEST_TEXT > 1 << 20


def test_a_record_that_stands_twice_is_refused_by_whoever_reads_the_file(tmp_path):
    path = archive(tmp_path / "net.dlc", model=b"looked at", **{"model.params": b"{}"})
    with zipfile.ZipFile(path, "a") as made, pytest.warns(UserWarning, match="Duplicate name"):
        made.writestr("model", b"run")
    assert "record 'model' appears twice" in str(refusal(lambda: Dlc(path).names()))
    assert "record 'model' appears twice" in str(refusal(prepared_graphs, path, kind=ValueError))
    assert "record 'model' appears twice" in str(refusal(framework_names, path, "graph", kind=FrameworkError))
