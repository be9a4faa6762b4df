"""The command as a whole: what it offers, and that each command imports its own."""

from __future__ import annotations

import subprocess
import sys

from typer.testing import CliRunner

import qhas
from qhas.cli.main import app


def run_python(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_the_version_is_printed() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout.strip()) == (0, qhas.__version__)


def test_no_command_imports_prefect() -> None:
    script = "import sys, qhas.cli.main as c; c.app(['--help'], standalone_mode=False); print('prefect' in sys.modules)"
    assert run_python(script).splitlines()[-1] == "False"


def test_a_command_does_not_pay_for_what_others_import() -> None:
    script = "import sys, qhas.cli.main as c; c.app(['devices', '--help'], standalone_mode=False); print(*sys.modules)"
    imported = set(run_python(script).splitlines()[-1].split())
    assert "qhas.cli.upkeep" in imported
    assert not {"qhas.cli.run", "qhas.report", "pyarrow", "scipy", "plotly"} & imported


def test_the_help_lists_every_command_as_a_newcomer_needs_them() -> None:
    shown = CliRunner().invoke(app, ["--help"]).stdout
    names = ("demo", "plan", "sweep", "profile", "show", "compare", "history", "report", "devices", "prune")
    places = [shown.index(f"│ {name} ") for name in names]
    assert places == sorted(places)


def test_of_a_mistyped_command_the_nearest_is_suggested() -> None:
    done = CliRunner().invoke(app, ["histroy"])
    assert done.exit_code == 2
    assert "Did you mean 'history'?" in done.stderr
