"""Answers in a folder, one file per network, SoC and question, so that a stopped run resumes where it was."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Any


class Question(StrEnum):
    """A question about a network on a SoC."""

    TUNE = "tune"
    """The best options of graph-prepare."""
    EXPLAIN = "explain"
    """What bounds the network."""
    ADVISE = "advise"
    """Rewrites that make the network faster."""


class Kept:
    """The answers as JSON; if there is none for a question, `left_out` says why in a sentence."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, question: Question, network: str, soc: str) -> dict[str, Any] | None:
        """Return the answer, or None if the question has not been asked yet."""
        path = self._path(question, network, soc)
        if not path.is_file():
            return None
        answer: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return answer

    def put(self, question: Question, network: str, soc: str, answer: dict[str, Any]) -> None:
        """Store an answer atomically."""
        path = self._path(question, network, soc)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(answer), encoding="utf-8")
        partial.replace(path)

    def _path(self, question: Question, network: str, soc: str) -> Path:
        return self.folder / f"{question}.{network}.{soc}.json"
