"""Every command line in README, docs and examples is valid: its command and its options exist."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from qhas.cli.main import WORDS, app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("examples/*.md"))]
WHOLE: Any = typer.main.get_command(app)
AUTOMATIONS = {
    name
    for file in ROOT.glob("flows/register/automations/*.yaml")
    for name in re.findall(r"name: \"?(qhas [^\"\n]*)", file.read_text(encoding="utf-8"))
}
"""Names of automations, which begin like commands."""
AS_PROMPTED = re.compile(r"^\s{4,}(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?(qhas [a-z].*)$")
AS_NAMED = re.compile(r"`(qhas [a-z][^`]*)`")


def lines_of(page: Path) -> list[str]:
    """Return the command lines of a page, from its blocks and from within its sentences."""
    text = page.read_text(encoding="utf-8")
    blocks = [match[1] for line in text.splitlines() if (match := AS_PROMPTED.match(line))]
    return sorted({*blocks, *(re.sub(r"\s+", " ", named) for named in AS_NAMED.findall(text))})


@cache
def options(word: str) -> set[str]:
    """Return every spelling of a command's options."""
    return {
        spelling
        for parameter in WHOLE.get_command(None, word).params
        for spelling in (*parameter.opts, *parameter.secondary_opts)
    }


LINES = [
    pytest.param(line, id=f"{page.stem}: {line}")
    for page in PAGES
    for line in lines_of(page)
    if line not in AUTOMATIONS
]


@pytest.mark.parametrize("line", LINES)
def test_a_command_line_names_a_command_and_options_that_there_are(line: str) -> None:
    words = shlex.split(line.replace("...", ""), comments=True)
    assert words[1] in WORDS, words[1]
    named = {word.partition("=")[0] for word in words[2:] if re.match(r"--?[a-z]", word)}
    assert named - {"--help"} <= options(words[1])
