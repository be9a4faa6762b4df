"""What a user writes in sweep.yaml is refused before anything runs if it cannot be meant."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fakes.records import model
from qhas.failures import InvalidInput
from qhas.sweep.language import LanguageModel
from qhas.sweep.spec import (
    Cell,
    Exclusion,
    PerfProfile,
    PrepareOptions,
    RunOptions,
    TraceFeatures,
    Variants,
    load_sweep,
)
from tests.documents import write_yaml

WHOLE: dict[str, Any] = {
    "name": "nightly-vision",
    "models": [{"name": "inception_v2", "dlc": "models/inception_v2.dlc", "inputs": "random"}],
    "socs": ["sa8255", "qcs9100"],
    "variants": {"perf_profile": ["burst", "balanced"]},
    "prepare": {"optimization_level": 3, "vtcm_mb": 8, "hvx_threads": 4, "dlbc": False},
    "run": {"perf_profile": "burst", "warmups": 3, "repetitions": 30, "timeout_seconds": 600},
    "trace": {"qhas_json": True, "qhas_schema": True},
    "exclude": [{"model": "big_llm", "soc": "sar2230p"}],
}


def changed(place: str, value: Any) -> dict[str, Any]:
    """The whole sweep with one value changed; `place` is a path as in `models.0.name`."""
    document = copy.deepcopy(WHOLE)
    *way, last = [int(part) if part.isdigit() else part for part in place.split(".")]
    spot: Any = document
    for part in way:
        spot = spot[part]
    spot[last] = value
    return document


def refusal(folder: Path, document: Any) -> str:
    """The sentence with which a sweep file is refused."""
    file = write_yaml(folder / "sweep.yaml", document)
    with pytest.raises(InvalidInput) as refused:
        load_sweep(file)
    sentence = str(refused.value)
    assert str(file) in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def test_a_whole_sweep_is_read_as_written(tmp_path: Path) -> None:
    spec = load_sweep(write_yaml(tmp_path / "sweep.yaml", WHOLE))
    assert spec.prepare == PrepareOptions(optimization_level=3, vtcm_mb=8, hvx_threads=4, dlbc=False)
    assert spec.variants.perf_profile == [PerfProfile.BURST, PerfProfile.BALANCED]
    assert spec.socs == ["sa8255", "qcs9100"]


@pytest.mark.parametrize(
    ("place", "named"),
    [
        ("colour", "colour"),
        ("models.0.dcl", "models.0.dcl"),
        ("variants.batch", "variants.batch"),
        ("prepare.optimisation_level", "prepare.optimisation_level"),
        ("run.repetition", "run.repetition"),
        ("trace.qhas", "trace.qhas"),
        ("exclude.0.socs", "exclude.0.socs"),
    ],
)
def test_an_unknown_key_is_named_with_its_place(tmp_path: Path, place: str, named: str) -> None:
    assert f"{named}: no such key" in refusal(tmp_path, changed(place, 1))


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("models", [], "models: "),
        ("models", "inception", "models: "),
        ("socs", [], "socs: "),
        ("socs", [8255], "socs.0: "),
        ("socs", ["SA8255"], "socs.0: 'SA8255' cannot be a SoC"),
        ("socs", ["sa8255", "sa8255"], "sa8255 is listed twice"),
        ("name", "../x", "name: '../x' cannot be a name"),
        ("models.0.name", "a b", "models.0.name: 'a b' cannot be a name"),
        ("models.0.dlc", None, "models.0.dlc: "),
        ("prepare.optimization_level", 4, "prepare.optimization_level: "),
        ("prepare.optimization_level", "high", "prepare.optimization_level: "),
        ("prepare.vtcm_mb", -1, "prepare.vtcm_mb: "),
        ("run.timeout_seconds", 0, "run.timeout_seconds: "),
        ("run.perf_profile", "fast", "run.perf_profile: "),
        ("variants.perf_profile", ["fast"], "variants.perf_profile.0: "),
        ("variants.perf_profile", ["burst", "burst"], "burst is listed twice"),
        ("exclude", [{}], "exclude.0: an exclusion names a model, a soc or a variant"),
        ("trace.qhas_json", "perhaps", "trace.qhas_json: "),
        ("models.0.input_ranges", {"ids": [0, 1 << 63]}, "models.0.input_ranges.ids.1: "),
    ],
)
def test_a_wrong_value_is_named_with_its_place(tmp_path: Path, place: str, value: Any, told: str) -> None:
    assert told in refusal(tmp_path, changed(place, value))


@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan", "1e400"])
def test_a_budget_that_no_record_could_hold_is_refused(tmp_path: Path, number: str) -> None:
    text = "name: n\nmodels: [{name: net, dlc: net.dlc}]\nsocs: [sm8750]\n"
    (tmp_path / "sweep.yaml").write_text(f"{text}budgets: {{net: {{time_us: {number}}}}}\n")
    with pytest.raises(InvalidInput, match=r"budgets\.net\.time_us"):
        load_sweep(tmp_path / "sweep.yaml")


@pytest.mark.parametrize("second", ["inception_v2", "Inception_V2", "inception_v2."])
def test_two_models_of_one_name_are_refused_whatever_their_case_and_last_dot(
    tmp_path: Path, second: str
) -> None:
    models = [*WHOLE["models"], {"name": second, "dlc": "other.dlc"}]
    assert "inception_v2 is listed twice" in refusal(tmp_path, changed("models", models))


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, changed("prepare", {"vtcm_mb": -1, "hvx_threads": 0}))
    assert "prepare.vtcm_mb" in sentence
    assert "prepare.hvx_threads" in sentence


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: [nightly", "is not YAML"),
        ("name: nightly\n\tmodels: []", "is not YAML"),
        ("%$!", "is not YAML"),
        ("{? [a]: b}", "is not YAML"),
        ("name: 2026-13-45", "is not YAML"),
        ("- " * 3000 + "deep", "uses YAML that is not accepted"),
        ("*nothing", "uses YAML that is not accepted"),
    ],
    ids=["open bracket", "tab", "directive", "odd key", "date", "deep", "alias"],
)
def test_text_that_is_not_yaml_is_refused(tmp_path: Path, text: str, says: str) -> None:
    assert says in refusal(tmp_path, text)


@pytest.mark.parametrize("text", ["", "null", "42", "just text", "[1, 2]"])
def test_yaml_that_is_not_a_sweep_is_refused(tmp_path: Path, text: str) -> None:
    assert "is not valid: it " in refusal(tmp_path, text)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_bytes(b"name: caf\xe9\n")
    with pytest.raises(InvalidInput, match=r"sweep\.yaml cannot be read"):
        load_sweep(file)


@pytest.mark.parametrize("name", ["absent.yaml", "."])
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_sweep(tmp_path / name)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("m.dlc", "{folder}/m.dlc"),
        ("sub/m.dlc", "{folder}/sub/m.dlc"),
        ("../m.dlc", "{parent}/m.dlc"),
        ("/models/m.dlc", "/models/m.dlc"),
        ("s3://models/m.dlc", "s3://models/m.dlc"),
        ("~/m.dlc", "/home/lab/m.dlc"),
    ],
)
@pytest.mark.parametrize("field", ["dlc", "inputs"])
def test_addresses_are_taken_from_the_files_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, written: str, read: str
) -> None:
    monkeypatch.setenv("HOME", "/home/lab")
    sweep = load_sweep(write_yaml(tmp_path / "sweep.yaml", changed(f"models.0.{field}", written)))
    expected = read.format(folder=tmp_path.resolve(), parent=tmp_path.resolve().parent)
    assert getattr(sweep.models[0], field) == expected


def test_the_files_folder_counts_even_when_it_is_named_relatively(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "specs").mkdir()
    write_yaml(tmp_path / "specs" / "sweep.yaml", changed("models.0.dlc", "m.dlc"))
    monkeypatch.chdir(tmp_path)
    spec = load_sweep(Path("specs/sweep.yaml"))
    assert spec.models[0].dlc == str(tmp_path.resolve() / "specs" / "m.dlc")


def test_random_inputs_are_no_path(tmp_path: Path) -> None:
    spec = load_sweep(write_yaml(tmp_path / "sweep.yaml", changed("models.0.inputs", "random")))
    assert spec.models[0].inputs == "random"


@pytest.mark.parametrize(
    "address",
    ["~nobody-of-this-name/m.dlc", "a\0b.dlc", "a\nb.dlc", "s3://a\x1b]0;b/c.dlc", "a\u2028b.dlc"],
    ids=repr,
)
def test_an_address_that_no_path_can_be_is_refused(tmp_path: Path, address: str) -> None:
    assert "models.0.dlc" in refusal(tmp_path, changed("models.0.dlc", address))


def test_all_eight_features_of_the_viewer_have_a_switch() -> None:
    assert set(TraceFeatures.model_fields) == {
        "enable_input_output_flow_events",
        "enable_sequencer_flow_events",
        "htp_json",
        "runtrace",
        "memory_info",
        "traceback",
        "qhas_schema",
        "qhas_json",
    }


def test_flow_events_which_need_the_legacy_viewer_are_off_unless_asked_for() -> None:
    features = TraceFeatures()
    assert not features.enable_input_output_flow_events
    assert not features.enable_sequencer_flow_events


@pytest.mark.parametrize("axis", list(Variants.model_fields))
def test_every_axis_of_the_grid_is_the_sdk_the_bits_or_an_option_of_prepare_run_or_a_language_model(
    axis: str,
) -> None:
    options = (PrepareOptions, RunOptions, LanguageModel)
    assert axis in {"sdk", "quantize", *(name for each in options for name in each.model_fields)}


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        model().name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("variant", "label"), [("default", "net on sm8750"), ("vtcm_mb-4", "net on sm8750 (vtcm_mb-4)")]
)
def test_a_cell_names_its_variant_only_where_there_is_a_choice(variant: str, label: str) -> None:
    cell = Cell(model=model(), soc="sm8750", variant=variant)
    assert cell.label == label
    assert cell.key == f"net/sm8750/{variant}"


def test_an_exclusion_with_one_field_is_enough() -> None:
    assert Exclusion(soc="sm8750").model is None


@pytest.mark.parametrize("variant", ["", "/", "a//b", "../other", "a/../b", "a b", "default/"])
def test_a_variant_that_cannot_be_part_of_a_cells_key_is_refused(variant: str) -> None:
    with pytest.raises(ValidationError, match="variant"):
        Cell(model=model(), soc="sm8750", variant=variant)


@pytest.mark.parametrize("variant", ["default", "vtcm_mb-2", "default/decoder"])
def test_a_variant_may_name_a_point_of_a_grid_or_a_graph(variant: str) -> None:
    assert Cell(model=model(), soc="sm8750", variant=variant).key == f"{model().name}/sm8750/{variant}"
