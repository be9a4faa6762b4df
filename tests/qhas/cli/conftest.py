"""The command in a folder of its own; no test here starts a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qhas.cli import running
from tests.qhas.cli.desk import Desk


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail any test whose command gets as far as starting a flow."""

    def refuse(*_: Any, **__: Any) -> None:
        pytest.fail("bad input reached a flow")

    monkeypatch.setattr(running, "run_flow", refuse)
    monkeypatch.delenv("QHAS_SITE", raising=False)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)
