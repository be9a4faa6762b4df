"""`qhas verify` from the command line. What counts as damage is decided, and tested, in `qhas.upkeep.verify`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from qhas.cli.main import app
from qhas.store import Store
from tests.documents import write_yaml
from tests.qhas.diff.stored import store_run
from tests.qhas.diff.summaries import Made

RUN = "nightly-1"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with a run of one cell whose QHAS file does not match its digest."""
    monkeypatch.chdir(tmp_path)
    write_yaml(tmp_path / "site.yaml", {"store": "store"})
    store = Store(str(tmp_path / "store"))
    store_run(store, RUN, {"net": [Made("Conv2d", 100)]})
    return store


def verify(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["verify", *arguments, "--site", "site.yaml"])


def test_what_is_damaged_is_named_and_the_exit_code_is_1(store: Store) -> None:
    result = verify(RUN)
    assert result.exit_code == 1
    assert "qhas.json.gz: artifact damaged." in result.stdout
    assert "With --discard the records of damaged cells are removed" in result.stdout


def test_damaged_cells_are_discarded_when_asked(store: Store) -> None:
    result = verify("--all", "--discard", "--json")
    assert json.loads(result.stdout)["discarded"] == 1
    assert not [found for found in store.objects(f"runs/{RUN}") if found.key.endswith("manifest.json")]


@pytest.mark.parametrize("arguments", [(), (RUN, "--all")], ids=str)
def test_a_run_or_all_must_be_named(store: Store, arguments: tuple[str, ...]) -> None:
    result = verify(*arguments)
    assert (result.exit_code, result.stderr) == (
        2,
        "qhas: Name a run, as in `qhas verify RUN`, or ask for `--all`.\n",
    )


def test_a_run_that_is_not_there_is_refused(store: Store) -> None:
    result = verify("nightly-9")
    assert result.exit_code == 2
    assert "has no run nightly-9" in result.stderr
