"""Plans are compared with what then happens, with real tools on fake devices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.size import Size
from bench.studies import foretold
from fakes.devices import phone
from qhas.machine.shared_directory import DIRECTORY_VARIABLE


@pytest.mark.slow
@pytest.mark.hostsdk
def test_each_night_has_its_plan_and_what_it_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if why := phone.why_unavailable():
        pytest.skip(why)
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path / "leases"))
    measured: Any = foretold.measure(tmp_path, Size.QUICK, Console(quiet=True))
    told = {(night["where"], night["night"]): night for night in measured["nights"]}
    assert len(told) == 6
    assert all(night["took"] > 0 and night["foretold"].seconds > 0 for night in told.values())
    known = told["fake phones", "second"]["foretold"]
    assert known.low is None
    assert known.seconds >= 9
