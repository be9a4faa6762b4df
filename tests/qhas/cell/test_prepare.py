# ruff: noqa: ASYNC240  # the files of these tests are a few bytes
"""The prepare step on the fake SDK makes each graph once, in a fresh directory, and is judged by what it leaves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.sdk import Fault, Tool, read_calls
from qhas.cell.prepare import prepare_graph
from qhas.cell.work import open_work
from qhas.failures import FailureKind, Step
from qhas.sweep.spec import Cell
from tests.qhas.cell.workbench import RUN, Bench, bench_of, kind_of
from tests.qhas.objects import keys_named


def contents(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_prepare_leaves_a_dlc_and_the_schematic_of_the_same_run(bench: Bench) -> None:
    prepared = await prepare_graph(bench.work)
    assert contents(bench.folder(Step.PREPARE, 1)) == {"prepared.dlc", "net_schematic.bin"}
    assert prepared.dlc.parent == prepared.schematic.parent
    assert bench.work.prepared is not None
    assert not bench.work.prepared.reused


async def test_prepare_is_asked_for_one_soc_from_the_uncached_dlc(bench: Bench) -> None:
    await prepare_graph(bench.work)
    call = read_calls(bench.sdk, Tool.PREPARE)[-1]
    assert call.option("htp_socs") == "sm8750"
    assert call.option("profiling_level") == "qhas"
    assert Path(call.option("input_dlc") or "").name == "net.dlc"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.NO_SCHEMATIC, FailureKind.SCHEMATIC_MISSING),
        (Fault.TWO_SCHEMATICS, FailureKind.SCHEMATIC_AMBIGUOUS),
        (Fault.NO_DLC, FailureKind.PREPARED_DLC_MISSING),
        (Fault.EMPTY_DLC, FailureKind.PREPARED_DLC_MISSING),
        (Fault.KILLED, FailureKind.TOOL_KILLED),
        (Fault.SEGFAULT, FailureKind.TOOL_CRASHED),
    ],
)
async def test_a_faulty_prepare_is_a_failure_of_its_kind_and_stores_no_graph(
    bench: Bench, fault: Fault, kind: FailureKind
) -> None:
    bench.suffer(Tool.PREPARE, fault)
    assert await kind_of(prepare_graph(bench.work)) is kind
    assert bench.work.attempts[0].failure is kind
    assert keys_named(bench.lab.store, "prepared", "manifest.json") == []


async def test_every_attempt_has_a_fresh_directory_and_its_own_output(bench: Bench) -> None:
    bench.suffer(Tool.PREPARE, Fault.TWO_SCHEMATICS, times=1)
    await kind_of(prepare_graph(bench.work))
    prepared = await prepare_graph(bench.work)
    assert prepared.schematic.parent == bench.folder(Step.PREPARE, 2)
    assert len(list(prepared.schematic.parent.glob("*_schematic.bin"))) == 1
    assert [path.name for path in bench.work.outputs] == ["prepare-1.txt", "prepare-2.txt"]
    assert all("Success" in path.read_text() for path in bench.work.outputs)
    assert [(made.number, made.failure) for made in bench.work.attempts] == [
        (1, FailureKind.SCHEMATIC_AMBIGUOUS),
        (2, None),
    ]


async def test_a_prepared_graph_is_made_once_for_equal_content(bench: Bench) -> None:
    await prepare_graph(bench.work)
    before = len(read_calls(bench.sdk, Tool.PREPARE))
    async with open_work(bench.work.cell, bench.lab, RUN) as other:
        prepared = await prepare_graph(other)
        assert other.prepared == bench.work.prepared.model_copy(
            update={"reused": True, "compile_seconds": None}
        )  # type: ignore[union-attr]
        assert prepared.schematic.name == "net_schematic.bin"
    assert len(read_calls(bench.sdk, Tool.PREPARE)) == before


@pytest.mark.parametrize("changes", [{"soc": "sm8650"}, {"prepare": {"vtcm_mb": 2}}])
async def test_another_soc_or_option_is_another_graph(bench: Bench, changes: dict[str, Any]) -> None:
    await prepare_graph(bench.work)
    cell = Cell.model_validate(bench.work.cell.model_dump() | changes)
    async with open_work(cell, bench.lab, RUN) as other:
        await prepare_graph(other)
        assert other.prepared is not None
        assert not other.prepared.reused


async def test_a_dlc_that_cannot_be_read_is_the_models_fault(bench: Bench) -> None:
    Path(bench.work.cell.model.dlc).unlink()
    assert await kind_of(prepare_graph(bench.work)) is FailureKind.MODEL_UNREADABLE


async def test_a_tool_that_went_missing_is_named(bench: Bench, tmp_path: Path) -> None:
    bench.lab.sdk = replace(bench.lab.sdk, root=tmp_path / "gone")
    assert await kind_of(prepare_graph(bench.work)) is FailureKind.TOOL_MISSING


async def test_a_store_that_refuses_is_a_store_failure_and_so_tried_again(
    fake_sdk: Path, tmp_path: Path, failing: set[str]
) -> None:
    async with bench_of(fake_sdk, tmp_path, "failing://steps") as bench:
        failing.add("put_file")
        assert await kind_of(prepare_graph(bench.work)) is FailureKind.STORE
        failing.clear()
        await prepare_graph(bench.work)
        failing.add("cat_file")
        assert await kind_of(prepare_graph(bench.work)) is FailureKind.STORE


async def test_a_time_limit_is_kept(fake_sdk: Path, tmp_path: Path) -> None:
    async with bench_of(fake_sdk, tmp_path, str(tmp_path), run={"timeout_seconds": 1}) as bench:
        bench.suffer(Tool.PREPARE, Fault.HANG)
        assert await kind_of(prepare_graph(bench.work)) is FailureKind.TOOL_TIMED_OUT
