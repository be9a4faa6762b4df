"""Parts of a network as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.dlc import make_dlc
from qhas.failures import InvalidInput
from qhas.reproducer.trials import Conditions, Trials
from qhas.site import Site
from qhas.sweep.spec import PrepareOptions, RunOptions


def test_a_dlc_that_cannot_be_cut_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    side = Conditions("sa8255", None, PrepareOptions(), RunOptions())
    dlc = make_dlc(tmp_path / "net.dlc")
    dlc.write_bytes(dlc.read_bytes()[:-40])
    folder = tmp_path / "parts"
    folder.mkdir()
    trials = Trials(dlc, Site(), folder, side, side)
    with pytest.raises(
        InvalidInput, match=r"The DLC cannot be cut into parts: the network of net\.dlc cannot be cut"
    ):
        trials.part(frozenset({0}))
    assert not list(folder.iterdir())
