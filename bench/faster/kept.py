"""Answers in a folder, one file a network, SoC and question: a run that was stopped goes on where it was."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Any


class Question(StrEnum):
    """What is asked of a network on a SoC."""

    TUNE = "tune"
    """The best options of graph-prepare."""
    EXPLAIN = "explain"
    """What bounds it."""
    ADVISE = "advise"
    """Rewrites that make it faster."""


class Kept:
    """The answers as JSON, with `left_out`, a sentence, for what has none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, question: Question, network: str, soc: str) -> dict[str, Any] | None:
        """The answer; None where the question was not asked yet."""
        path = self._path(question, network, soc)
        if not path.is_file():
            return None
        answer: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return answer

    def put(self, question: Question, network: str, soc: str, answer: dict[str, Any]) -> None:
        """Keep an answer, whole or not at all."""
        path = self._path(question, network, soc)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(answer), encoding="utf-8")
        partial.replace(path)

    def _path(self, question: Question, network: str, soc: str) -> Path:
        return self.folder / f"{question}.{network}.{soc}.json"
