"""A run in the store: begun once, resumed by its id, read back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fakes.records import MOMENT, metrics, model, record, spec
from qhas.cell.resume import finished_cells, sdk_facts
from qhas.failures import FailureKind, InvalidInput
from qhas.lab.lab import Lab
from qhas.naming import check_name
from qhas.runs import keys
from qhas.runs.record import (
    SCHEMA_VERSION,
    CellRecord,
    CellStatus,
    ModelFacts,
    SdkFacts,
    SitePart,
    SiteState,
    SweepRecord,
    SweepState,
)
from qhas.runs.stored import (
    RunNotEnded,
    begin_run,
    cancel_run,
    end_run,
    ending,
    load_run,
    new_run_id,
    read_cell,
    read_run,
    require_run,
)
from qhas.site import Site
from qhas.site.sdk import Sdk, SdkKind
from qhas.store import Artifact, Store, StoreError
from qhas.sweep.model_ref import ModelRef
from qhas.sweep.plan import Plan, plan_sweep
from qhas.sweep.spec import Cell

RUN = "nightly-1"


def lab_of(store: Store) -> Lab:
    """As much of a lab as a run needs."""
    sdk = Sdk(Path("/sdk"), "2.45.0", SdkKind.VENDOR)

    async def dlc(model: ModelRef) -> tuple[Path, ModelFacts]:
        return Path(model.dlc or ""), ModelFacts(dlc=model.dlc, sha256="d" * 64, size=9)

    return cast(
        Lab,
        SimpleNamespace(store=store, sdk=sdk, sdk_of=lambda _: sdk, site=Site(store=store.root), model=dlc),
    )


def made_here(cell: Cell, *, dlc: str = "d" * 64, sdk: str = "2.45.0", **changes: Any) -> CellRecord:
    """A record whose DLC and SDK are those of `lab_of`, unless changed."""
    facts = ModelFacts(dlc=cell.model.dlc, sha256=dlc, size=9)
    return record(cell, model=facts, sdk=SdkFacts(kind=SdkKind.VENDOR, version=sdk), **changes)


@pytest.fixture
def lab(store: Store) -> Lab:
    return lab_of(store)


def plan_of(**changes: Any) -> Any:
    return plan_sweep(spec(**{"socs": ["sm8650", "sm8750"]} | changes), look_up=False)


def begin(lab: Lab, run_id: str, plan: Plan) -> SweepRecord:
    """Begin a run at one site."""
    return begin_run(lab.store, run_id, plan, lab.site, sdk_facts(lab))


def publish(store: Store, cell: CellRecord) -> None:
    for artifact in cell.artifacts:
        store.write(keys.file(cell, artifact), b"x" * artifact.size)
    store.write(keys.manifest(keys.cell(cell.run_id, cell.cell)), cell.model_dump_json().encode())


def test_a_run_that_begins_is_running(lab: Lab) -> None:
    begun = begin(lab, RUN, plan_of())
    assert begun.state is SweepState.RUNNING
    assert begun.cells == 2
    assert read_run(lab.store, RUN) == begun


def test_the_same_spec_goes_on_with_the_first_start(lab: Lab) -> None:
    first = begin(lab, RUN, plan_of())
    cancel_run(lab.store, first)
    again = begin(lab, RUN, plan_of())
    assert again.started_at == first.started_at
    assert (again.state, again.finished_at) == (SweepState.RUNNING, None)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"socs": ["sm8650"]}, ["socs: - sm8750"]),
        ({"models": [model(dlc="/other.dlc")]}, ["models.net.dlc: /models/net.dlc -> /other.dlc"]),
        (
            {"prepare": {"vtcm_mb": 2}, "run": {"repetitions": 1}},
            ["prepare.vtcm_mb: not given -> 2", "run.repetitions: 30 -> 1"],
        ),
        ({"exclude": [{"soc": "sm8650"}]}, ['exclude: + {"soc": "sm8650"}']),
    ],
)
def test_another_spec_is_refused_with_every_value_that_differs(
    lab: Lab, changes: dict[str, Any], named: list[str]
) -> None:
    first = begin(lab, RUN, plan_of())
    with pytest.raises(InvalidInput, match=f"Run {RUN} was started with another spec") as refused:
        begin(lab, RUN, plan_of(**changes))
    assert [line.strip() for line in str(refused.value).splitlines()[1:]] == named
    assert read_run(lab.store, RUN) == first


def test_flow_runs_of_a_run_are_kept_in_the_order_of_its_tries(lab: Lab) -> None:
    for flow_run, kept in (("a", ["a"]), ("b", ["a", "b"]), ("a", ["b", "a"]), (None, ["b", "a"])):
        begun = begin_run(lab.store, RUN, plan_of(), lab.site, flow_run=flow_run)
        assert begun.flow_runs == kept


@pytest.mark.parametrize("error", [StoreError("The store is gone."), OSError("No space left on device")])
def test_what_fails_while_a_run_ends_says_how_the_run_is_completed(error: Exception) -> None:
    with (
        pytest.raises(
            RunNotEnded, match=rf"The finished cells of run {RUN} are stored.*--run-id {RUN} completes it\."
        ),
        ending(RUN),
    ):
        raise error


@pytest.mark.parametrize(
    ("failures", "state", "failed"),
    [([None, None], SweepState.COMPLETE, 0), ([None, FailureKind.TOOL_FAILED], SweepState.PARTIAL, 1)],
)
def test_a_run_ends_complete_or_partial(
    lab: Lab, failures: list[FailureKind | None], state: SweepState, failed: int
) -> None:
    begun = begin(lab, RUN, plan_of())
    ended = end_run(lab.store, begun, [record(failure=failure) for failure in failures])
    assert (ended.state, ended.failed) == (state, failed)
    assert ended.finished_at is not None
    assert read_run(lab.store, RUN) == ended


def test_a_run_over_sites_ends_with_what_each_did_and_without_an_sdk_of_its_own(lab: Lab) -> None:
    plan = plan_of()
    begun = begin_run(lab.store, RUN, plan, lab.site)
    parts = [
        SitePart(
            site=name, deployment=f"sweep/{name}", state=state, cells=1, good=good, failed=0, flow_run="f"
        )
        for name, state, good in (("lab1", SiteState.FINISHED, 1), ("lab2", SiteState.LOST, 0))
    ]
    ended = end_run(lab.store, begun, [record(plan.cells[0])], parts)
    assert (ended.state, ended.good, ended.failed, ended.missing) == (SweepState.PARTIAL, 1, 0, 1)
    assert [part.missing for part in ended.sites] == [0, 1]
    assert read_run(lab.store, RUN) == ended
    assert ended.sdk is None


def test_a_part_is_of_a_run_that_is_in_the_store(lab: Lab) -> None:
    with pytest.raises(InvalidInput, match=f"has no run {RUN}: all sites of a sweep write to one store"):
        require_run(lab.store, RUN, spec())
    begun = begin(lab, RUN, plan_of())
    assert require_run(lab.store, RUN, begun.spec) == begun
    with pytest.raises(InvalidInput, match="another spec"):
        require_run(lab.store, RUN, spec(name="other"))


def test_a_cancelled_run_says_so(lab: Lab) -> None:
    cancel_run(lab.store, begin(lab, RUN, plan_of()))
    run = read_run(lab.store, RUN)
    assert run is not None
    assert run.state is SweepState.CANCELLED


async def test_only_complete_cells_are_finished(lab: Lab) -> None:
    cells = plan_of(models=[model("a"), model("b")]).cells
    publish(lab.store, made_here(cells[0]))
    publish(lab.store, made_here(cells[1], failure=FailureKind.TOOL_CRASHED))
    done = await finished_cells(lab, RUN, cells)
    assert list(done) == [cells[0].key]
    assert done[cells[0].key].status is CellStatus.COMPLETE


@pytest.mark.parametrize("other", [{"dlc": "e" * 64}, {"sdk": "2.48.0"}], ids=str)
async def test_a_cell_made_from_another_dlc_or_by_another_sdk_runs_again(
    lab: Lab, other: dict[str, str]
) -> None:
    (cell, _) = plan_of().cells
    publish(lab.store, made_here(cell, **other))
    assert await finished_cells(lab, RUN, [cell]) == {}


@pytest.mark.parametrize("content", [None, b"", b"half"], ids=["gone", "empty", "cut off"])
async def test_a_cell_whose_file_is_damaged_runs_again(lab: Lab, content: bytes | None) -> None:
    (cell, _) = plan_of().cells
    publish(lab.store, done := made_here(cell))
    (trace,) = done.artifacts
    if content is None:
        lab.store.delete(keys.file(done, trace))
    else:
        lab.store.write(keys.file(done, trace), content)
    assert await finished_cells(lab, RUN, [cell]) == {}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff"], ids=repr)
async def test_a_damaged_record_of_a_cell_counts_as_missing(lab: Lab, content: bytes) -> None:
    (cell, _) = plan_of().cells
    publish(lab.store, made_here(cell))
    lab.store.write(keys.manifest(keys.cell(RUN, cell)), content)
    assert read_cell(lab.store, RUN, cell) is None
    assert await finished_cells(lab, RUN, [cell]) == {}


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**300])
def test_a_record_with_a_number_that_no_history_holds_counts_as_missing(lab: Lab, number: int) -> None:
    (cell, _) = plan_of().cells
    whole = made_here(cell).model_copy(update={"metrics": metrics()}).model_dump_json()
    lab.store.write(keys.manifest(keys.cell(RUN, cell)), whole.encode())
    assert read_cell(lab.store, RUN, cell) is not None
    damaged = whole.replace('"dram_write":400000', f'"dram_write":{number}')
    lab.store.write(keys.manifest(keys.cell(RUN, cell)), damaged.encode())
    assert read_cell(lab.store, RUN, cell) is None


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("artifacts", 0, "path"), "../../../../x"),
        (("artifacts", 0, "path"), "/etc/passwd"),
        (("artifacts", 0, "path"), "a\nb"),
        (("artifacts", 0, "path"), ""),
        (("cell", "variant"), "../x"),
        (("cell", "model", "name"), "a/b"),
        (("cell", "soc"), ".."),
        (("run_id",), "../nightly-1"),
    ],
)
def test_a_record_of_a_cell_that_points_elsewhere_is_not_followed(
    lab: Lab, place: tuple[Any, ...], value: str
) -> None:
    (cell, _) = plan_of().cells
    stored = made_here(cell, artifacts=[Artifact(name="qhas", path="qhas.json", sha256="0", size=1)])
    document = json.loads(stored.model_dump_json())
    *way, last = place
    holder = document
    for part in way:
        holder = holder[part]
    assert last in (holder if isinstance(holder, dict) else range(len(holder)))
    holder[last] = value
    lab.store.write(keys.manifest(keys.cell(RUN, cell)), json.dumps(document).encode())
    assert read_cell(lab.store, RUN, cell) is None


def test_a_record_of_a_run_with_another_id_than_a_name_is_refused(lab: Lab) -> None:
    begun = begin_run(lab.store, RUN, plan_of(), lab.site)
    changed = begun.model_dump_json().replace(f'"run_id":"{RUN}"', '"run_id":"../../x"')
    lab.store.write(keys.sweep_record(RUN), changed.encode())
    with pytest.raises(InvalidInput, match="run_id") as refusal:
        read_run(lab.store, RUN)
    assert len(str(refusal.value).splitlines()) == 1


async def test_a_cell_of_another_run_is_not_finished_in_this_one(lab: Lab) -> None:
    (cell, _) = plan_of().cells
    publish(lab.store, made_here(cell, run_id="nightly-2"))
    assert await finished_cells(lab, RUN, [cell]) == {}


def test_a_run_is_loaded_with_its_cells_in_the_order_of_the_plan(lab: Lab) -> None:
    plan = plan_of(models=[model("b"), model("a")])
    begin(lab, RUN, plan)
    for cell in reversed(plan.cells):
        publish(lab.store, record(cell))
    _, cells = load_run(lab.store, RUN)
    assert [cell.cell.key for cell in cells] == [cell.key for cell in plan.cells]


def test_a_run_that_is_not_finished_is_loaded_with_what_there_is(lab: Lab) -> None:
    plan = plan_of()
    begin(lab, RUN, plan)
    publish(lab.store, record(plan.cells[1], failure=FailureKind.LOG_EMPTY))
    run, cells = load_run(lab.store, RUN)
    assert run.cells - len(cells) == 1


def test_an_unknown_run_is_refused_by_id_and_store(lab: Lab) -> None:
    with pytest.raises(InvalidInput, match="has no run nightly-9"):
        load_run(lab.store, "nightly-9")


@pytest.mark.parametrize("run_id", ["../x", "a b", "", "a/b"])
def test_a_run_id_that_is_no_name_is_refused(lab: Lab, run_id: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be a name"):
        load_run(lab.store, run_id)
    with pytest.raises(InvalidInput, match="cannot be a name"):
        begin(lab, run_id, plan_of())


@pytest.mark.parametrize("run_id", ["index", "assets", "index.html", "Index.JSON"])
def test_a_run_called_like_something_of_all_reports_is_refused(lab: Lab, run_id: str) -> None:
    with pytest.raises(InvalidInput, match=f"A run cannot be called {run_id}"):
        begin(lab, run_id, plan_of())


def test_a_damaged_record_of_a_run_is_refused_in_one_line(lab: Lab) -> None:
    lab.store.write(keys.sweep_record(RUN), b'{"run_id": 1}')
    with pytest.raises(InvalidInput, match=f"record of run {RUN} cannot be read") as refused:
        load_run(lab.store, RUN)
    assert "\n" not in str(refused.value)


PLACES = [(), ("sdk",), ("artifacts", 0), ("metrics",), ("cell",), ("cell", "model"), ("cell", "prepare")]


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_readers_ignore_keys_of_a_cell_that_they_do_not_know(lab: Lab, place: tuple[Any, ...]) -> None:
    (cell, _) = plan_of().cells
    document = json.loads(record(cell).model_dump_json())
    spot = document
    for part in place:
        spot = spot[part]
    spot["added_later"] = {"x": 1}
    lab.store.write(keys.manifest(keys.cell(RUN, cell)), json.dumps(document).encode())
    assert read_cell(lab.store, RUN, cell) == record(cell)


@pytest.mark.parametrize("place", [(), ("spec",), ("spec", "models", 0), ("site",), ("site", "sdk")], ids=str)
def test_readers_ignore_keys_of_a_run_that_they_do_not_know(lab: Lab, place: tuple[Any, ...]) -> None:
    begun = begin(lab, RUN, plan_of())
    document = json.loads(begun.model_dump_json())
    spot = document
    for part in place:
        spot = spot[part]
    spot["added_later"] = {"x": 1}
    lab.store.write(keys.sweep_record(RUN), json.dumps(document).encode())
    assert read_run(lab.store, RUN) == begun


def test_records_of_a_later_schema_are_not_read_as_if_they_meant_the_same(lab: Lab) -> None:
    plan = plan_of()
    later = {"schema_version": SCHEMA_VERSION + 1}
    begun = json.loads(begin(lab, RUN, plan).model_dump_json())
    cell = json.loads(record(plan.cells[0]).model_dump_json())
    lab.store.write(keys.sweep_record(RUN), json.dumps(begun | later).encode())
    lab.store.write(keys.manifest(keys.cell(RUN, plan.cells[0])), json.dumps(cell | later).encode())
    assert read_cell(lab.store, RUN, plan.cells[0]) is None
    with pytest.raises(InvalidInput, match="cannot be read by this version: schema_version"):
        read_run(lab.store, RUN)


def test_run_ids_are_names_that_sort_by_time() -> None:
    early = new_run_id("nightly", datetime(2026, 3, 1, 9, 0, 0, tzinfo=UTC))
    late = new_run_id("nightly", datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC))
    assert early < late
    assert early.startswith("nightly-20260301T090000Z-")
    check_name(early)


def test_run_ids_of_one_second_differ() -> None:
    ids = {new_run_id("nightly", MOMENT) for _ in range(500)}
    assert len(ids) == 500


@pytest.mark.parametrize("name", ["n", "a.", "x" * 100, "y" * 76 + "." * 1 + "z" * 20])
def test_a_run_id_is_a_name_however_long_the_sweeps_name(name: str) -> None:
    assert check_name(new_run_id(name)).startswith(name[:60])
