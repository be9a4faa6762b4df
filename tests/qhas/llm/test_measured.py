"""Measured figures accompany simulated ones only for the same architecture and device."""

from __future__ import annotations

from qhas.llm.measured import beside, known, measured, simulated
from qhas.truth.tables import device_of, devices

LLAMA = known()["llama-3.2-1b"].arch


def test_a_measured_architecture_is_known_again_by_its_widths():
    told = beside(LLAMA, "sm8750", 4096)
    assert told.startswith("Measured on Galaxy S25 at context 4,096")
    assert "llama_v3_2_1b_instruct by genie: 67.2 tokens/s, first token after 31 ms" in told


def test_nothing_is_told_of_another_one():
    assert not beside(LLAMA.model_copy(update={"layers": 17}), "sm8750", 4096)
    assert not beside(LLAMA, "sm8750", 777)
    assert not beside(LLAMA, "aic100", 4096)


def test_a_family_by_another_name_is_the_same_architecture():
    qwen = known()["qwen3-4b"].arch
    assert beside(qwen.model_copy(update={"model_type": "qwen3_vl_text"}), "qcs9100", 4096)
    assert not beside(qwen.model_copy(update={"model_type": "llama"}), "qcs9100", 4096)


def test_every_row_is_of_a_known_architecture_and_device():
    models = {model for each in known().values() for model in each.models}
    assert {each.model for each in measured()} <= models
    assert {each.device for each in measured()} <= {device.name for device in devices()}
    assert {each.architecture for each in simulated()} <= set(known())
    assert all(device_of(each.soc) for each in simulated())


def test_a_figure_stands_once():
    keys = [each[:4] for each in measured()]
    assert len(keys) == len(set(keys))
