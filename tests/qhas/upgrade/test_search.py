"""What the search runs and what it answers, on cells with planted causes."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.records import metrics, model, record, run_record
from fakes.sdk import build_fake_sdk
from qhas.diff.model import Outcome
from qhas.failures import FailureKind, InvalidInput
from qhas.runs import keys
from qhas.runs.record import EffectiveOptions, GraphRecord, Origin, PreparedFacts, SdkFacts
from qhas.site import Site
from qhas.site.sdk import SdkKind
from qhas.site.site import NamedSdk
from qhas.store import Artifact, Store
from qhas.sweep.plan import plan_sweep
from qhas.sweep.spec import Cell, SweepSpec
from qhas.upgrade.model import Cause, Upgrade
from qhas.upgrade.page import keep, page
from qhas.upgrade.question import Question, question_of, sdks_between
from qhas.upgrade.search import Stage, Stages, search
from tests.qhas.diff.summaries import Made, document

SDKS = ("2.47", "2.48", "2.49", "2.50", "2.51")
OPS = [Made("conv1"), Made("conv2")]
Lab = Callable[[Cell], tuple[list[Made], dict[str, Any]]]
"""Maps a cell to what its SDK's compiler makes of it: ops of the profile, and facts of the record.

The fact `overall` is for the profile too.
"""


def answer(store: Store, lab: Lab, *, networks: tuple[str, ...] = ("net",)) -> tuple[Upgrade, list[Stage]]:
    """The search's answer if `lab` runs every sweep, and the sweeps."""
    question = Question(tuple(model(name) for name in networks), ("sm8750",), SDKS)
    return answered(store, search(question, store), lab)


def answered(store: Store, stages: Stages, lab: Lab) -> tuple[Upgrade, list[Stage]]:
    run = list[Stage]()
    while True:
        try:
            stage = next(stages)
        except StopIteration as ended:
            return ended.value, run
        run.append(stage)
        run_stage(store, stage.run_id, stage.spec, lab)


def run_stage(store: Store, run_id: str, spec: SweepSpec, lab: Lab) -> None:
    """Store a sweep as if `lab` had run it."""
    cells = plan_sweep(spec, look_up=False).cells
    kept = run_record(cells=len(cells), run_id=run_id, spec=spec)
    store.write(keys.sweep_record(run_id), kept.model_dump_json().encode())
    for cell in cells:
        _store(store, run_id, cell, lab)


def _store(store: Store, run_id: str, cell: Cell, lab: Lab) -> None:
    ops, facts = lab(cell)
    overall = facts.pop("overall", {})
    qhas = Artifact(name="qhas", path="qhas.json.gz", sha256="0" * 64, size=9)
    sdk = SdkFacts(kind=SdkKind.HOST, version=f"{cell.sdk}.0")
    told = {"origin": Origin.SIMULATOR, "sdk": sdk, "artifacts": [qhas], "latency": None} | facts
    made = record(cell, run_id=run_id, **told)
    for folder in ("", *(f"{graph.folder}/" for graph in made.graphs)):
        # the first of a DLC's graphs has the ops of the first SDK
        of = OPS if folder and folder == f"{made.graphs[0].folder}/" else ops
        content = gzip.compress(json.dumps(document(of, **overall)).encode())
        store.write(f"{keys.cell(run_id, cell)}/{folder}qhas.json.gz", content)
    store.write(keys.manifest(keys.cell(run_id, cell)), made.model_dump_json().encode())


def since(sdk: str, cell: Cell) -> bool:
    return SDKS.index(cell.sdk or "") >= SDKS.index(sdk)


def slower(ops: list[Made], factor: float = 1.5, **changes: Any) -> list[Made]:
    return [Made(op.name, dominant=int(op.dominant * factor), **({"dram": op.dram} | changes)) for op in ops]


def larger_vtcm(cell: Cell) -> tuple[list[Made], dict[str, Any]]:
    """From 2.49 on the default is 8 MiB, which is slower."""
    vtcm = cell.prepare.vtcm_mb or (8 if since("2.49", cell) else 4)
    ops = slower(OPS, kinds={"q::ConvLayer.opt": 2}) if vtcm == 8 else OPS
    return ops, {"effective": EffectiveOptions(vtcm_mib=vtcm, optimization_level=2)}


