"""The frame of the `qhas` command: its consoles, exit codes and shared options."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from enum import IntEnum
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer
from typer.core import TyperGroup
from typer.main import get_group

from qhas.cli.screen import Screen
from qhas.failures import QhasError
from qhas.site import SITE_VARIABLE

P = ParamSpec("P")
_MODULES = {
    "demo": "qhas.cli.run",
    "plan": "qhas.cli.run",
    "sweep": "qhas.cli.run",
    "profile": "qhas.cli.run",
    "show": "qhas.cli.run",
    "compare": "qhas.cli.compare",
    "history": "qhas.cli.history",
    "report": "qhas.cli.report",
    "devices": "qhas.cli.upkeep",
    "doctor": "qhas.cli.upkeep",
    "prune": "qhas.cli.upkeep",
    "pin": "qhas.cli.upkeep",
}
"""Where each command is, in the order in which a newcomer needs them."""


class _OnDemand(TyperGroup):
    """Imports a command when it is asked for: what all of them import takes longer than most of them."""

    def list_commands(self, _ctx: Any) -> list[str]:
        """Their names, in the order of the table."""
        return list(_MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command; for a name that is none all are imported, from which the nearest are suggested."""
        known = _MODULES.get(cmd_name)
        for module in [known] if known else _MODULES.values():
            import_module(module)
        self.commands.update(get_group(app).commands)
        return super().get_command(ctx, cmd_name)


app = typer.Typer(
    cls=_OnDemand,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Profile networks on Qualcomm Hexagon (HTP) and keep every trace.",
)
# Nothing is cut in a pipe or a file.
WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160
console = Screen(width=WIDTH)
errors = Screen(stderr=True, width=WIDTH)

SiteOption = Annotated[
    Path | None, typer.Option("--site", help=f"site.yaml; else {SITE_VARIABLE}, else the defaults.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]


class Exit(IntEnum):
    """Exit codes of the command."""

    GOOD = 0
    CELLS_FAILED = 1
    BAD_INPUT = 2
    CANCELLED = 130


def command(function: Callable[P, Exit]) -> Callable[P, None]:
    """Register a function that returns its exit code; bad input ends in one sentence on standard error."""

    @app.command(name=function.__name__)
    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = function(*args, **kwargs)
        except (QhasError, OSError) as error:
            errors.print(f"qhas: {error}", style="red", markup=False, soft_wrap=True)
            code = Exit(error.exit_code) if isinstance(error, QhasError) else Exit.BAD_INPUT
        except KeyboardInterrupt:
            errors.print("qhas: cancelled.", style="yellow")
            code = Exit.CANCELLED
        raise typer.Exit(code)

    return run


def print_json(document: dict[str, Any]) -> None:
    """One document on standard output."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
