"""A cell's outputs are compared with ONNX Runtime's; an impossible comparison is reported and fails no cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from fakes.dlc import make_dlc
from qhas.cell.accuracy import hindrance, is_asked_for, measure_accuracy, network_of, reference_of
from qhas.cell.sequence import DIRECT, profile_cell
from qhas.failures import FailureKind, Step
from qhas.profile.figures import COSINE, MAX_ERROR, SQNR, TOP_1
from qhas.sweep.spec import ModelRef
from tests.onnx_bytes import write_onnx
from tests.qhas.cell.references import IMAGE, LAST, MAP, OpenBench, computed, fed, leave
from tests.qhas.cell.workbench import bench_of, kind_of


async def test_figures_are_those_of_a_script_of_ones_own(against: OpenBench, networks: Path) -> None:
    async with against() as bench:
        prepared, image = await fed(bench)
        wanted = computed(networks, "map", image.reshape(IMAGE)).astype(np.float64)
        given = (wanted + np.random.default_rng(5).normal(size=MAP, scale=0.02)).astype(np.float32)
        leave(bench.work, map=given)
        await measure_accuracy(bench.work, prepared)
        error = given - wanted
        cosine = (given * wanted).sum() / np.sqrt((wanted**2).sum() * (given.astype(np.float64) ** 2).sum())
        assert COSINE.read(bench.work) == pytest.approx(cosine, abs=1e-6)
        assert SQNR.read(bench.work) == pytest.approx(
            10 * np.log10((wanted**2).sum() / (error**2).sum()), abs=0.06
        )
        assert MAX_ERROR.read(bench.work) == pytest.approx(np.abs(error).max(), rel=1e-3)
        assert TOP_1.read(bench.work) is None
        assert bench.work.accuracy
        assert bench.work.accuracy.runtime == f"onnxruntime {onnxruntime.__version__}"


async def test_channels_that_lie_elsewhere_are_no_error(against: OpenBench, networks: Path) -> None:
    async with against(*LAST) as bench:
        prepared, image = await fed(bench)
        first = np.moveaxis(image.reshape(1, 4, 6, 3), -1, 1)
        leave(bench.work, map=np.moveaxis(computed(networks, "map", first), 1, -1))
        await measure_accuracy(bench.work, prepared)
        assert bench.work.accuracy
        assert bench.work.accuracy.outputs[0].order == (0, 3, 1, 2)
        assert (SQNR.read(bench.work) or 0) > 100


async def test_a_classifiers_best_class_is_compared(against: OpenBench, networks: Path) -> None:
    async with against(outputs={"map": (1, 48)}, reference="flat") as bench:
        prepared, image = await fed(bench)
        leave(bench.work, map=computed(networks, "flat", image.reshape(IMAGE)))
        await measure_accuracy(bench.work, prepared)
        assert bench.work.accuracy
        assert (bench.work.accuracy.top1_percent, bench.work.accuracy.top5_percent) == (100, 100)


@pytest.mark.parametrize(
    ("outputs", "shapes", "sentence"),
    [
        ({}, None, "the run wrote no outputs"),
        ({"map": 47}, None, "output map has 188 bytes, but 1 x 2 x 4 x 6 float32 values in the ONNX"),
        ({"map": 48}, {"map": (1, 2, 6, 4)}, "output map has 1 x 2 x 6 x 4 values on the HTP"),
        ({"a": 48, "b": 48}, None, "the outputs of the run are a, b, but those of the ONNX are map"),
        ({"map": np.inf}, None, "output map: 48 of 48 values are infinite or NaN"),
    ],
)
async def test_outputs_that_are_not_the_onnxs_are_told(
    against: OpenBench, outputs: dict[str, Any], shapes: Any, sentence: str
) -> None:
    async with against(outputs=shapes) as bench:
        prepared, _ = await fed(bench)
        leave(
            bench.work,
            **{
                name: np.full(48, size) if isinstance(size, float) else np.zeros(size)
                for name, size in outputs.items()
            },
        )
        step = measure_accuracy(bench.work, prepared)
        assert await kind_of(step) is FailureKind.OUTPUTS_UNLIKE
        assert bench.work.accuracy is None
        with pytest.raises(Exception, match=sentence):
            await measure_accuracy(bench.work, prepared)


async def test_an_output_that_nothing_computes_is_not_missed(
    against: OpenBench, networks: Path, tmp_path: Path
) -> None:
    model = onnx.load(networks / "map.onnx")
    model.graph.output.append(model.graph.input[0])
    onnx.save(model, networks / "through.onnx")
    async with against(reference="through") as bench:
        prepared, image = await fed(bench)
        leave(bench.work, map=computed(networks, "map", image.reshape(IMAGE)))
        await measure_accuracy(bench.work, prepared)
        assert bench.work.accuracy
        assert [output.name for output in bench.work.accuracy.outputs] == ["map"]
        assert (SQNR.read(bench.work) or 0) > 100


async def test_an_input_of_a_lone_value_is_fed(fake_sdk: Path, tmp_path: Path) -> None:
    network = write_onnx(tmp_path / "scaled.onnx", inputs={"scale": ()})
    model = {"name": "net", "dlc": str(make_dlc(tmp_path / "own.dlc", inputs={"scale": (1,)}))}
    async with bench_of(
        fake_sdk, tmp_path, str(tmp_path / "store"), model=model | {"reference": str(network)}
    ) as bench:
        prepared, value = await fed(bench)
        held = await network_of(bench.work, await reference_of(bench.work), prepared)
        assert held.feed(0)["scale"] == value[0]
        assert held.feed(0)["scale"].shape == ()


async def test_inputs_that_are_not_the_onnxs_are_told(against: OpenBench) -> None:
    async with against(inputs={"image": (1, 6, 4, 4)}) as bench:
        prepared, _ = await fed(bench)
        with pytest.raises(Exception, match="input image has 1 x 6 x 4 x 4 values on the HTP"):
            await measure_accuracy(bench.work, prepared)


async def test_a_vendors_converter_leaves_open_where_square_channels_lie(
    fake_sdk: Path, tmp_path: Path
) -> None:
    network = write_onnx(tmp_path / "square.onnx", inputs={"image": (1, 8, 8, 8)})
    model = {"name": "net", "dlc": str(make_dlc(tmp_path / "own.dlc", inputs={"image": (1, 8, 8, 8)}))}
    async with bench_of(
        fake_sdk, tmp_path, str(tmp_path / "store"), model=model | {"reference": str(network)}
    ) as bench:
        prepared, _ = await fed(bench)
        with pytest.raises(Exception, match="ambiguous whether the channels come last on the HTP"):
            await measure_accuracy(bench.work, prepared)


async def test_a_cell_without_accuracy_is_as_good_and_says_why(fake_sdk: Path, tmp_path: Path) -> None:
    model = {"name": "net", "onnx": str(write_onnx(tmp_path / "net.onnx"))}
    async with bench_of(fake_sdk, tmp_path, str(tmp_path / "store"), model=model) as bench:
        record = await profile_cell(bench.work.cell, bench.lab, "nightly-1", DIRECT)
        assert record.good
        assert record.metrics
        assert record.accuracy
        assert record.accuracy.why.startswith("ONNX Runtime did not compute net.onnx: ")
        assert COSINE.read(record) is None
        (attempt,) = [each for each in record.attempts if each.step is Step.ACCURACY]
        assert attempt.failure is FailureKind.REFERENCE_FAILED


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, ""),
        ({"inputs": "none"}, "nothing was executed (inputs: none)"),
    ],
)
async def test_what_ran_has_accuracy(
    fake_sdk: Path, tmp_path: Path, fields: dict[str, Any], why: str
) -> None:
    model = {"name": "net", "onnx": "net.onnx"} | fields
    async with bench_of(fake_sdk, tmp_path, str(tmp_path / "store"), model=model) as bench:
        assert hindrance(bench.work) == why


async def test_without_onnx_runtime_it_says_so(
    fake_sdk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qhas.cell.reference._RUNTIME", "no-such-distribution")
    async with bench_of(fake_sdk, tmp_path, str(tmp_path / "store")) as bench:
        assert hindrance(bench.work) == "ONNX Runtime is not installed: pip install onnxruntime"


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"onnx": "a.onnx"}, True),
        ({"dlc": "a.dlc", "reference": "a.onnx"}, True),
        ({"dlc": "a.dlc"}, False),
        ({"onnx": "a.onnx", "accuracy": False}, False),
    ],
)
def test_it_is_asked_for_where_there_is_an_onnx(fields: dict[str, Any], asked: bool) -> None:
    assert is_asked_for(ModelRef.model_validate({"name": "net"} | fields)) is asked