def test_a_default_that_changed_is_named_and_the_old_one_proved(store: Store) -> None:
    found, stages = answer(store, larger_vtcm)
    (cell,) = found.cells
    (step,) = cell.steps
    assert (step.before, step.after, step.first, step.cause) == ("2.48", "2.49", True, Cause.OPTION)
    assert step.why == "VTCM 4 → 8 MiB (the SDK's default)"
    assert step.way_back
    assert (step.way_back.options, step.way_back.restores) == ({"vtcm_mb": 4}, True)
    assert len(stages) == 4
    assert "With {vtcm_mb: 4} SDK 2.49 is back at the figure of 2.48" in page(found)


@pytest.mark.parametrize(
    ("factor", "cause", "why"),
    [
        (1.2, Cause.OPTION, r"VTCM 4 → 8 MiB .*, \+18 %; the same HTP ops .* cost model, \+6\.2 %"),
        (0.5, Cause.COST_MODEL, r"the same HTP ops .* cost model, −\d+ %; VTCM 4 → 8 MiB .*, \+9\.5 %"),
    ],
    ids=["most of it", "against it"],
)
def test_an_option_that_is_not_all_of_it_is_told_beside_the_rest(
    store: Store, factor: float, cause: Cause, why: str
) -> None:
    def lab(cell: Cell) -> tuple[list[Made], dict[str, Any]]:
        ops, facts = larger_vtcm(cell)
        moved = [replace(op, dominant=int(op.dominant * factor)) for op in ops]
        return (moved if since("2.49", cell) else ops), facts

    (step,) = answer(store, lab)[0].cells[0].steps
    assert step.cause is cause
    assert re.fullmatch(why, step.why)
    assert step.way_back
    assert not step.way_back.restores


@pytest.mark.parametrize("first", SDKS[1:])
@pytest.mark.parametrize(
    ("changes", "cause", "word"),
    [
        ({"kinds": {"q::Slow.ref": 4}}, Cause.COMPILED, "q::Slow.ref 0 → "),
        ({"dram": 500_000}, Cause.MEMORY, "100.0 kB"),
        ({}, Cause.COST_MODEL, "cost model"),
    ],
    ids=["ops", "bytes", "cycles"],
)
def test_what_was_planted_is_found_with_its_first_version(
    store: Store, first: str, changes: dict[str, Any], cause: Cause, word: str
) -> None:
    found, _ = answer(store, lambda cell: (slower(OPS, **changes) if since(first, cell) else OPS, {}))
    (step,) = found.cells[0].steps
    assert (step.after, step.first, step.cause) == (first, True, cause)
    assert word in step.why
    assert step.way_back is None


def of_graphs(*names: str) -> dict[str, Any]:
    """The facts in a record of a DLC of several graphs."""
    files = [Artifact(name="qhas", path=f"{name}/qhas.json.gz", sha256="0" * 64, size=9) for name in names]
    graphs = [GraphRecord(name=name, folder=name, schematic_sha256="0" * 64) for name in names]
    return {"graphs": graphs, "artifacts": files, "metrics": None}


def test_graphs_of_a_dlc_are_answered_each_on_its_own(store: Store) -> None:
    def lab(cell: Cell) -> tuple[list[Made], dict[str, Any]]:
        return (slower(OPS) if since("2.49", cell) else OPS), of_graphs("prefill", "decode")

    found, stages = answer(store, lab)
    assert [(cell.cell, [step.after for step in cell.steps]) for cell in found.cells] == [
        ("net/sm8750/decode", ["2.49"]),
        ("net/sm8750/prefill", []),
    ]
    assert not found.failed
    assert all(len(plan_sweep(stage.spec, look_up=False).cells) <= 2 for stage in stages)


def test_a_dlc_that_has_other_graphs_with_the_new_sdk_is_said_to(store: Store) -> None:
    found, _ = answer(
        store, lambda cell: (OPS, of_graphs("prefill", *(["decode"] if since("2.51", cell) else ["chat"])))
    )
    assert found.failed[0].cell == "net/sm8750"
    assert "it has several graphs (prefill, chat), each with its own QHAS" in found.failed[0].why


