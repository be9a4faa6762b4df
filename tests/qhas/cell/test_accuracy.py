"""A cell's outputs are held against ONNX Runtime's; what cannot be is told, and costs the cell nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from fakes.dlc import make_dlc
from qhas.cell.accuracy import hindrance, is_asked_for, measure_accuracy
from qhas.cell.outputs import run_other_inputs
from qhas.cell.prepare import Prepared, prepare_graph
from qhas.cell.sequence import DIRECT, profile_cell
from qhas.cell.work import CellWork
from qhas.failures import FailureKind, Step, StepFailed
from qhas.profile.accuracy import Accuracy
from qhas.profile.figures import ACCURACY_INPUTS, COSINE, MAX_ERROR, SQNR, TOP_1
from qhas.sweep.spec import ModelRef
from tests.onnx_bytes import write_onnx
from tests.qhas.cell.workbench import Bench, bench_of, kind_of

OpenBench = Callable[..., AbstractAsyncContextManager[Bench]]
IMAGE = (1, 3, 4, 6)
MAP = (1, 2, 4, 6)
LAST = {"image": (1, 4, 6, 3)}, {"map": (1, 4, 6, 2)}


def write_network(path: Path, *, flat: bool = False) -> Path:
    """A convolution from `image` to `map`, or a classifier of 48 classes with `flat`."""
    weights = np.random.default_rng(2).normal(size=(2, 3, 3, 3)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["image", "w"], ["conv" if flat else "map"], pads=[1, 1, 1, 1])]
    if flat:
        nodes.append(helper.make_node("Flatten", ["conv"], ["map"]))
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", *IMAGE[1:]])],
        [helper.make_tensor_value_info("map", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weights, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `map.onnx` and `flat.onnx`, and a store of what ONNX Runtime computes of them."""
    folder = tmp_path_factory.mktemp("networks")
    write_network(folder / "map.onnx")
    write_network(folder / "flat.onnx", flat=True)
    return folder


@pytest.fixture
def against(fake_sdk: Path, networks: Path, tmp_path: Path) -> OpenBench:
    """A bench whose network is a DLC of these shapes with one of the networks as its reference."""

    def opened(
        inputs: dict[str, tuple[int, ...]] | None = None,
        outputs: dict[str, tuple[int, ...]] | None = None,
        reference: str = "map",
        listed: str = "random",
    ) -> AbstractAsyncContextManager[Bench]:
        dlc = make_dlc(
            tmp_path / "own.dlc", inputs=inputs or {"image": IMAGE}, outputs=outputs or {"map": MAP}
        )
        model = {"name": "net", "dlc": str(dlc), "reference": str(networks / f"{reference}.onnx")}
        return bench_of(fake_sdk, tmp_path, str(networks / "store"), model=model | {"inputs": listed})

    return opened


def computed(networks: Path, name: str, image: NDArray[Any]) -> NDArray[Any]:
    session = onnxruntime.InferenceSession(networks / f"{name}.onnx", providers=["CPUExecutionProvider"])
    (values,) = session.run(None, {"image": image})
    return np.asarray(values)


async def fed(bench: Bench) -> tuple[Prepared, NDArray[Any]]:
    """A prepared graph, and the values of its input as they lie on the HTP."""
    prepared = await prepare_graph(bench.work)
    (file,) = (await bench.work.inputs(prepared.dlc)).files.values()
    return prepared, np.fromfile(file, np.float32)


def leave(work: CellWork, inference: int = 0, **outputs: NDArray[Any]) -> None:
    """What runs leave of an inference: of the first one the profiled run, of the others the one after it."""
    step = Step.OUTPUTS if inference else Step.LOGS
    work.folders[step] = work.directory / step
    folder = work.folders[step] / f"Result_{max(0, inference - 1)}"
    folder.mkdir(parents=True)
    for name, values in outputs.items():
        values.astype(np.float32).tofile(folder / f"{name}.raw")


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


@pytest.fixture
def images(tmp_path: Path) -> list[NDArray[Any]]:
    """Three, the second one dark, as `list.txt` names them."""
    generator = np.random.default_rng(3)
    made = [generator.normal(size=IMAGE, scale=scale).astype(np.float32) for scale in (1, 0.01, 2)]
    for number, image in enumerate(made):
        image.tofile(tmp_path / f"{number}.raw")
    (tmp_path / "list.txt").write_text("".join(f"image:={number}.raw\n" for number in range(3)))
    return made


