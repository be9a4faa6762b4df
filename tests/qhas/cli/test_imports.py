"""What a command must not import: whoever types it waits for that. They are run in one process, the barest first."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise

import pytest

from qhas.cli.main import WORDS
from qhas.store import Store
from tests.documents import write_yaml
from tests.qhas.diff.stored import store_run
from tests.qhas.diff.summaries import Made

HEAVY = {
    *("aiohttp", "boto3", "botocore", "jinja2", "numpy", "obstore", "plotext", "plotly", "prefect"),
    *("pyarrow", "s3fs", "scipy"),
}
"""Libraries that take as long to import as a whole command may take."""
PARQUET = {"numpy", "pyarrow"}
PAGES = {"jinja2", "plotly"}
RUNS = {
    "--version": {"pydantic", "rich", "yaml", *HEAVY},
    "--help": {"pydantic", "yaml", *HEAVY},
    "runs --site site.yaml": HEAVY,
    "truth --site site.yaml": HEAVY - PARQUET,
    "query select+1 --site site.yaml": HEAVY - PARQUET,
    "show nightly-1 --site site.yaml": HEAVY,
    "show nightly-2 --site site.yaml --against nightly-1": HEAVY,
    "compare nightly-1 nightly-2 --site site.yaml": HEAVY,
    "plan sweep.yaml --site site.yaml": HEAVY,
    "devices --site site.yaml": HEAVY,
    "doctor --site site.yaml": HEAVY,
    "prune --site site.yaml": HEAVY,
    "pin nightly-1 --site site.yaml": HEAVY,
    "verify nightly-1 --site site.yaml": HEAVY - PARQUET,
    "gate gone.dlc gone.dlc --soc sm8750": HEAVY,
    "history net sm8750 --site site.yaml": HEAVY - PARQUET,
    "report nightly-1 --site site.yaml": HEAVY - PARQUET - PAGES,
    "open nightly-9 --site site.yaml": HEAVY,
    "upgrade gone.dlc --from a --to b --soc sm8750": HEAVY,
    "bisect nightly-1/net/sm8750 --from a --to b": HEAVY,
    "sweep gone.yaml": HEAVY,
    "profile gone.dlc --soc sm8750": HEAVY,
    "demo --help": HEAVY,
}
"""Command lines, and what none of them may import. The store has no history: reading one takes Arrow."""
SCRIPT = """
import json, sys
from qhas.cli.main import app
imported = {}
for line in json.loads(sys.argv[1]):
    try:
        app(line.split(), prog_name="qhas")
    except SystemExit:
        pass
    imported[line] = sorted({name.partition(".")[0] for name in sys.modules})
print("imported:" + json.dumps(imported))
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What was imported when a line had ended, in a folder with a sweep, a site, and two nights of it in the store.

    Those that may import least come first, so that nothing a line may not import was there before it.
    """
    folder = tmp_path_factory.mktemp("imports")
    (folder / "net.dlc").write_bytes(b"dlc")
    models = [{"name": "net", "dlc": "net.dlc"}]
    write_yaml(folder / "sweep.yaml", {"name": "nightly", "models": models, "socs": ["sm8750"]})
    write_yaml(folder / "site.yaml", {"store": "store"})
    for day, run_id in enumerate(("nightly-1", "nightly-2")):
        store_run(Store(str(folder / "store")), run_id, {"alpha": [Made("conv")]}, day=day)
    lines = sorted(RUNS, key=lambda line: -len(RUNS[line]))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(lines)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    result: dict[str, list[str]] = json.loads(done.stdout.rpartition("imported:")[2])
    return result


@pytest.mark.parametrize("line", RUNS)
def test_a_command_imports_no_library_that_it_does_not_need(
    imported: dict[str, list[str]], line: str
) -> None:
    assert RUNS[line].intersection(imported[line]) == set()


def test_what_a_line_may_not_import_no_line_before_it_may() -> None:
    ordered = sorted(RUNS.values(), key=len, reverse=True)
    assert all(later <= earlier for earlier, later in pairwise(ordered))


def test_every_command_is_in_the_table() -> None:
    assert {line.split()[0] for line in RUNS} == {"--version", "--help", *WORDS}
