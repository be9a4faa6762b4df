"""Every expected file is declared exactly once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import qhas.cell
from qhas.cell.artifacts import ARTIFACTS, PREPARED_DLC, expected_of
from qhas.failures import FailureKind, Step
from qhas.naming import check_name
from qhas.sweep.spec import TraceFeatures


def test_names_and_patterns_are_unique() -> None:
    for what in ([spec.name for spec in ARTIFACTS], [(spec.step, spec.pattern) for spec in ARTIFACTS]):
        assert max(Counter(what).values()) == 1


@pytest.mark.parametrize("spec", ARTIFACTS, ids=lambda spec: spec.name)
def test_an_artifact_has_a_name_that_can_be_a_key(spec: object) -> None:
    assert check_name(spec.name) == spec.name  # type: ignore[attr-defined]


@pytest.mark.parametrize("step", Step)
def test_a_step_expects_its_own_files_only(step: Step) -> None:
    assert all(spec.step is step for spec in expected_of(step))


@pytest.mark.parametrize("asked", [True, False])
def test_the_qhas_summary_is_required_when_it_was_asked_for(asked: bool) -> None:
    (qhas,) = [spec for spec in ARTIFACTS if spec.name == "qhas"]
    assert qhas.required(TraceFeatures(qhas_json=asked)) is asked
    assert qhas.absent is FailureKind.QHAS_MISSING


@pytest.mark.parametrize("name", ["schematic", "log", "chrometrace"])
def test_what_post_processing_needs_or_is_for_is_always_required(name: str) -> None:
    (spec,) = [spec for spec in ARTIFACTS if spec.name == name]
    assert spec.required(TraceFeatures(qhas_json=False))


def test_no_other_module_spells_the_name_of_a_file() -> None:
    folder = Path(qhas.cell.__file__).parent
    names = {spec.pattern for spec in ARTIFACTS} | {PREPARED_DLC}
    spelled = {
        (path.name, name)
        for path in folder.glob("*.py")
        if path.name != "artifacts.py"
        for name in names
        if f'"{name}"' in path.read_text(encoding="utf-8")
    }
    assert not spelled