async def test_figures_of_a_list_are_those_of_all_its_values(
    against: OpenBench, networks: Path, images: list[NDArray[Any]], tmp_path: Path
) -> None:
    async with against(listed=str(tmp_path / "list.txt")) as bench:
        prepared = await prepare_graph(bench.work)
        wanted = [computed(networks, "map", image) for image in images]
        noise = np.random.default_rng(5)
        given = [(each + noise.normal(size=MAP, scale=0.02)).astype(np.float32) for each in wanted]
        for number, each in enumerate(given):
            leave(bench.work, number, map=each)
        await measure_accuracy(bench.work, prepared)
        right, ours = (np.concatenate(each).astype(np.float64).ravel() for each in (wanted, given))
        accuracy = bench.work.accuracy
        assert accuracy
        assert accuracy.cosine == pytest.approx(
            right @ ours / np.linalg.norm(right) / np.linalg.norm(ours), abs=1e-9
        )
        error = ours - right
        assert accuracy.sqnr_db == pytest.approx(10 * np.log10((right @ right) / (error @ error)), abs=1e-3)
        assert accuracy.max_abs_error == pytest.approx(np.abs(error).max(), rel=1e-5)
        dark = given[1].astype(np.float64) - wanted[1]
        (output,) = accuracy.outputs
        assert (output.worst_input, output.worst_sqnr_db) == (
            2,
            pytest.approx(10 * np.log10((wanted[1] ** 2).sum() / (dark**2).sum()), abs=1e-3),
        )
        assert (ACCURACY_INPUTS.read(bench.work), accuracy.over) == (3, "over 3 inputs")


async def test_classes_of_a_list_are_counted_over_all(
    against: OpenBench, networks: Path, images: list[NDArray[Any]], tmp_path: Path
) -> None:
    listed = str(tmp_path / "list.txt")
    async with against(outputs={"map": (1, 48)}, reference="flat", listed=listed) as bench:
        prepared = await prepare_graph(bench.work)
        wanted = [computed(networks, "flat", image) for image in images]
        for number, each in enumerate((wanted[0], wanted[1], -wanted[2])):
            leave(bench.work, number, map=each)
        await measure_accuracy(bench.work, prepared)
        assert TOP_1.read(bench.work) == pytest.approx(200 / 3)


async def test_a_cell_runs_its_list_as_far_as_accuracy_is_asked_of(
    fake_sdk: Path, images: list[NDArray[Any]], tmp_path: Path
) -> None:
    dlc = make_dlc(tmp_path / "own.dlc", inputs={"image": IMAGE}, outputs={"map": MAP})
    model = {"name": "net", "dlc": str(dlc), "reference": "a.onnx", "inputs": str(tmp_path / "list.txt")}
    model["accuracy_inputs"] = 2
    async with bench_of(fake_sdk, tmp_path, str(tmp_path / "store"), model=model) as bench:
        prepared = await prepare_graph(bench.work)
        async with bench.work.lease() as device:
            await run_other_inputs(bench.work, prepared, device)
        folder = bench.folder(Step.OUTPUTS, 1)
        assert [str(file.relative_to(folder)) for file in folder.glob("Result*/*")] == ["Result_0/map.raw"]
        assert (folder / "input_list.txt").read_text() == "image:=inputs/1-1.raw\n"


async def test_other_inputs_that_do_not_run_cost_the_accuracy_alone(
    fake_sdk: Path, networks: Path, images: list[NDArray[Any]], tmp_path: Path
) -> None:
    dlc = make_dlc(tmp_path / "own.dlc", inputs={"image": IMAGE}, outputs={"map": MAP})
    model = {"name": "net", "dlc": str(dlc), "reference": str(networks / "map.onnx")}
    model["inputs"] = str(tmp_path / "list.txt")
    async with bench_of(fake_sdk, tmp_path, str(tmp_path / "store"), model=model) as bench:

        async def fails(work: CellWork, *_: Any) -> None:
            async with work.attempt(Step.OUTPUTS) as attempt:
                raise StepFailed(FailureKind.TOOL_TIMED_OUT, attempt.step, "2 inferences took too long.")

        steps = replace(DIRECT, run_other_inputs=fails)
        record = await profile_cell(bench.work.cell, bench.lab, "nightly-1", steps)
        assert record.good
        assert record.accuracy
        assert record.accuracy.why == "2 inferences took too long"


def test_a_record_from_before_is_of_one_inference() -> None:
    assert (
        Accuracy.model_validate_json('{"cosine": 0.9, "sqnr_db": 20.0, "outputs": []}').over == "over 1 input"
    )


def test_a_list_that_is_longer_is_told() -> None:
    assert Accuracy(inferences=16, listed=100).over == "over the first 16 of 100 inputs"


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
        ({}, None, "the run left no outputs"),
        ({"map": 47}, None, "output map has 188 bytes, and 1 x 2 x 4 x 6 values of float32 in the ONNX"),
        ({"map": 48}, {"map": (1, 2, 6, 4)}, "output map is of 1 x 2 x 6 x 4 values on the HTP"),
        ({"a": 48, "b": 48}, None, "the outputs of the run are a, b, and those of the ONNX map"),
        ({"map": np.inf}, None, "output map: 48 of 48 values are infinite or no numbers"),
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


async def test_inputs_that_are_not_the_onnxs_are_told(against: OpenBench) -> None:
    async with against(inputs={"image": (1, 6, 4, 4)}) as bench:
        prepared, _ = await fed(bench)
        with pytest.raises(Exception, match="input image is of 1 x 6 x 4 x 4 values on the HTP"):
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
        with pytest.raises(Exception, match="whether they come last on the HTP is not told"):
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
