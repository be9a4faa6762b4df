"""What every command has in common: its exit codes, and how it ends when it is refused, fails or is cancelled.

No part of the library is imported before it is needed, so `qhas --version` and `qhas --help` are quick.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from enum import IntEnum
from functools import wraps
from typing import Any, ParamSpec

import typer

from qhas.cli.waiting import reporting_waits
from qhas.machine.hangup import hangup_interrupts

P = ParamSpec("P")


class Exit(IntEnum):
    """Exit codes of the command."""

    GOOD = 0
    CELLS_FAILED = 1
    BAD_INPUT = 2
    CANCELLED = 130


def command(function: Callable[P, Exit]) -> Callable[P, None]:
    """Make a command of a function that returns its exit code; a refusal becomes one sentence on standard error."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with hangup_interrupts(), reporting_waits():
                code = function(*args, **kwargs)
        except KeyboardInterrupt:
            _say("cancelled.", style="yellow")
            code = Exit.CANCELLED
        except Exception as error:
            code = _exit_code(error)
            _say(_sentence(error), style="red")
        raise typer.Exit(code)

    return run


def refusing(look: Callable[P, str], *args: P.args, **kwargs: P.kwargs) -> None:
    """Check what was typed, and end the command if `look` returns a refusal or raises an error meant for the user."""
    code = Exit.BAD_INPUT
    try:
        sentence = look(*args, **kwargs)
    except Exception as error:
        code, sentence = _exit_code(error), _sentence(error)
    if sentence:
        _say(sentence, style="red")
        raise typer.Exit(code)


def _exit_code(error: Exception) -> Exit:
    """Return the exit code of an error whose text is a sentence for the user; raise any other, which is a bug."""
    from qhas.failures import QhasError

    if isinstance(error, QhasError):
        return Exit(error.exit_code)
    if isinstance(error, OSError):
        return Exit.BAD_INPUT
    raise error


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename} cannot be used: {error.strerror}."
    return str(error)


def _say(sentence: str, style: str) -> None:
    from qhas.cli.screen import errors

    errors.print(f"qhas: {sentence}", style=style, soft_wrap=True)


def print_json(document: dict[str, Any]) -> None:
    """Print one document on standard output."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