def test_two_changes_are_two_steps(store: Store) -> None:
    def lab(cell: Cell) -> tuple[list[Made], dict[str, Any]]:
        ops = slower(OPS) if since("2.48", cell) else OPS
        return (slower(ops, kinds={"q::Other": 4}) if since("2.51", cell) else ops), {}

    found, _ = answer(store, lab)
    assert [(step.after, step.cause) for step in found.cells[0].steps] == [
        ("2.48", Cause.COST_MODEL),
        ("2.51", Cause.COMPILED),
    ]


def test_where_nothing_changed_only_the_ends_are_run_and_nothing_is_invented(store: Store) -> None:
    found, stages = answer(store, lambda _: (OPS, {}))
    assert len(stages) == 1
    assert found.good
    assert [(cell.verdict, cell.steps) for cell in found.cells] == [(Outcome.SAME, [])]


def test_only_cells_that_changed_are_run_between(store: Store) -> None:
    def lab(cell: Cell) -> tuple[list[Made], dict[str, Any]]:
        return (slower(OPS) if cell.model.name == "slow" and since("2.50", cell) else OPS), {}

    found, stages = answer(store, lab, networks=("slow", "same"))
    assert {key.split("/")[0] for stage in stages[1:] for key in stage.spec.select.cells} == {"slow"}
    assert [cell.cell for cell in found.cells] == ["slow/sm8750", "same/sm8750"]
    assert not found.good


def test_a_network_that_the_new_sdk_does_not_take_is_said(store: Store) -> None:
    def lab(cell: Cell) -> tuple[list[Made], dict[str, Any]]:
        return OPS, ({"failure": FailureKind.TOOL_FAILED} if since("2.51", cell) else {})

    found, _ = answer(store, lab)
    assert not found.good
    assert "it failed" in found.failed[0].why


def test_what_an_earlier_search_finished_is_not_counted_as_compiled(store: Store) -> None:
    prepared = PreparedFacts(key="k", sha256="0" * 64, schematic_sha256="0" * 64, reused=False)
    assert answer(store, lambda _: (OPS, {"prepared": prepared}))[0].compiled == 0


def test_the_answer_and_its_page_are_kept_with_names_as_text(store: Store) -> None:
    found, _ = answer(store, lambda cell: (slower(OPS) if since("2.50", cell) else OPS, {}))
    odd = found.model_copy(update={"before": "<b>|"})
    address = keep(store, odd)
    assert address.endswith(f"{found.upgrade_id}.md")
    text = (store.read(keys.upgrade(found.upgrade_id, "md")) or b"").decode()
    assert "&lt;b&gt;\\|" in text
    kept = store.read(keys.upgrade(found.upgrade_id, "json")) or b""
    assert Upgrade.model_validate_json(kept) == odd


def test_versions_between_come_from_the_site_in_its_order() -> None:
    site = Site(sdks={name: NamedSdk(host=name) for name in SDKS})
    assert sdks_between(site, "2.48", "2.50") == ("2.48", "2.49", "2.50")
    assert sdks_between(site, "2.50", "2.48") == ("2.50", "2.49", "2.48")
    with pytest.raises(InvalidInput, match=r"no SDK 2\.52 here, only 2\.47, .*: add it to sdks"):
        sdks_between(site, "2.48", "2.52")
    with pytest.raises(InvalidInput, match=r"both 2\.48"):
        sdks_between(site, "2.48", "2.48")


def test_every_sdk_is_run_on_every_cell_where_that_is_asked_and_none_twice(store: Store) -> None:
    question = Question((model("net"),), ("sm8750",), SDKS, every=True)

    def lab(cell: Cell) -> tuple[list[Made], dict[str, Any]]:
        figures = metrics(context_bytes=1_000 if since("2.50", cell) else 2_000, compile_seconds=1.5)
        return (slower(OPS) if since("2.50", cell) else OPS), {"metrics": figures}

    found, stages = answered(store, search(question, store), lab)
    assert [stage.spec.variants.sdk for stage in stages] == [list(SDKS)]
    assert list(found.cycles["net/sm8750"]) == list(SDKS)
    assert [step.after for step in found.cells[0].steps] == ["2.50"]
    text = page(found)
    assert "| cell | 2.47 | 2.48 | 2.49 | 2.50 | 2.51 |" in text
    assert "| net/sm8750 | context binary | 2.0 kB | 1.0 kB | −50 % |" in text
    assert "| net/sm8750 | compile time | 1.5 s | 1.5 s | +0.0 % |" in text


