"""The networks that a question is about: their names, and whether each is a language model or a DLC."""

from __future__ import annotations

from qhas.sweep.spec import NO_INPUTS
from qhas.upgrade.question import Question, named


def test_a_configuration_is_a_language_model_and_all_else_a_dlc() -> None:
    llm, net = named(["/models/Llama-3.2-1B/config.json", "/models/net.dlc"], NO_INPUTS)
    assert (llm.name, llm.dlc, llm.llm and llm.llm.context) == ("Llama-3.2-1B", "", 4096)
    assert (net.name, net.dlc, net.llm) == ("net", "/models/net.dlc", None)


def test_other_language_models_are_another_question() -> None:
    asked = {
        Question(named([address]), ("sm8750",), ("2.48", "2.51")).upgrade_id
        for address in ("/a/config.json", "/b/config.json")
    }
    assert len(asked) == 2
