"""Accuracy over an input list: as many inferences as requested run, and are compared with ONNX Runtime together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fakes.dlc import make_dlc
from qhas.cell.accuracy import measure_accuracy
from qhas.cell.outputs import run_other_inputs
from qhas.cell.prepare import prepare_graph
from qhas.cell.sequence import DIRECT, profile_cell
from qhas.cell.work import CellWork
from qhas.failures import FailureKind, Step, StepFailed
from qhas.profile.accuracy import Accuracy
from qhas.profile.figures import ACCURACY_INPUTS, TOP_1
from tests.qhas.cell.references import IMAGE, MAP, OpenBench, computed, leave
from tests.qhas.cell.workbench import bench_of


@pytest.fixture
def images(tmp_path: Path) -> list[NDArray[Any]]:
    """Three images, the second one dark, with `list.txt` naming them."""
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
