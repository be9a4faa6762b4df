"""The command at a desk of its own. Nothing here starts a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qhas.cli import running
from tests.qhas.cli.desk import Desk


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that gets as far as a flow has failed."""

    def refuse(*_: Any, **__: Any) -> None:
        pytest.fail("bad input reached a flow")

    monkeypatch.setattr(running, "run_flow", refuse)
    monkeypatch.delenv("QHAS_SITE", raising=False)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)
