"""docs/exit-codes.md is a contract: it lists the codes, and explains every subcommand that can exit with 1."""

from __future__ import annotations

import re
from pathlib import Path

from qhas.cli.frame import Exit
from qhas.cli.main import WORDS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/exit-codes.md").read_text(encoding="utf-8")
ELSEWHERE = {"demo", "sweep", "profile", "bisect"}
"""Their exit codes are set in qhas/cli/running.py, that of `bisect` in qhas/cli/upgrade.py."""


def test_the_codes_are_those_of_the_command() -> None:
    rows = re.findall(r"^\| (\d+) \| ([a-z ]+) \|", PAGE, re.MULTILINE)
    assert {int(code): name for code, name in rows} == {
        int(code): code.name.lower().replace("_", " ") for code in Exit
    }


def test_every_word_that_can_end_with_1_is_explained_and_no_other() -> None:
    named = set(
        re.findall(r"`([a-z]+)(?: --\w+)?`", "\n".join(re.findall(r"^\| (`.+?) \|", PAGE, re.MULTILINE)))
    )
    ending = {
        word for word in WORDS if "Exit.CELLS_FAILED" in (ROOT / f"qhas/cli/{word}.py").read_text("utf-8")
    }
    assert named == ending | ELSEWHERE
