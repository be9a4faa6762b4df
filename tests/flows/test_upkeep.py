"""The store is pruned by a flow, as its schedule runs it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from flows.upkeep import prune_store
from qhas.store import Store

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("server"),
    pytest.mark.usefixtures("prefect_server"),
]
LONG_AGO = 1_600_000_000


@pytest.fixture
def old(tmp_path: Path) -> Store:
    """A store with the remains of a cell whose host died."""
    (tmp_path / "site.yaml").write_text(json.dumps({"store": "store"}))
    store = Store(str(tmp_path / "store"))
    store.write("runs/nightly-1/net/sm8750/default/log.gz", b"half")
    for path in (tmp_path / "store").rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return store


async def test_a_dry_run_removes_nothing(old: Store, tmp_path: Path) -> None:
    state = await prune_store(dry_run=True, site=str(tmp_path / "site.yaml"), return_state=True)
    assert state.is_completed()
    assert "1 places would go" in str(state.message)
    assert old.exists("runs/nightly-1/net/sm8750/default/log.gz")


async def test_what_is_old_goes(old: Store, tmp_path: Path) -> None:
    state = await prune_store(site=str(tmp_path / "site.yaml"), return_state=True)
    assert state.is_completed()
    assert not old.exists("runs/nightly-1/net/sm8750/default/log.gz")
