"""From the sweep to its cells: the grid, the exclusions, and what is refused before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fsspec
import pytest
from pydantic import ValidationError

from fakes.records import model, spec
from qhas.failures import InvalidInput
from qhas.sweep.plan import MOST_CELLS, Plan, plan_sweep, variant_grid
from qhas.sweep.spec import PerfProfile, Variants


def planned(**changes: Any) -> Plan:
    """The plan of a sweep, made without looking up its files."""
    return plan_sweep(spec(**changes), look_up=False)


def variant_names(**axes: Any) -> list[str]:
    return [name for name, _ in variant_grid(Variants(**axes))]


def test_a_sweep_is_every_model_on_every_soc() -> None:
    plan = planned(models=[model("a"), model("b")], socs=["sm8650", "sm8750"])
    assert [cell.key for cell in plan.cells] == [
        "a/sm8650/default",
        "a/sm8750/default",
        "b/sm8650/default",
        "b/sm8750/default",
    ]


@pytest.mark.parametrize(
    ("axes", "names"),
    [
        ({}, ["default"]),
        ({"vtcm_mb": []}, ["default"]),
        ({"vtcm_mb": [4, 8]}, ["vtcm_mb-4", "vtcm_mb-8"]),
        ({"dlbc": [True, False]}, ["dlbc-true", "dlbc-false"]),
        (
            {"perf_profile": ["burst", "balanced"], "hvx_threads": [2, 4]},
            [
                "perf_profile-burst.hvx_threads-2",
                "perf_profile-burst.hvx_threads-4",
                "perf_profile-balanced.hvx_threads-2",
                "perf_profile-balanced.hvx_threads-4",
            ],
        ),
    ],
)
def test_a_variant_is_named_after_the_options_it_sets(axes: dict[str, Any], names: list[str]) -> None:
    assert variant_names(**axes) == names


def test_the_longest_variant_still_has_a_name() -> None:
    (name,) = variant_names(
        perf_profile=["sustained_high_performance"],
        optimization_level=[3],
        vtcm_mb=[64],
        hvx_threads=[16],
        dlbc=[False],
    )
    assert len(name) <= 100


def test_a_variant_sets_prepare_and_run_options_over_those_of_the_sweep() -> None:
    plan = planned(
        prepare={"vtcm_mb": 8, "hvx_threads": 4},
        run={"perf_profile": "burst", "repetitions": 7},
        variants={"vtcm_mb": [2], "perf_profile": ["balanced"]},
    )
    (cell,) = plan.cells
    assert (cell.prepare.vtcm_mb, cell.prepare.hvx_threads) == (2, 4)
    assert (cell.run.perf_profile, cell.run.repetitions) == (PerfProfile.BALANCED, 7)


@pytest.mark.parametrize(
    ("axis", "value"), [("optimization_level", 4), ("vtcm_mb", -1), ("hvx_threads", 0), ("vtcm_mb", 10**99)]
)
def test_a_variant_with_an_impossible_value_is_refused_by_name(axis: str, value: int) -> None:
    with pytest.raises(ValidationError, match=rf"variants\.{axis}\.0"):
        planned(variants={axis: [value]})


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        (
            {"model": "a"},
            ["b/sm8650/vtcm_mb-4", "b/sm8650/vtcm_mb-8", "b/sm8750/vtcm_mb-4", "b/sm8750/vtcm_mb-8"],
        ),
        ({"soc": "sm8650", "variant": "vtcm_mb-4", "model": "a"}, 7),
        ({"soc": "sm8650"}, 4),
        ({"variant": "vtcm_mb-8"}, 4),
        ({"model": "a", "soc": "sm8650"}, 6),
        ({"model": "A"}, 8),
        ({"model": "somebody_elses"}, 8),
    ],
)
def test_an_exclusion_leaves_out_what_matches_all_its_fields(rule: dict[str, str], left: Any) -> None:
    plan = planned(
        models=[model("a"), model("b")],
        socs=["sm8650", "sm8750"],
        variants={"vtcm_mb": [4, 8]},
        exclude=[rule],
    )
    keys = sorted(cell.key for cell in plan.cells)
    assert (keys if isinstance(left, list) else len(keys)) == left
    assert plan.excluded == 8 - len(keys)


@pytest.mark.parametrize(
    "name",
    ["sweep.json", "claim.json", "verdicts.json", "reruns.json", "reruns-lab.json", "pinned", "Sweep.JSON"],
)
def test_a_model_called_like_an_object_of_the_run_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=f"cannot have a model called {name}"):
        planned(models=[model("a"), model(name)])


def test_an_exclusion_of_nothing_is_told() -> None:
    (told,) = planned(exclude=[{"model": "nett", "soc": "sm8750"}]).warnings
    assert told == "The exclusion {model: nett, soc: sm8750} has no effect: it matches no cell of the sweep."


def test_a_sweep_that_excludes_every_cell_is_refused() -> None:
    with pytest.raises(InvalidInput, match="nightly has no cell left: its exclusions remove all 2"):
        planned(socs=["sm8650", "sm8750"], exclude=[{"soc": "sm8650"}, {"model": "net"}])


def test_a_missing_dlc_is_refused_by_its_path(tmp_path: Path) -> None:
    absent = tmp_path / "absent.dlc"
    with pytest.raises(InvalidInput, match=f"There is no file {absent}"):
        plan_sweep(spec(models=[model(dlc=str(absent))]))


def test_a_folder_is_no_dlc(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is a folder; name a file"):
        plan_sweep(spec(models=[model(dlc=str(tmp_path))]))


def test_a_missing_input_list_is_refused_by_its_path(tmp_path: Path) -> None:
    dlc, absent = tmp_path / "net.dlc", tmp_path / "inputs.txt"
    dlc.touch()
    with pytest.raises(InvalidInput, match=f"There is no file {absent}"):
        plan_sweep(spec(models=[model(dlc=str(dlc), inputs=str(absent))]))


def test_files_are_looked_up_in_object_stores_too() -> None:
    fsspec.filesystem("memory").pipe_file("/test-plan/net.dlc", b"dlc")
    assert plan_sweep(spec(models=[model(dlc="memory://test-plan/net.dlc")])).cells
    with pytest.raises(InvalidInput, match="There is no file memory://test-plan/other"):
        plan_sweep(spec(models=[model(dlc="memory://test-plan/other.dlc")]))


def test_an_address_of_an_unknown_protocol_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"nowhere://x\.dlc cannot be accessed"):
        plan_sweep(spec(models=[model(dlc="nowhere://x.dlc")]))


def test_the_files_of_excluded_cells_need_not_exist(tmp_path: Path) -> None:
    present = tmp_path / "net.dlc"
    present.touch()
    models = [model(dlc=str(present)), model("gone", dlc=str(tmp_path / "gone.dlc"))]
    assert len(plan_sweep(spec(models=models, exclude=[{"model": "gone"}])).cells) == 1


def test_a_stored_spec_is_planned_without_looking_for_its_files() -> None:
    assert len(planned(models=[model(dlc="/nowhere/net.dlc")]).cells) == 1


def test_an_unknown_soc_is_a_warning_only() -> None:
    plan = planned(socs=["sm8750", "sm9999"])
    assert len(plan.cells) == 2
    (warning,) = plan.warnings
    assert "sm9999" in warning


# Selection

MODELS = [model("inception_v1", tags=["vision"]), model("inception_v2"), model("llm", tags=["canary", "big"])]


def selected(**selection: Any) -> list[str]:
    plan = planned(models=MODELS, socs=["sm8650", "sm8750"], select=selection)
    return [cell.key.removesuffix("/default") for cell in plan.cells]


@pytest.mark.parametrize(
    ("selection", "keys"),
    [
        ({"models": ["inception_*"], "socs": ["sm8750"]}, ["inception_v1/sm8750", "inception_v2/sm8750"]),
        ({"models": ["llm", "*_v1"], "socs": ["*50"], "tags": ["big"]}, ["llm/sm8650", "llm/sm8750"]),
        ({"tags": ["vision", "big"], "socs": ["sm8650"]}, ["inception_v1/sm8650", "llm/sm8650"]),
        ({"cells": ["llm/sm8650/default"]}, ["llm/sm8650"]),
        ({"canary": True}, ["llm/sm8650", "llm/sm8750"]),
        ({"canary": True, "models": ["inception*"]}, ["inception_v1/sm8650", "inception_v1/sm8750"]),
    ],
)
def test_a_selection_keeps_what_fits_every_field_of_it(selection: dict[str, Any], keys: list[str]) -> None:
    assert selected(**selection) == keys


def test_a_selection_that_nothing_fits_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"None of the 6 cells of sweep .* matches the selection"):
        selected(models=["resnet*"])


def test_a_grid_of_millions_is_refused_before_it_is_made() -> None:
    grid = {
        "vtcm_mb": list(range(65)),
        "hvx_threads": list(range(1, 17)),
        "perf_profile": list(PerfProfile),
        "optimization_level": [1, 2, 3],
        "dlbc": [True, False],
    }
    with pytest.raises(InvalidInput, match=r"has 6864000 cells \(50 models x 2 SoCs x 68640 variants\)"):
        planned(
            models=[model(f"n{number}") for number in range(50)], socs=["sm8650", "sm8750"], variants=grid
        )


def test_a_grid_over_the_limit_is_refused_whatever_is_excluded_from_it() -> None:
    models = [model(f"n{number}") for number in range(MOST_CELLS // 16 + 1)]
    with pytest.raises(InvalidInput, match=f"the maximum is {MOST_CELLS}; shorten its grid or split it"):
        planned(models=models, variants={"hvx_threads": list(range(1, 17))}, exclude=[{"soc": "sm8750"}])


def test_thousands_of_exclusions_leave_out_their_own_cells() -> None:
    models = [model(f"n{number}") for number in range(500)]
    plan = planned(models=models, exclude=[{"model": f"n{number}"} for number in range(499)])
    assert [cell.model.name for cell in plan.cells] == ["n499"]
