"""`qhas compare` on files, cells and runs: its output and its exit codes."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from qhas.cli.frame import Exit
from qhas.cli.main import app
from qhas.store import Store
from tests.qhas.archive.stored import put_nights
from tests.qhas.cli.desk import Desk
from tests.qhas.diff.stored import store_run
from tests.qhas.diff.summaries import Made, document

FAST = [Made("conv1"), Made("conv2"), Made("add", "Add")]
SLOW = [*FAST[:2], replace(FAST[2], dominant=400_000, dram=900_000)]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["compare", *arguments])


def write(folder: Path, name: str, ops: list[Made]) -> str:
    path = folder / name
    path.write_text(json.dumps(document(ops)))
    return str(path)


@pytest.fixture
def site(tmp_path: Path) -> str:
    """A site whose store holds two nights, with one cell slower in the second."""
    store = Store(str(tmp_path / "store"))
    store_run(store, "nightly-1", {"alpha": FAST, "beta": FAST})
    store_run(store, "nightly-2", {"alpha": FAST, "beta": SLOW}, day=1)
    (tmp_path / "site.yaml").write_text(json.dumps({"store": "store"}))
    return str(tmp_path / "site.yaml")


def test_two_files_end_in_one_sentence_and_a_waterfall(tmp_path: Path) -> None:
    done = run(write(tmp_path, "a.json", FAST), write(tmp_path, "b.json", SLOW))
    assert done.exit_code == 1
    assert "Add add moved more to and from DRAM (+213.9 µs)" in done.output
    assert "█" in done.output


def test_two_files_of_one_profile_have_no_empty_table(tmp_path: Path) -> None:
    done = run(write(tmp_path, "a.json", FAST), write(tmp_path, "b.json", FAST))
    assert "what the difference consists of" not in done.output
    assert "what happened" not in done.output
    assert "mean use" in done.output


def test_nothing_worse_is_exit_code_0(tmp_path: Path) -> None:
    slow, fast = write(tmp_path, "a.json", SLOW), write(tmp_path, "b.json", FAST)
    assert run(slow, fast).exit_code == 0
    assert run(fast, fast).exit_code == 0
    assert run(fast, slow, "--threshold", "900").exit_code == 0


def test_two_runs_are_a_table_with_the_reason_of_each_cell(site: str) -> None:
    done = run("nightly-1", "nightly-2", "--site", site)
    assert done.exit_code == 1
    assert "2 cells compared: 1 worse" in done.output


def test_a_run_is_judged_by_its_baseline(site: str) -> None:
    done = run("nightly-2", "--baseline", "--site", site, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["before"] == "nightly-1"


def test_show_tells_what_changed_since_another_run(site: str) -> None:
    done = CliRunner().invoke(app, ["show", "nightly-2", "--site", site, "--against", "baseline"])
    assert done.exit_code == 1
    assert "2 cells compared: 1 worse" in done.output


def test_two_cells_of_one_run_are_compared_by_their_address(site: str) -> None:
    done = run("nightly-2/alpha/sm8750/default", "nightly-2/beta/sm8750", "--site", site, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["after"]["cell"] == "beta/sm8750/default"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nightly-1",), "Give two to compare"),
        (("nightly-1", "nightly-2", "--baseline"), "Give two to compare"),
        (("nightly-1", "gone"), "has no run gone"),
        (("nightly-1", "--baseline"), "no finished run of sweep nightly before"),
        (("nightly-1", "nightly-2", "--model", "x*"), "no cell in common"),
        (("nightly-1", "nightly-2/beta/sm8750"), "is a whole run"),
        (
            ("nightly-1/beta/sm8650", "nightly-2/beta/sm8750"),
            "no finished cell beta/sm8650; choose from alpha",
        ),
        (("gone.json", "nightly-2/beta/sm8750"), "cannot be read"),
        (("gone.json", "gone.json", "--soc", "x"), "choose cells of two runs"),
        (("../etc/x/y", "nightly-2/beta/sm8750"), "The run id is not valid"),
    ],
    ids=str,
)
def test_bad_input_is_one_sentence(site: str, arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments, "--site", site)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_names_of_ops_are_data_and_not_markup(tmp_path: Path) -> None:
    marked = [*FAST, Made("[red]op[/red]", dominant=500_000)]
    done = run(write(tmp_path, "a.json", FAST), write(tmp_path, "b.json", marked))
    assert "[red]op[/red]" in done.output


def test_two_traces_are_written_into_one_file(desk: Desk) -> None:
    put_nights(desk.store)
    cells = ("nightly-1/net/sm8750", "nightly-2/net/sm8750")
    done = desk.run("compare", *cells, "--trace", "both.json.gz", "--site", "site.yaml")
    assert done.exit_code == Exit.CELLS_FAILED, done.output
    assert "ui.perfetto.dev opens it" in done.stderr
    assert b"B nightly-2 net" in gzip.decompress((desk.folder / "both.json.gz").read_bytes())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nightly-1", "nightly-2", "--trace", "both.json"), "2 were compared; choose with --model"),
        (("nightly-1", "nightly-2", "--model", "net", "--trace", "both.txt"), "not a trace file name"),
        (("nightly-1", "nightly-2", "--model", "net", "--trace", "no/both.json"), "a folder that exists"),
        (("nightly-1", "nightly-2", "--model", "other", "--trace", "both.json"), "has no chrometrace"),
    ],
)
def test_traces_that_cannot_be_merged_are_refused(desk: Desk, words: tuple[str, ...], says: str) -> None:
    put_nights(desk.store)
    assert says in desk.refused("compare", *words, "--site", "site.yaml")
    assert not (desk.folder / "both.json").exists()
