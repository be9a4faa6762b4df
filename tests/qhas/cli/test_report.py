"""`qhas report` renders pages from the store."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from fakes.records import record, run_record
from qhas.cli.main import app
from qhas.site import Site
from qhas.store import Store
from tests.documents import write_yaml


def invoke(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["report", *arguments])
    return done.exit_code, done.output


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write_yaml(tmp_path / "site.yaml", Site(store=str(tmp_path / "store")).model_dump_json())


def put_run(site: Path) -> Store:
    store = Store(str(site.parent / "store"))
    store.write("runs/nightly-1/sweep.json", run_record().model_dump_json().encode())
    store.write("runs/nightly-1/net/sm8750/default/manifest.json", record().model_dump_json().encode())
    return store


def test_a_report_is_made_again_of_what_is_stored(site: Path) -> None:
    store = put_run(site)
    code, said = invoke("nightly-1", "--site", str(site))
    assert code == 0
    assert f"Report: {store.url('reports/nightly-1/index.html')}" in said
    assert store.exists("reports/nightly-1/cells/net/sm8750/default/index.html")
    assert b"nightly-1" in (store.read("reports/index.html") or b"")


def test_a_run_that_is_not_there_is_refused(site: Path) -> None:
    code, said = invoke("nightly-9", "--site", str(site))
    assert code == 2
    assert "has no run nightly-9" in said


def test_links_of_traces_are_printed_where_they_are_asked_for(site: Path) -> None:
    store = put_run(site)
    _, without = invoke("nightly-1", "--site", str(site))
    _, said = invoke("nightly-1", "--site", str(site), "--links", "24")
    address = store.url("runs/nightly-1/net/sm8750/default/chrometrace.json.gz")
    assert f"net on sm8750: {address}" in said
    assert address not in without
