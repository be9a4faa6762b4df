"""An ONNX is converted by the SDK's tools to the DLC to prepare, once per distinct content; failures are reported."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes.sdk import Fault, Tool, read_calls
from qhas.cell.calibration import _values
from qhas.cell.conversion import convert, order_of, quantize
from qhas.cell.data import require_data
from qhas.cell.outlook import Contents, Found
from qhas.cell.prepare import prepare_graph
from qhas.failures import FailureKind, InvalidInput, Step, StepFailed
from qhas.site.fit import require_quantiser
from tests.onnx_bytes import write_onnx
from tests.qhas.cell.workbench import Bench, bench_of, kind_of

OpenBench = Callable[..., AbstractAsyncContextManager[Bench]]


@pytest.fixture
def onnx_bench(fake_sdk: Path, tmp_path: Path) -> OpenBench:
    """Open benches whose network is an ONNX, or a model with the given fields; all share one store."""

    def opened(**fields: Any) -> AbstractAsyncContextManager[Bench]:
        path = tmp_path / "net.onnx"
        if not path.exists():
            write_onnx(path)
        model = {"name": "net", "onnx": str(path)} | fields
        return bench_of(fake_sdk, tmp_path, str(tmp_path / "store"), model=model)

    return opened


def calls(bench: Bench, tool: Tool) -> int:
    return len(
        [call for call in read_calls(bench.sdk, tool) if call.cwd.is_relative_to(bench.work.directory)]
    )


async def test_it_is_converted_and_then_prepared(onnx_bench: OpenBench) -> None:
    async with onnx_bench() as bench:
        await convert(bench.work)
        prepared = await prepare_graph(bench.work)
        assert prepared.dlc.is_file()
        assert (bench.work.conversion and bench.work.conversion.quantization) == "float"
        assert bench.work.model
        assert bench.work.model.model_dump().keys() == {"onnx", "sha256", "size"}


async def test_a_vendors_sdk_quantises_the_dlc(onnx_bench: OpenBench) -> None:
    async with onnx_bench(quantize="w8a16") as bench:
        assert order_of(bench.work.cell, bench.work.sdk) == (Step.CONVERT, Step.QUANTIZE)
        await convert(bench.work)
        before = bench.work.conversion
        await quantize(bench.work)
        (call,) = [
            each
            for each in read_calls(bench.sdk, Tool.QUANTIZER)
            if each.cwd.is_relative_to(bench.work.directory)
        ]
        assert (call.option("weights_bitwidth"), call.option("act_bitwidth")) == ("8", "16")
        assert bench.work.conversion
        assert bench.work.conversion.quantization == "w8a16"
        assert bench.work.conversion.sha256 != (before and before.sha256)


async def test_the_same_network_is_made_once(onnx_bench: OpenBench) -> None:
    async with onnx_bench(quantize="w8a8") as first:
        await convert(first.work)
        await quantize(first.work)
        graph = await prepare_graph(first.work)
        made = graph.dlc.read_bytes()
    async with onnx_bench(quantize="w8a8") as again:
        await convert(again.work)
        await quantize(again.work)
        assert (await prepare_graph(again.work)).dlc.read_bytes() == made
        assert calls(again, Tool.CONVERTER) + calls(again, Tool.QUANTIZER) + calls(again, Tool.PREPARE) == 0
        assert again.work.conversion
        assert again.work.conversion.reused


async def test_a_plan_knows_that_it_is_made(onnx_bench: OpenBench) -> None:
    async with onnx_bench(quantize="w8a8") as bench:
        cell, lab = bench.work.cell, bench.work.lab
        assert await Contents(lab).found(cell) == Found(made=False, prepared=False)
        await convert(bench.work)
        await quantize(bench.work)
        assert await Contents(lab).found(cell) == Found(made=True, prepared=False)
        await prepare_graph(bench.work)
        assert await Contents(lab).found(cell) == Found(made=True, prepared=True)


@pytest.mark.parametrize(
    "other",
    [
        {"quantize": "w8a16"},
        {"shapes": {"image": [2, 3, 8, 8]}},
        {"quantize": {"activations": 8, "calibration": "list"}},
    ],
)
async def test_what_changes_the_result_is_made_anew(
    onnx_bench: OpenBench, tmp_path: Path, other: dict[str, Any]
) -> None:
    np.zeros(192, np.float32).tofile(tmp_path / "zeros.raw")
    (tmp_path / "list").write_text("zeros.raw\n")
    if other.get("quantize", {}) and isinstance(other["quantize"], dict):
        other = {"quantize": other["quantize"] | {"calibration": str(tmp_path / "list")}}
    async with onnx_bench(quantize="w8a8") as first:
        await convert(first.work)
        await quantize(first.work)
        key = first.work.conversion and first.work.conversion.key
    async with onnx_bench(**{"quantize": "w8a8"} | other) as again:
        await convert(again.work)
        await quantize(again.work)
        assert (again.work.conversion and again.work.conversion.key) != key


async def test_weights_beside_it_count(onnx_bench: OpenBench, tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "net.onnx", nodes=[b"\n\x08location\x12\x08net.data"])
    (tmp_path / "net.data").write_bytes(b"one")
    async with onnx_bench() as bench:
        source, facts = await bench.lab.model(bench.work.cell.model)
        assert source.path.with_name("net.data").read_bytes() == b"one"
        assert facts.size == path.stat().st_size + 3


async def test_a_folder_of_arrays_calibrates(onnx_bench: OpenBench, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    np.save(tmp_path / "images" / "a.npy", np.ones((1, 3, 8, 8)))
    np.ones(192, np.float32).tofile(tmp_path / "images" / "b.raw")
    async with onnx_bench(quantize={"calibration": str(tmp_path / "images")}) as bench:
        await convert(bench.work)
        await quantize(bench.work)
        values = [
            np.fromfile(path, np.float32)
            for path in sorted((bench.work.directory / "calibration").glob("*.raw"))
        ]
        assert [each.size for each in values] == [192, 192]


def npy(description: str) -> bytes:
    """The beginning of a NumPy array file with this header."""
    header = description.ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def array_of(kind: str, shape: str = "(1,)") -> bytes:
    return npy(f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}}}") + bytes(16)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (array_of("<f4", "(1000000000000,)"), "its header states a size larger than memory"),
        (array_of("<c8"), "it holds complex64"),
        (array_of("<M8[ns]"), r"it holds datetime64\[ns\]"),
        (array_of("|O"), "Object arrays cannot be loaded"),
        (b"PK\x03\x04" + bytes(40), "the magic string is not correct"),
        (b"\x80\x04.", "EOF"),
        (npy("\0'descr': '<f4', 'shape': (1,), }"), "EOF in multi-line statement"),
    ],
)
def test_an_array_of_anything_but_numbers_is_told(content: bytes, fault: str) -> None:
    with pytest.raises(StepFailed, match=fault):
        _values(content, "a.npy")


async def test_a_pipe_among_calibration_data_is_not_waited_for(onnx_bench: OpenBench, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    os.mkfifo(tmp_path / "images" / "a.npy")
    async with onnx_bench(quantize={"calibration": str(tmp_path / "images")}) as bench:
        await convert(bench.work)
        assert await kind_of(quantize(bench.work)) is FailureKind.CALIBRATION_UNUSABLE


@pytest.mark.parametrize("content", [b"not an array", np.zeros(5, np.float32).tobytes()])
async def test_calibration_data_that_do_not_fit_are_told(
    onnx_bench: OpenBench, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / ("a.npy" if content[:1] == b"n" else "a.raw")).write_bytes(content)
    async with onnx_bench(quantize={"calibration": str(tmp_path / "images")}) as bench:
        await convert(bench.work)
        assert await kind_of(quantize(bench.work)) is FailureKind.CALIBRATION_UNUSABLE


async def test_a_scratch_directory_whose_files_no_list_can_name_is_told_before_anything_runs(
    onnx_bench: OpenBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (blank := tmp_path / "lab scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(blank))
    async with onnx_bench(quantize="w8a16") as bench:
        with pytest.raises(InvalidInput, match="set TMPDIR to a path without any"):
            require_data(bench.work.cell.model)
        await convert(bench.work)
        assert await kind_of(quantize(bench.work)) is FailureKind.CALIBRATION_UNUSABLE


async def test_a_dimension_without_a_number_is_asked_for(onnx_bench: OpenBench, tmp_path: Path) -> None:
    write_onnx(tmp_path / "net.onnx", inputs={"image": ("batch", 3, 8, 8)})
    async with onnx_bench() as bench:
        assert await kind_of(convert(bench.work)) is FailureKind.SHAPE_OPEN
    async with onnx_bench(shapes={"image": [4, 3, 8, 8]}) as bench:
        await convert(bench.work)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.ERROR_EXIT, FailureKind.ONNX_REJECTED),
        (Fault.NO_NETWORK, FailureKind.NETWORK_MISSING),
        (Fault.SEGFAULT, FailureKind.TOOL_CRASHED),
    ],
)
@pytest.mark.parametrize("tool", [Tool.CONVERTER, Tool.QUANTIZER])
async def test_what_goes_wrong_has_its_kind(
    onnx_bench: OpenBench, tool: Tool, fault: Fault, kind: FailureKind
) -> None:
    async with onnx_bench(quantize="w8a8") as bench:
        bench.suffer(tool, fault)
        if tool is Tool.QUANTIZER:
            await convert(bench.work)
        assert await kind_of(convert(bench.work) if tool is Tool.CONVERTER else quantize(bench.work)) is kind


async def test_a_vendors_sdk_has_no_mixed_bits_and_that_is_said_before_anything_runs(
    onnx_bench: OpenBench,
) -> None:
    async with onnx_bench(quantize="w8mixed") as bench:
        with pytest.raises(InvalidInput, match=r"w8mixed needs the host SDK; .* choose w8a8 or w8a16"):
            require_quantiser(bench.work.sdk, bench.work.cell)


async def test_bits_that_both_have_are_not_refused(onnx_bench: OpenBench) -> None:
    async with onnx_bench(quantize="w8a16") as bench:
        require_quantiser(bench.work.sdk, bench.work.cell)
