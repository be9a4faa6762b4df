"""The demo, run once as a user runs it, and its cells as files."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from qhas.runs.record import CellRecord, SweepRecord
from qhas.runs.stored import load_run
from qhas.site.demo import demo_site
from qhas.store import Store

SMALL = ("squeezenet",)
"""Networks that are built, compiled and run within seconds."""
QHAS = Path(sys.executable).parent / "qhas"


@dataclass(frozen=True)
class DemoRun:
    """A folder the demo has filled, what it printed, and its run."""

    folder: Path
    printed: str
    run: SweepRecord
    cells: dict[tuple[str, str], CellRecord]

    @cached_property
    def store(self) -> Path:
        """The folder in which artifacts are stored."""
        return self.folder / "store"

    def artifact(self, network: str, soc: str, name: str, unpacked: Path) -> Path:
        """Unpack a stored file into a folder; return its path."""
        record = self.cells[network, soc]
        artifact = record.artifact(name)
        assert artifact is not None
        stored = self.store / "runs" / self.run.run_id / record.cell.key / artifact.path
        target = unpacked / Path(artifact.path).name.removesuffix(".gz")
        target.write_bytes(
            gzip.decompress(stored.read_bytes()) if stored.suffix == ".gz" else stored.read_bytes()
        )
        return target

    def document(self, network: str, soc: str, name: str, unpacked: Path) -> Any:
        """Return the content of a stored JSON file."""
        return json.loads(self.artifact(network, soc, name, unpacked).read_bytes())


def environment() -> dict[str, str]:
    """Return the variables of a user's shell, without Prefect settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | {
        "COLUMNS": "120"
    }


def _functions(request: pytest.FixtureRequest) -> list[pytest.Function]:
    return [item for item in request.session.items if isinstance(item, pytest.Function)]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> DemoRun:
    """`qhas demo` in an empty directory, with only its smallest network unless a slow test needs the others."""
    whole = any(
        "demo" in item.fixturenames and item.get_closest_marker("slow") for item in _functions(request)
    )
    directory = tmp_path_factory.mktemp("demo")
    home = directory / "home"
    home.mkdir()
    done = subprocess.run(
        [str(QHAS), "demo", *([] if whole else [f"--network={name}" for name in SMALL])],
        cwd=directory,
        env=environment() | {"HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(home.rglob("*prefect*")) == []
    folder = directory / "qhas-demo"
    store = Store(demo_site(folder).store)
    (run_id,) = [path.name for path in (folder / "store" / "runs").iterdir()]
    run, records = load_run(store, run_id)
    return DemoRun(folder, done.stdout, run, {(r.cell.model.name, r.cell.soc): r for r in records})
