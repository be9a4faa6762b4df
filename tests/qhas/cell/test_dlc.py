"""A prepared DLC's inputs are read, and every way in which it can fail to state them is refused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.sdk.toolchain.container import write_records
from qhas.cell.dlc import LARGEST_METADATA, MOST_INPUTS, GraphInput, prepared_graphs

SNPE_1 = Path(__file__).parents[3] / ".." / "shared" / "data" / "vendor" / "snpe1-abs-quantised.dlc"
METADATA = "dlc.metadata2.3.0"
TENSOR = {"name": "input", "dimensions": [1, 3, 8, 8], "dataType": "uFxp_8"}


def metadata(*tensors: dict[str, Any]) -> dict[str, Any]:
    return {
        "cacheList": [{"cacheName": "htp", "graphs": [{"graphName": "net", "graphInputs": list(tensors)}]}]
    }


def dlc(folder: Path, document: Any = None, *, name: str = METADATA, crc: bool = False) -> Path:
    """Write a DLC whose metadata record holds the document; its CRC fields are 0 unless `crc` is set."""
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    path = folder / "prepared.dlc"
    if not crc:
        path.write_bytes(write_records({"model": b"\0" * 50, name: content}))
        return path
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return path


def graph_inputs(path: Path) -> list[GraphInput]:
    """The inputs of the first graph."""
    return prepared_graphs(path)[0].inputs


@pytest.mark.parametrize("crc", [False, True], ids=["crc 0", "crc and deflate"])
def test_inputs_are_named_with_their_shapes_in_order(tmp_path: Path, crc: bool) -> None:
    second = {"name": "mask", "dimensions": [4]}
    inputs = graph_inputs(dlc(tmp_path, metadata(TENSOR, second), crc=crc))
    assert inputs == [GraphInput("input", (1, 3, 8, 8)), GraphInput("mask", (4,))]
    assert [tensor.elements for tensor in inputs] == [192, 4]


def test_a_scalar_has_one_element() -> None:
    assert GraphInput("s", ()).elements == 1


def test_bytes_around_the_json_are_left_out(tmp_path: Path) -> None:
    framed = b"\x01\x02\x03\x04" + json.dumps(metadata(TENSOR)).encode() + b"\0\0\0"
    assert graph_inputs(dlc(tmp_path, framed)) == [GraphInput("input", (1, 3, 8, 8))]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"cacheList": []},
        {"cacheList": None},
        {"cacheList": 5},
        {"cacheList": [{}]},
        {"cacheList": [{"graphs": [{}]}]},
        {"cacheList": [{"graphs": [{"graphInputs": None}]}]},
        metadata({"name": "x"}),
        metadata({"dimensions": [1]}),
        metadata({"name": "x", "dimensions": None}),
        metadata({"name": "x", "dimensions": ["a"]}),
        metadata({"name": "x", "dimensions": [1, -1]}),
        metadata({"name": "x", "dimensions": [1, 0]}),
        metadata({"name": 7, "dimensions": [1]}),
        [],
        b"",
        b"{",
        b"no json",
        b"{\xff}",
    ],
    ids=str,
)
def test_metadata_without_usable_inputs_are_refused_by_file(tmp_path: Path, document: Any) -> None:
    with pytest.raises(ValueError, match=r"prepared\.dlc"):
        graph_inputs(dlc(tmp_path, document))


def test_a_dlc_without_the_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no dlc\.metadata2\.\* record"):
        graph_inputs(dlc(tmp_path, metadata(TENSOR), name="dlc.metadata3"))


def test_a_dlc_of_snpe_1_is_named_as_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"it was made by SNPE 1; convert the network again"):
        graph_inputs(dlc(tmp_path, b"converter-command=snpe-onnx-to-dlc", name="dlc.metadata"))


@pytest.mark.skipif(not SNPE_1.exists(), reason="the vendor's files are not there")
def test_the_vendor_s_dlc_of_snpe_1_is_named_as_one() -> None:
    with pytest.raises(ValueError, match="SNPE 1"):
        graph_inputs(SNPE_1)


@pytest.mark.parametrize("content", [b"PK", b"{}", b"\xff\xfe"], ids=str)
def test_no_refusal_is_in_the_words_of_python(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^prepared\.dlc [^'(]*$"):
        graph_inputs(dlc(tmp_path, content))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"absent\.dlc cannot be read as a DLC"):
        graph_inputs(tmp_path / "absent.dlc")


@pytest.mark.parametrize("crc", [False, True])
def test_a_dlc_cut_off_or_damaged_anywhere_is_read_or_refused(tmp_path: Path, crc: bool) -> None:
    path = dlc(tmp_path, metadata(TENSOR), crc=crc)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="prepared"):
            graph_inputs(path)
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            graph_inputs(path)
        except ValueError as error:
            assert "prepared.dlc" in str(error)  # noqa: PT017


@given(content=st.binary(max_size=300))
def test_no_bytes_raise_anything_else(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "prepared.dlc"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="prepared"):
        graph_inputs(path)


@pytest.mark.parametrize(
    "dimensions",
    [
        [1e30],
        [10**30],
        [1, 2**32],
        [True],
        [1] * 17,
        [10**4000] * 900,
        [float("inf")],
    ],
    ids=["1e30", "10^30", "33 bits", "a bool", "17 dimensions", "900 long numbers", "inf"],
)
def test_dimensions_that_no_tensor_has_are_refused_in_short(tmp_path: Path, dimensions: list[Any]) -> None:
    with pytest.raises(ValueError, match="input 'x' has dimensions") as refused:
        graph_inputs(dlc(tmp_path, metadata({"name": "x", "dimensions": dimensions})))
    assert len(str(refused.value)) < 400


def test_more_inputs_than_a_network_has_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="it states 4097 inputs; the maximum is 4096"):
        graph_inputs(dlc(tmp_path, metadata(*[{"name": "x", "dimensions": [1]}] * (MOST_INPUTS + 1))))


def test_a_record_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    bomb = dlc(tmp_path, b" " * (LARGEST_METADATA + 1), crc=True)
    assert bomb.stat().st_size < 100_000
    with pytest.raises(ValueError, match=r"its record 'dlc\.metadata2\.3\.0' is over 16 MB"):
        graph_inputs(bomb)


@pytest.mark.parametrize("way", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_record_packed_as_no_dlc_is_is_refused(tmp_path: Path, way: int) -> None:
    with zipfile.ZipFile(tmp_path / "prepared.dlc", "w", way) as archive:
        archive.writestr(METADATA, json.dumps(metadata(TENSOR)))
    with pytest.raises(ValueError, match="compressed in a way not used in DLCs"):
        graph_inputs(tmp_path / "prepared.dlc")
