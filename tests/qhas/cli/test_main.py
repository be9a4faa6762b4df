"""The command as a whole: what it offers."""

from __future__ import annotations

from typer.testing import CliRunner

import qhas
from qhas.cli.main import app


def test_the_version_is_printed() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout.strip()) == (0, qhas.__version__)


def test_the_help_lists_every_command_as_a_newcomer_needs_them() -> None:
    shown = CliRunner().invoke(app, ["--help"]).stdout
    names = ("demo", "plan", "sweep", "profile", "show", "compare", "history", "report", "devices", "prune")
    places = [shown.index(f"│ {name} ") for name in names]
    assert places == sorted(places)


def test_of_a_mistyped_command_the_nearest_is_suggested() -> None:
    done = CliRunner().invoke(app, ["histroy"])
    assert done.exit_code == 2
    assert "Did you mean 'history'?" in done.stderr
