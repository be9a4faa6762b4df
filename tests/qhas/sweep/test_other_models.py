"""A model that is not yet a DLC is recognised, and one sentence says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from qhas.failures import InvalidInput
from qhas.sweep.plan import plan_sweep
from qhas.sweep.spec import ModelRef, SweepSpec

ONNX = [b"\x08\x07\x12\x07pytorch", b"\x08\x0a\x3a\xff\x01", b"\x08\x08\x42\x04", b"\x08\x0d\x1a\x01x"]


def plan(file: Path) -> None:
    plan_sweep(SweepSpec(name="one", models=[ModelRef(name="net", dlc=str(file))], socs=["sa8255"]))


@pytest.mark.parametrize("name", ["net.onnx", "net.dlc"])
@pytest.mark.parametrize("content", ONNX)
def test_onnx_given_as_a_dlc_is_told_how_to_give_it(tmp_path: Path, name: str, content: bytes) -> None:
    (file := tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=rf"{name} is an ONNX model, not a DLC; give it as `onnx:`"):
        plan(file)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x1c\0\0\0TFL3\0\0", "a TFLite model"),
        (b"\x7fELF\x02\x01", "a context binary or library"),
        (b"\x1f\x8b\x08\0", "a compressed file"),
        (b"\xfd7zXZ\0\0\4", "a compressed file"),
        (b"\x28\xb5\x2f\xfd\4\0", "a compressed file"),
        (b"BZh91AY&SY\1", "a compressed file"),
        (b"\xef\xbb\xbfname", "a text file"),
        ("{}".encode("utf-16"), "a text file"),
        (b"\x89HDF\r\n\x1a\n", "a Keras or HDF5 file"),
        (b"\x80\x02}q\0", "a Python pickle"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"made by\tnobody\r\nat all", "a text file"),
        (b'{"name": "nightly"}', "a JSON file"),
    ],
)
def test_other_formats_are_told_as_well(tmp_path: Path, content: bytes, says: str) -> None:
    (file := tmp_path / "net.dlc").write_bytes(content)
    with pytest.raises(InvalidInput, match=f"is {says}, not a DLC"):
        plan(file)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"dlc", b"\x08", b"\x08\x07", bytes(20)])
def test_what_is_not_surely_something_else_is_left_to_the_tools(tmp_path: Path, content: bytes) -> None:
    (file := tmp_path / "net.dlc").write_bytes(content)
    plan(file)


@pytest.mark.parametrize("name", ["dilation1.onnx", "groups4.onnx", "lstm.onnx", "unet-nearest.onnx"])
def test_real_onnx_files_are_seen_as_such(name: str) -> None:
    file = Path(__file__).parents[4] / "shared" / "inputs" / name
    if not file.exists():
        pytest.skip("the ONNX files are not here")
    with pytest.raises(InvalidInput, match="is an ONNX model"):
        plan(file)
