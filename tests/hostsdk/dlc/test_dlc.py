"""DLC containers: records with a correct CRC, or 0, are read; caches are removed with all that belongs to them."""

import json
import struct
import zipfile
from pathlib import Path

import pytest

from hostsdk.dlc.dlc import Dlc, timeline_record
from hostsdk.errors import ErrorCode, ToolError

CENTRAL = b"PK\x01\x02"
SNPE_1 = Path(__file__).parents[3].parent / "shared/data/vendor/snpe1-abs-quantised.dlc"
NETWORK_OF_SNPE_1 = b"\xd5\x0a\x03\0\0\0\0\0\x18\0\0\0NETD"
NETWORK_OF_SNPE_2 = b"\xd5\x0a\x04\0\1\0\0\0\x08\0\0\0NETD"


def write(path: Path, records: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Dlc:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in records.items():
            archive.writestr(name, content)
    return Dlc(path)


def with_crc(path: Path, crc: int) -> None:
    """Set the CRC of the first member's directory entry."""
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.index(CENTRAL) + 16, crc)
    path.write_bytes(content)


def code_of(call, *arguments) -> ErrorCode:
    with pytest.raises(ToolError) as caught:
        call(*arguments)
    return caught.value.code


@pytest.fixture
def cached(tmp_path) -> Dlc:
    metadata = {
        "cacheList": [{"cacheName": "htp.cache.sa8255.0"}, {"cacheName": "htp.cache.sm8750.0"}],
        "other": 1,
    }
    return write(
        tmp_path / "cached.dlc",
        {
            "model": b"network",
            "dlc.metadata2.3.0": json.dumps(metadata).encode(),
            "htp.cache.sa8255.0": b"first",
            "htp.cache.sm8750.0": b"second",
            "hostsdk.timeline.sa8255": b"timeline",
        },
    )


def test_a_record_with_a_crc_of_zero_is_read(tmp_path):
    dlc = write(tmp_path / "a.dlc", {"model": b"network"})
    with_crc(dlc.path, 0)
    assert dlc.read("model") == b"network"


def test_a_record_with_a_wrong_crc_is_refused(tmp_path):
    dlc = write(tmp_path / "a.dlc", {"model": b"network"})
    with_crc(dlc.path, 1)
    assert code_of(dlc.read, "model") is ErrorCode.INVALID_RECORD


def test_a_deflated_record_is_read(tmp_path):
    assert write(tmp_path / "a.dlc", {"model": b"x" * 99}, zipfile.ZIP_DEFLATED).read("model") == b"x" * 99


@pytest.mark.parametrize("content", [b"", b"not a container", bytes(1000)])
def test_a_file_that_is_no_container_is_refused(tmp_path, content):
    path = tmp_path / "bad.dlc"
    path.write_bytes(content)
    assert code_of(Dlc(path).check) is ErrorCode.BAD_CONTAINER


def test_a_container_cut_short_is_refused(cached):
    content = cached.path.read_bytes()
    cached.path.write_bytes(content[: len(content) // 2])
    assert code_of(cached.check) is ErrorCode.BAD_CONTAINER


def test_a_container_without_a_network_and_a_missing_file_are_refused(tmp_path):
    assert code_of(write(tmp_path / "a.dlc", {"x": b""}).check) is ErrorCode.MISSING_RECORD
    assert code_of(Dlc(tmp_path / "none.dlc").check) is ErrorCode.MISSING_FILE


def test_caches_are_found_by_soc(cached):
    assert cached.cached_socs() == ["sa8255", "sm8750"]
    assert cached.cache_record("sm8750") == "htp.cache.sm8750.0"
    assert cached.cache_record("sm87") is None


def test_removing_a_cache_removes_its_metadata_and_timeline_and_nothing_else(cached, tmp_path):
    cached.copy_without_caches(tmp_path / "stripped.dlc", ["sa8255"])
    stripped = Dlc(tmp_path / "stripped.dlc")
    assert stripped.names() == ["model", "dlc.metadata2.3.0", "htp.cache.sm8750.0"]
    metadata = json.loads(stripped.read("dlc.metadata2.3.0"))
    assert metadata == {"cacheList": [{"cacheName": "htp.cache.sm8750.0"}], "other": 1}
    assert stripped.read("htp.cache.sm8750.0") == b"second"


def test_without_anything_to_remove_the_copy_is_the_same_bytes(cached, tmp_path):
    cached.copy_without_caches(tmp_path / "copy.dlc", ["sm8650"])
    assert (tmp_path / "copy.dlc").read_bytes() == cached.path.read_bytes()


def test_an_appended_record_is_read_back_and_the_others_stay(cached):
    cached.append(timeline_record("sm8750"), b"new")
    assert cached.read("hostsdk.timeline.sm8750") == b"new"
    assert cached.read("model") == b"network"
    with zipfile.ZipFile(cached.path) as archive:
        assert archive.testzip() is None


def test_two_records_appended_to_equal_containers_make_equal_files(tmp_path):
    files = [write(tmp_path / name, {}) for name in ("a.dlc", "b.dlc")]
    for dlc in files:
        dlc.append("first", b"1")
        dlc.append("second", b"")
    assert files[0].path.read_bytes() == files[1].path.read_bytes()
    assert [files[0].read(name) for name in files[0].names()] == [b"1", b""]


@pytest.mark.parametrize("content", [b"", b"no zip archive, but long enough to be one"])
def test_nothing_is_appended_to_what_is_no_container(tmp_path, content):
    path = tmp_path / "bad.dlc"
    path.write_bytes(content)
    with pytest.raises(zipfile.BadZipFile):
        Dlc(path).append("record", b"")
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "records",
    [
        {"dlc.metadata": b"converter-command=snpe-onnx-to-dlc", "model": NETWORK_OF_SNPE_1},
        {"dlc.metadata": b"converter-command=snpe-tensorflow-to-dlc", "model": b"of an odd shape"},
        {"model": NETWORK_OF_SNPE_1, "model.params": b""},
        {"dlc.metadata": b"no network beside it"},
    ],
    ids=["whole", "by its metadata", "by its network", "without a network"],
)
def test_a_dlc_of_snpe_1_is_called_one_and_is_to_be_converted_again(tmp_path, records):
    with pytest.raises(ToolError) as refused:
        write(tmp_path / "old.dlc", records).check()
    assert refused.value.code == 312
    assert refused.value.message == (
        "old.dlc was made by SNPE 1: convert the network again, with QAIRT or SNPE 2."
    )


@pytest.mark.skipif(not SNPE_1.exists(), reason="the vendor's files are not beside the repository")
def test_the_vendors_own_dlc_of_snpe_1_is_called_one():
    assert code_of(Dlc(SNPE_1).check) == 312


@pytest.mark.parametrize(
    "records",
    [
        {"model": NETWORK_OF_SNPE_2, "dlc.metadata2.3.0": b"{}"},
        {"model": NETWORK_OF_SNPE_2, "dlc.metadata": b"left by a tool", "dlc.metadata2.3.0": b"{}"},
        {"model": NETWORK_OF_SNPE_2},
        {"model": b"\xd5"},
    ],
)
def test_a_dlc_of_snpe_2_is_not(tmp_path, records):
    write(tmp_path / "new.dlc", records).check()
