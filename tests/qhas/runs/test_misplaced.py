"""A record in the place of another counts for nothing: a run's is refused, a cell's is left out and named once."""

from __future__ import annotations

import pytest

from fakes.records import record, spec
from qhas.runs import keys
from qhas.runs.stored import RecordMisplaced, _report_left_out, begin_run, load_run, read_cell
from qhas.site import Site
from qhas.store import Store
from qhas.sweep.plan import Plan, plan_sweep

RUN = "nightly-1"


@pytest.fixture
def plan(store: Store) -> Plan:
    """The plan of a run of two cells, which has begun."""
    _report_left_out.cache_clear()
    plan = plan_sweep(spec(socs=["sm8650", "sm8750"]), look_up=False)
    begin_run(store, RUN, plan, Site())
    return plan


def test_a_run_s_record_at_another_run_s_place_is_refused_by_every_reader(store: Store, plan: Plan) -> None:
    store.write(keys.sweep_record("copy"), store.read(keys.sweep_record(RUN)) or b"")
    with pytest.raises(RecordMisplaced, match=f"runs/copy/sweep.json is the record of run {RUN}: remove it"):
        load_run(store, "copy")
    with pytest.raises(RecordMisplaced):
        begin_run(store, "copy", plan, Site())


@pytest.mark.parametrize("what", ["another run", "another cell", "no record"])
def test_a_cell_s_record_at_another_place_is_left_out_and_told_once(
    store: Store, plan: Plan, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    cell, other = plan.cells
    stored = record(cell, run_id=RUN)
    content = {
        "another run": record(other, run_id="nightly-0").model_dump_json(),
        "another cell": stored.model_dump_json(),
        "no record": "{}",
    }[what]
    store.write(keys.manifest(keys.cell(RUN, cell)), stored.model_dump_json().encode())
    store.write(keys.manifest(keys.cell(RUN, other)), content.encode())
    for _ in range(3):
        assert load_run(store, RUN)[1] == [stored]
    assert read_cell(store, RUN, other) is None
    (told,) = caplog.messages
    assert told.startswith(f"runs/{RUN}/{other.key}/manifest.json in {store.root} is ")
    assert told.endswith("; it is left out, and a resume runs its cell again.")
