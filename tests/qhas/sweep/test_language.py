"""Language models in a sweep: their axes, and what is refused before anything runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from qhas.failures import InvalidInput
from qhas.sweep.plan import plan_sweep
from qhas.sweep.spec import ModelRef, SweepSpec, load_sweep


def planned(*models: dict[str, Any], look_up: bool = False, **axes: list[Any]) -> list[Any]:
    spec = SweepSpec.model_validate(
        {"name": "llms", "models": list(models), "socs": ["sm8750"], "variants": axes}
    )
    return [cell.model.llm for cell in plan_sweep(spec, look_up=look_up).cells]


def test_the_address_alone_is_a_model_as_qualcomm_publishes_them() -> None:
    (llm,) = planned({"name": "m", "llm": "config.json"})
    assert (llm.config, llm.context, llm.recipe.name) == (
        "config.json", 4096, "w4a16, cache of 8 bits, last projection of 8"
    )  # fmt: skip


def test_contexts_bits_and_forms_are_axes_of_the_grid() -> None:
    cells = planned(
        {"name": "m", "llm": {"config": "config.json", "head": 4}},
        context=[1024, 4096], quantize=["w4a16", "w8a8"], cache=[16], attention=["split"],
    )  # fmt: skip
    assert [(each.context, each.weights, each.activations) for each in cells] == [
        (1024, 4, 16), (4096, 4, 16), (1024, 8, 8), (4096, 8, 8),
    ]  # fmt: skip
    assert {(each.cache, each.attention, each.head) for each in cells} == {(16, "split", 4)}


def test_a_relative_configuration_is_taken_from_the_files_folder(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text("name: s\nmodels: [{name: m, llm: m/config.json}]\nsocs: [sm8750]\n")
    llm = load_sweep(tmp_path / "sweep.yaml").models[0].llm
    assert llm
    assert llm.config == str(tmp_path / "m" / "config.json")


def test_other_models_records_say_nothing_of_language_models() -> None:
    assert "llm" not in ModelRef(name="net", dlc="net.dlc").model_dump()
    assert (
        "context"
        not in SweepSpec.model_validate(
            {"name": "s", "models": [{"name": "n", "dlc": "n.dlc"}], "socs": ["sm8750"]}
        ).model_dump()["variants"]
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"llm": {"config": "c.json", "context": 64}}, "shorter than a pass of prefill"),
        ({"llm": {"config": "c.json", "weights": 5}}, "weights"),
        ({"llm": {"config": "c.json", "contexts": [1024]}}, "perhaps context was meant"),
        ({"llm": {}}, "config"),
        ({"llm": "c.json", "dlc": "net.dlc"}, "several; give one of"),
        ({"llm": "c.json", "quantize": "w8a8"}, "apply only to an onnx"),
        ({"llm": "c.json", "inputs": "list.txt"}, "accepts neither inputs nor a reference"),
        ({"llm": "c.json", "reference": "net.onnx"}, "nor a reference"),
    ],
)
def test_a_model_that_cannot_be_meant_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ModelRef.model_validate({"name": "m"} | changed)


@pytest.mark.parametrize(
    ("model", "axes", "said"),
    [
        ({"dlc": "net.dlc"}, {"context": [1024]}, "Model m is not a language model: a grid of `context`"),
        ({"llm": "c.json"}, {"quantize": ["w8mixed"]}, "Model m: activations"),
        ({"llm": "c.json"}, {"quantize": ["float"]}, "Model m: weights"),
        ({"llm": "c.json"}, {"context": [64]}, "shorter than a pass of prefill"),
    ],
)
def test_an_axis_that_a_model_has_not_is_refused(
    model: dict[str, Any], axes: dict[str, list[Any]], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        planned({"name": "m"} | model, **axes)
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


def test_a_configuration_of_no_known_model_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "mamba"}))
    with pytest.raises(InvalidInput, match="model_type mamba"):
        planned({"name": "m", "llm": str(tmp_path / "config.json")}, look_up=True)
