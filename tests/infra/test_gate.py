"""The gate in other people's CI is valid for GitHub and GitLab, and works when run as their shells would run it."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCHEMAS = files("check_jsonschema.builtin_schemas") / "vendor"

QHAS = """#!/bin/sh
for word; do echo "$word"; done > words.txt
echo '{"passed": true}'
echo '### HTP gate' > gate.md
exit ${CODE:-0}
"""


@pytest.mark.parametrize(
    ("file", "schema"), [("action.yml", "github-actions"), ("infra/gate/gitlab.yml", "gitlab-ci")]
)
def test_it_is_what_its_system_takes(file: str, schema: str) -> None:
    document = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))
    jsonschema.validate(document, json.loads((SCHEMAS / f"{schema}.json").read_text(encoding="utf-8")))


def test_inputs_reach_the_action_as_variables_and_never_as_text_of_its_script() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    (step,) = action["runs"]["steps"]
    assert "${{" not in step["run"]
    assert {name.upper() for name in action["inputs"]} <= {
        name.rstrip("S") if name == "SOCS" else name for name in step["env"]
    }


def run(folder: Path, **variables: str) -> tuple[int, list[str]]:
    (program := folder / "qhas").write_text(QHAS)
    program.chmod(0o755)
    environment = {
        "PATH": os.environ["PATH"],
        "QHAS": str(program),
        "BASE": "HEAD~1",
        "HEAD": "HEAD",
        "SOCS": "sa8255 sa8797",
        "MODELS": "models/*",
        "PYTHON": "python3",
        "HERE": str(ROOT),
    }
    done = subprocess.run(
        [ROOT / "infra/gate/run"], cwd=folder, env=environment | variables, check=False, capture_output=True
    )
    (folder / "said.txt").write_bytes(done.stdout)
    return done.returncode, (folder / "words.txt").read_text().splitlines()


def test_the_script_asks_the_gate_and_ends_as_it_does(tmp_path: Path) -> None:
    code, words = run(tmp_path, CODE="1", GITHUB_OUTPUT=str(tmp_path / "output"))
    assert code == 1
    assert words[:5] == ["gate", "--soc=sa8255", "--soc=sa8797", "--models", "models/*"]
    assert words[-3:] == ["--", "HEAD~1", "HEAD"]
    assert json.loads((tmp_path / "gate.json").read_text()) == {"passed": True}
    assert (tmp_path / "output").read_text() == "passed=false\n"


def test_more_options_are_words_and_nothing_of_an_input_is_run(tmp_path: Path) -> None:
    _, words = run(tmp_path, ARGUMENTS="--threshold 5", BASE="$(touch run); a b")
    assert words[-5:] == ["--threshold", "5", "--", "$(touch run); a b", "HEAD"]
    assert not (tmp_path / "run").exists()


def test_github_obeys_nothing_of_what_the_gate_says(tmp_path: Path) -> None:
    run(tmp_path, GITHUB_ACTIONS="true")
    first, *said, last = (tmp_path / "said.txt").read_text().split("\n")[:-1]
    word = first.removeprefix("::stop-commands::")
    assert len(word) == 32
    assert said[0] == "### HTP gate"
    assert last == f"::{word}::"
    run(tmp_path)
    assert (tmp_path / "said.txt").read_text() == "### HTP gate\n"
