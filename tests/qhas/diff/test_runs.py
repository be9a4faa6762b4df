"""Runs in the store are compared cell by cell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qhas.diff.markdown import cell_rows, explained
from qhas.diff.model import Outcome, RunDiff
from qhas.diff.runs import Chosen, compare_runs
from qhas.failures import FailureKind, InvalidInput
from qhas.runs.record import Origin, SdkFacts
from qhas.site.sdk import SdkKind
from qhas.store import Store
from tests.qhas.diff.stored import store_run
from tests.qhas.diff.summaries import Made

ALPHA = [Made("conv1"), Made("conv2")]
BETA = [Made("conv1"), Made("add", "Add")]
SLOW = [replace(op, dominant=op.dominant * 2) for op in BETA]


def test_cells_are_compared_by_their_key_and_the_worst_comes_first(store: Store) -> None:
    store_run(store, "nightly-1", {"alpha": ALPHA, "beta": BETA})
    store_run(store, "nightly-2", {"alpha": ALPHA, "beta": SLOW}, day=1)
    diff = compare_runs(store, "nightly-1", "nightly-2")
    assert [(cell.after.model, cell.verdict) for cell in diff.cells] == [
        ("beta", Outcome.WORSE),
        ("alpha", Outcome.SAME),
    ]
    assert diff.sentence.startswith(
        "2 cells compared: 1 worse, 0 better, 1 same. Worst is beta/sm8750/default (+"
    )


def test_what_only_one_run_has_is_named(store: Store) -> None:
    store_run(store, "nightly-1", {"alpha": ALPHA, "beta": BETA})
    store_run(store, "nightly-2", {"alpha": ALPHA, "gamma": BETA}, day=1)
    diff = compare_runs(store, "nightly-1", "nightly-2")
    assert (diff.only_before, diff.only_after) == (["beta/sm8750/default"], ["gamma/sm8750/default"])


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"failure": FailureKind.TOOL_FAILED}, "in nightly-2 it failed"),
        ({"artifacts": []}, "in nightly-2 it has no QHAS summary"),
        ({"origin": Origin.DEVICE}, "never compared"),
    ],
    ids=str,
)
def test_a_cell_that_cannot_be_compared_says_why_and_costs_the_others_nothing(
    store: Store, facts: dict[str, object], reason: str
) -> None:
    store_run(store, "nightly-1", {"alpha": ALPHA, "beta": BETA})
    store_run(store, "nightly-2", {"alpha": ALPHA, "beta": BETA}, day=1, changes={"beta": facts})
    diff = compare_runs(store, "nightly-1", "nightly-2")
    assert [cell.after.model for cell in diff.cells] == ["alpha"]
    (missed,) = diff.not_compared
    assert reason in missed.reason


def test_what_explains_every_cell_alike_is_said_once(store: Store) -> None:
    newer = {"sdk": SdkFacts(kind=SdkKind.VENDOR, version="2.46.0")}
    store_run(store, "nightly-1", {"alpha": ALPHA, "beta": BETA})
    store_run(
        store, "nightly-2", {"alpha": ALPHA, "beta": BETA}, day=1, changes={"alpha": newer, "beta": newer}
    )
    assert (
        "In every cell: SDK vendor 2.45.0 → vendor 2.46.0."
        in compare_runs(store, "nightly-1", "nightly-2").sentence
    )


def test_patterns_choose_cells(store: Store) -> None:
    for day, run_id in enumerate(("nightly-1", "nightly-2")):
        store_run(store, run_id, {"alpha": ALPHA, "beta": BETA}, day=day)
    diff = compare_runs(store, "nightly-1", "nightly-2", chosen=Chosen(models=["be*"], socs=["sm*"]))
    assert [cell.after.model for cell in diff.cells] == ["beta"]
    with pytest.raises(InvalidInput, match="no cell in common"):
        compare_runs(store, "nightly-1", "nightly-2", chosen=Chosen(socs=["sa*"]))


def test_markdown_explains_what_changed_and_escapes_names(store: Store) -> None:
    evil = [Made("<script>alert(1)</script>|*", dominant=300_000)]
    store_run(store, "nightly-1", {"alpha": ALPHA})
    store_run(store, "nightly-2", {"alpha": [*ALPHA, *evil]}, day=1)
    diff = compare_runs(store, "nightly-1", "nightly-2")
    page = explained(diff)
    assert "## alpha/sm8750/default: worse" in page
    assert "<script>" not in page
    assert cell_rows(diff)[0]["verdict"] == "worse"


def test_the_result_survives_json(store: Store) -> None:
    for day, run_id in enumerate(("nightly-1", "nightly-2")):
        store_run(store, run_id, {"alpha": ALPHA}, day=day)
    diff = compare_runs(store, "nightly-1", "nightly-2")
    assert RunDiff.model_validate_json(diff.model_dump_json()) == diff
