"""A sweep outlasts a restart of Prefect's server: complete cells are kept, and the others can still be completed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bench.resilience.lab import build_lab, ended_with_us
from bench.resilience.reader import Folder, read_run
from bench.resilience.server import PrefectServer
from tests.rack.rack import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.server,
    pytest.mark.timeout(7200),
]


@pytest.mark.parametrize("away_seconds", [0.0, 20.0])
def test_a_sweep_outlasts_a_restart_of_the_prefect_server(tmp_path: Path, away_seconds: float) -> None:
    with PrefectServer(tmp_path) as server:
        lab = build_lab(tmp_path, 6, server.environment)
        store = Folder(lab.folder / "store")
        with ended_with_us(lab.start("one")) as process:
            until(lambda: len(read_run(store, "one").complete) >= 4 or process.poll() is not None, 1800)
            server.kill()
            before = read_run(store, "one")
            time.sleep(away_seconds)
            took = server.start()
            code = process.wait(1800)
        after = read_run(store, "one")
        print(f"server away {away_seconds + took:.0f} s; exit code {code}; {len(after.complete)} complete")
        print({state: server.flow_runs(state) for state in ("RUNNING", "COMPLETED", "FAILED", "CRASHED")})
        print(lab.said("one"))
        assert before.broken == after.broken == []
        assert {cell: after.complete[cell] for cell in before.complete} == before.complete
        if code:
            assert lab.run("one") == 0, lab.said("one")
        assert sorted(read_run(store, "one").complete) == sorted(lab.cells)
