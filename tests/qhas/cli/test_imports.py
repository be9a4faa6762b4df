"""Commands must not import what they do not need, because their users wait for it.

Each command runs in a process forked from one that has imported what all but the simplest commands may import.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from qhas.cli.main import WORDS
from qhas.store import Store
from tests.documents import write_yaml
from tests.qhas.diff.stored import store_run
from tests.qhas.diff.summaries import Made

pytestmark = pytest.mark.xdist_group("imports")
HEAVY = {
    *("aiohttp", "boto3", "botocore", "jinja2", "numpy", "obstore", "plotext", "plotly", "prefect"),
    *("pyarrow", "s3fs", "scipy"),
}
"""Libraries whose import takes as long as a whole command may take."""
RECORDS = {"qhas.profile.metrics", "qhas.runs.record", "qhas.sweep.spec"}
"""The modules that define a run's record."""
DIFF = {"qhas.diff", "qhas.network.dlc"}
WORK = {"qhas.cell", "qhas.lab", "qhas.devices.lease"}
VERDICTS = {"qhas.history", "qhas.report", "qhas.verdict"}
PARQUET = {"numpy", "pyarrow"}
PAGES = {"jinja2", "plotly"}
RUNS = {
    "--version": {"pydantic", "rich", "yaml", *HEAVY},
    "--help": {"pydantic", "yaml", *HEAVY},
    "runs --site site.yaml": HEAVY,
    "truth --site site.yaml": HEAVY - PARQUET,
    "query select+1 --site site.yaml": HEAVY - PARQUET,
    "show nightly-1 --site site.yaml": HEAVY | DIFF | WORK | VERDICTS,
    "show nightly-2 --site site.yaml --against nightly-1": HEAVY,
    "compare nightly-1 nightly-2 --site site.yaml": HEAVY,
    "plan sweep.yaml --site site.yaml": HEAVY | VERDICTS | {"qhas.diff"},
    "devices --site site.yaml": HEAVY | DIFF | VERDICTS,
    "openmetrics --site site.yaml": HEAVY,
    "doctor --site site.yaml": HEAVY | RECORDS | DIFF | VERDICTS | {"qhas.cell", "qhas.lab"},
    "prune --site site.yaml": HEAVY,
    "pin nightly-1 --site site.yaml": HEAVY,
    "verify nightly-1 --site site.yaml": HEAVY - PARQUET,
    "accept --list --site site.yaml": HEAVY,
    "gate gone.dlc gone.dlc --soc sm8750": HEAVY,
    "history net sm8750 --site site.yaml": HEAVY - PARQUET,
    "report nightly-1 --site site.yaml": HEAVY - PARQUET - PAGES,
    "open nightly-9 --site site.yaml": HEAVY,
    "tune gone.dlc --soc sm8750": HEAVY,
    "explain gone.dlc --soc sm8750": HEAVY,
    "advise gone.onnx --soc sm8750": HEAVY,
    "upgrade gone.dlc --from a --to b --soc sm8750": HEAVY,
    "bisect nightly-1/net/sm8750 --from a --to b": HEAVY,
    "reproducer gone.dlc other.dlc --soc sm8750": HEAVY,
    "sweep gone.yaml": HEAVY,
    "profile gone.dlc --soc sm8750": HEAVY | DIFF | WORK | VERDICTS,
    "check gone.onnx --soc sm8750": HEAVY,
    "demo --help": HEAVY,
    "layers --help": HEAVY,
    "llm --help": HEAVY,
    "block --help": HEAVY,
}
"""Command lines, each with the modules that it must not import. The store has no history: reading one needs Arrow."""
SCRIPT = """
import json, os, sys
for library in sys.argv[2:]:
    __import__(library)
for line in json.loads(sys.argv[1]):
    if os.fork() == 0:
        try:
            from qhas.cli.main import app
            app(line.split(), prog_name="qhas")
        finally:
            sys.stdout.flush()
            print("imported:" + json.dumps([line, sorted(sys.modules)]), flush=True)
            os._exit(0)
    os.wait()
"""
LIGHT = ["pydantic", "rich.table", "yaml", "typer", "qhas.cli.main", "qhas.site"]
"""What all but the simplest commands may import."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep, a site, and two nights in its store."""
    folder = tmp_path_factory.mktemp("imports")
    (folder / "net.dlc").write_bytes(b"dlc")
    models = [{"name": "net", "dlc": "net.dlc"}]
    write_yaml(folder / "sweep.yaml", {"name": "nightly", "models": models, "socs": ["sm8750"]})
    write_yaml(folder / "site.yaml", {"store": "store"})
    for day, run_id in enumerate(("nightly-1", "nightly-2")):
        store_run(Store(str(folder / "store")), run_id, {"alpha": [Made("conv")]}, day=day)
    return folder


@pytest.fixture(scope="module")
def imported(folder: Path) -> dict[str, set[str]]:
    """The modules that each command line had imported when it finished."""
    ahead = {line: _may_import(RUNS[line]) for line in RUNS}
    each = [[line for line in RUNS if ahead[line] == libraries] for libraries in {*ahead.values()}]
    return {line: names for lines in each for line, names in _run(folder, lines, *ahead[lines[0]]).items()}


def _may_import(forbidden: set[str]) -> tuple[str, ...]:
    """Return what a command that must not import `forbidden` shares with others, and so may be imported beforehand."""
    if not forbidden.isdisjoint(LIGHT):
        return ()
    return (*LIGHT, *sorted(RECORDS)) if forbidden.isdisjoint(RECORDS) else tuple(LIGHT)


def _run(folder: Path, lines: list[str], *before: str) -> dict[str, set[str]]:
    argv = [sys.executable, "-c", SCRIPT, json.dumps(lines), *before]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=900, check=True)
    assert "Traceback" not in done.stderr, done.stderr
    said = [
        json.loads(text.partition(":")[2])
        for text in done.stdout.splitlines()
        if text.startswith("imported:")
    ]
    return {line: set(names) for line, names in said}


@pytest.mark.parametrize("line", RUNS)
def test_a_command_imports_no_library_that_it_does_not_need(imported: dict[str, set[str]], line: str) -> None:
    assert RUNS[line] & imported[line] == set()


NOT_BEFORE_THE_TOOLS = {
    *HEAVY,
    *(
        "qhas.cli.show",
        "qhas.devices.remote",
        "qhas.devices.shell",
        "qhas.diff",
        "qhas.estimate.estimator",
        "qhas.explain",
    ),
    *("qhas.history", "qhas.llm", "qhas.own_server", "qhas.report", "qhas.verdict"),
}
"""What a direct run imports only while its tools compute, or never."""


def test_a_direct_run_imports_what_comes_after_its_tools_no_sooner() -> None:
    script = "import json, sys, qhas.cli.profile, qhas.cli.running, qhas.direct; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert NOT_BEFORE_THE_TOOLS & set(json.loads(done.stdout)) == set()


def test_every_command_is_in_the_table() -> None:
    assert {line.split()[0] for line in RUNS} == {"--version", "--help", *WORDS}
