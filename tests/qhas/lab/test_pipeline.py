"""The order of work keeps devices busy, is bounded, and ends near the lower bound; hours are simulated in no time."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from statistics import mean

import pytest

from qhas.lab import pipeline as schedule
from qhas.lab.pipeline import Pipeline, Stage
from qhas.lab.rehearsal import in_no_time
from qhas.machine.cores import Cores
from qhas.site import Host
from qhas.sweep.forecast import Forecast
from qhas.sweep.quantization import Quantization
from qhas.sweep.spec import Cell, ModelRef
from tests.qhas.lab.rack import HOST, Rack, by_size, cell_of, known, rack_of


@pytest.mark.parametrize("cores", [2, 4, 8])
@pytest.mark.parametrize("seed", range(4))
def test_a_sweep_whose_prepares_take_longest_ends_within_a_twentieth_of_the_lower_bound(
    seed: int, cores: int
) -> None:
    rack, cells = rack_of(seed, (1, 10), cores=cores)
    assert rack.run(cells, known(rack)) <= 1.05 * rack.lower_bound()


@pytest.mark.parametrize("prepare", [0.0, 0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_no_balance_of_host_and_devices_costs_more_than_a_twelfth(seed: int, prepare: float) -> None:
    rack, cells = rack_of(seed, (prepare, prepare))
    assert rack.run(cells, known(rack)) <= 1.08 * rack.lower_bound()


@pytest.mark.parametrize("seed", range(4))
def test_where_devices_are_scarce_a_sweep_ends_within_a_fiftieth_of_the_lower_bound(seed: int) -> None:
    rack, cells = rack_of(seed, (1, 10), cores=64, devices=1)
    assert rack.run(cells, known(rack)) <= 1.02 * rack.lower_bound()


@pytest.mark.parametrize("cores", [16, 24, 32])
def test_a_host_that_has_as_much_to_do_as_the_devices_of_each_soc_leaves_them_no_long_cells_for_the_end(
    cores: int,
) -> None:
    share = []
    for seed in range(4):
        rack, cells = rack_of(seed, (1, 10), cores=cores, devices=1)
        share.append(rack.run(cells, known(rack)) / rack.lower_bound())
    assert mean(share) <= 1.15
    assert max(share) <= 1.25


@pytest.mark.parametrize("seed", range(3))
def test_without_history_a_sweep_is_still_near_the_lower_bound(seed: int) -> None:
    rack, cells = rack_of(seed, (0.5, 0.5))
    assert rack.run(cells) <= 1.25 * rack.lower_bound()


@pytest.mark.parametrize("cores", [2, 4, 8])
@pytest.mark.parametrize("seed", range(4))
def test_a_first_night_that_knows_how_large_its_networks_are_ends_within_a_twentieth_of_the_lower_bound(
    seed: int, cores: int
) -> None:
    rack, cells = rack_of(seed, (1, 10), cores=cores)
    assert rack.run(cells, by_size(rack, seed)) <= 1.05 * rack.lower_bound()


def test_the_lead_of_this_host_over_the_devices_is_bounded() -> None:
    rack, cells = rack_of(0, (0.01, 0.01), networks=100)
    rehearsal = rack.rehearsal()
    in_no_time(rehearsal.run(cells, known(rack)))
    assert 0 < rehearsal.lead <= 3 * 8


def test_a_soc_alone_may_use_every_core_for_its_prepares() -> None:
    cells = [cell_of("sm8750", f"net{n}") for n in range(16)]
    rack = Rack({"sm8750": 1}, 8, {cell.key: Forecast(100.0, 1.0) for cell in cells})
    assert rack.run(cells) < 2 * 100 + 16


def test_simulated_cells_are_finished_before_others_are_begun() -> None:
    cells = [cell_of("sm8750", f"net{n}") for n in range(50)]
    most = 0

    async def run() -> None:
        cores, pipeline, open_cells = Cores(2), Pipeline(cells, {}, 2, HOST, Path("/")), 0

        async def one(cell: Cell) -> None:
            nonlocal open_cells, most
            open_cells += 1
            most = max(most, open_cells)
            for stage in (Stage.PREPARING, Stage.ON_DEVICE, Stage.FINISHING):
                pipeline.enter(cell, stage)
                async with cores.turn(lambda: pipeline.urgency(cell)):
                    await asyncio.sleep(10)
            open_cells -= 1
            pipeline.leave(cell)

        async with asyncio.TaskGroup() as group:
            async for cell in pipeline:
                group.create_task(one(cell))

    in_no_time(run())
    assert most <= 3 * 2


def onnx_cell(soc: str, name: str) -> Cell:
    return Cell(model=ModelRef(name=name, onnx=f"{name}.onnx", quantize=Quantization()), soc=soc)


async def started(pipeline: Pipeline, count: int) -> list[str]:
    """The network and SoC of each of the next cells that start."""
    cells = aiter(pipeline)
    return [(await anext(cells)).key.removesuffix("/default") for _ in range(count)]


def test_cells_of_a_network_that_is_being_converted_come_after_the_others() -> None:
    cells = [onnx_cell(soc, name) for name in ("a", "b") for soc in ("sa8255", "qcs9100")]

    async def run() -> None:
        pipeline = Pipeline(cells, {}, 2, HOST, Path("/"))
        assert await started(pipeline, 2) == ["a/sa8255", "b/qcs9100"]
        pipeline.enter(cells[0], Stage.ON_DEVICE)
        assert await started(pipeline, 1) == ["a/qcs9100"]
        pipeline.enter(cells[1], Stage.ON_DEVICE)
        assert await started(pipeline, 1) == ["b/sa8255"]

    in_no_time(run())


def test_where_every_network_is_being_converted_cells_start_all_the_same() -> None:
    cells = [onnx_cell(soc, "a") for soc in ("sa8255", "qcs9100")]

    async def run() -> None:
        assert await started(Pipeline(cells, {}, 2, HOST, Path("/")), 2) == ["a/sa8255", "a/qcs9100"]

    in_no_time(run())


def test_a_conversion_that_failed_keeps_nobody_waiting() -> None:
    cells = [onnx_cell(soc, name) for name in ("a", "b") for soc in ("sa8255", "qcs9100")]

    async def run() -> None:
        pipeline = Pipeline(cells, {}, 1, HOST, Path("/"))
        assert await started(pipeline, 1) == ["a/sa8255"]
        pipeline.leave(cells[0])
        assert await started(pipeline, 1) == ["a/qcs9100"]

    in_no_time(run())


def test_every_cell_starts_once_even_where_nothing_has_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "_available_memory", lambda: 0.0)
    cells = [cell_of("sm8750", f"net{n}") for n in range(5)]
    at_once, started = Counter[int](), []

    async def run() -> None:
        pipeline = Pipeline(cells, {"sm8750": 3}, 4, Host(), Path("/"))

        async def one(cell: Cell) -> None:
            started.append(cell.key)
            at_once[len(started)] += 1
            await asyncio.sleep(5)
            pipeline.leave(cell)

        async with asyncio.TaskGroup() as group:
            async for cell in pipeline:
                group.create_task(one(cell))

    assert in_no_time(run()) >= 25
    assert sorted(started) == sorted(cell.key for cell in cells)