def test_where_every_sdk_is_run_changes_that_cancel_each_other_are_told(store: Store) -> None:
    question = Question((model("net"),), ("sm8750",), SDKS, every=True)
    found, _ = answered(
        store,
        search(question, store),
        lambda cell: (slower(OPS) if cell.sdk in {"2.49", "2.50"} else OPS, {}),
    )
    (cell,) = found.cells
    assert cell.verdict is Outcome.SAME
    assert [(step.before, step.after, step.first) for step in cell.steps] == [
        ("2.48", "2.49", True),
        ("2.50", "2.51", True),
    ]
    assert found.good
    assert "**2.48 → 2.49**, +16" in page(found)


def test_of_every_sdk_a_drift_of_small_changes_is_one_step(store: Store) -> None:
    question = Question((model("net"),), ("sm8750",), SDKS, every=True)
    found, _ = answered(
        store,
        search(question, store),
        lambda cell: (slower(OPS, 1 + 0.05 * SDKS.index(cell.sdk or "")), {}),
    )
    (cell,) = found.cells
    assert cell.verdict is Outcome.WORSE
    assert not any(step.first for step in cell.steps)


def test_the_sentence_tells_the_step_that_made_most_of_it(store: Store) -> None:
    def lab(cell: Cell) -> tuple[list[Made], dict[str, Any]]:
        ops = slower(OPS, 1.5, kinds={"q::Slow.ref": 4}) if since("2.48", cell) else OPS
        return (slower(ops, 1.2, kinds={"q::Slow.ref": 4}) if since("2.51", cell) else ops), {}

    found, _ = answer(store, lab)
    assert [step.after for step in found.cells[0].steps] == ["2.48", "2.51"]
    assert "q::Slow.ref 0 → " in found.sentence


def test_memory_is_told_by_name_and_what_moved_most_first(store: Store) -> None:
    def lab(cell: Cell) -> tuple[list[Made], dict[str, Any]]:
        new = since("2.49", cell)
        ops = slower(OPS, dram=500_000) if new else OPS
        return ops, {"overall": {"peak_vtcm_alloc": (7 if new else 6) << 20}}

    (step,) = answer(store, lab)[0].cells[0].steps
    assert step.why == (
        "the same HTP ops with different memory use: peak VTCM 6 MiB → 7 MiB (+17 %), DRAM reads 100.0 kB → 1.00 MB (+900 %)"
    )


def test_asked_again_with_another_threshold_or_of_every_sdk_no_run_is_another_than_it_was(
    store: Store,
) -> None:
    def lab(cell: Cell) -> tuple[list[Made], dict[str, Any]]:
        ops, facts = larger_vtcm(cell)
        return (slower(ops, 0.8) if cell.model.name == "small" else ops), facts

    specs: dict[str, SweepSpec] = {}
    networks = (model("net"), model("small"))
    for threshold, every in ((15.0, False), (3.0, False), (3.0, True)):
        question = Question(networks, ("sm8750",), SDKS, threshold, every=every)
        for stage in answered(store, search(question, store), lab)[1]:
            assert specs.setdefault(stage.run_id, stage.spec) == stage.spec
    assert sum("vtcm_mb" in run_id for run_id in specs) == 2


@pytest.mark.parametrize(
    ("dlcs", "socs", "why"),
    [
        (["a/net.dlc", "b/net.dlc"], ["sa8255"], "net is listed twice"),
        (["net.dlc"], ["sa8255", "sa8255"], "sa8255 is listed twice"),
        (["net.dlc"], ["sa 8255"], "sa 8255"),
    ],
    ids=["networks", "socs", "soc"],
)
def test_what_makes_no_sweep_is_refused_with_a_sentence(
    tmp_path: Path, dlcs: list[str], socs: list[str], why: str
) -> None:
    roots = {name: build_fake_sdk(tmp_path / name, version=f"{name}.0.1") for name in SDKS[:2]}
    site = Site(sdks={name: NamedSdk(root=root) for name, root in roots.items()})
    with pytest.raises(InvalidInput, match=why):
        question_of(dlcs, socs, *SDKS[:2], site)
