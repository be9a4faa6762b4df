"""The `qhas` command: a thin layer over the functions and flows that schedules and the Prefect UI also use.

Exit codes: 0 all cells good; 1 finished, but some cells failed, are over budget or newly worse; 2 bad input, nothing
run; 130 cancelled.
"""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

import qhas
from qhas.cli.first_look import refusal_of_socs
from qhas.cli.frame import Exit, refusing
from qhas.machine.collector import collect_no_more, collect_rarely

WORDS = (
    "demo",
    "plan",
    "sweep",
    "profile",
    "check",
    "runs",
    "show",
    "compare",
    "tune",
    "explain",
    "layers",
    "advise",
    "llm",
    "block",
    "upgrade",
    "bisect",
    "accept",
    "reproducer",
    "gate",
    "history",
    "query",
    "truth",
    "report",
    "open",
    "devices",
    "openmetrics",
    "doctor",
    "prune",
    "pin",
    "verify",
)
"""The commands, in the order in which a newcomer needs them. Each is a function in a module of the same name."""


class _OnDemand(TyperGroup):
    """A group that imports a command only to run it; to list the commands, it reads their help from the source."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line, but answer `--version` at once: typer needs pydantic to parse any option."""
        if args[:1] == ["--version"]:
            typer.echo(qhas.__version__)
            ctx.exit(Exit.GOOD)
        return super().parse_args(ctx, args)

    def main(self, args: Any = None, prog_name: str | None = None, *_: Any, **named: Any) -> Any:
        """Run the command; an invalid command line is refused in one sentence, like any other bad input."""
        named["standalone_mode"] = False
        try:
            sys.exit(super().main(args, prog_name, **named) or Exit.GOOD)
        except typer.Abort:
            sys.exit(Exit.CANCELLED)
        except Exception as error:  # typer has its own parser, and hides the base class of its errors
            if not (formatted := getattr(error, "format_message", None)):
                raise
            where = getattr(error, "ctx", None)
            _say_plainly(error)
            if not (sentence := " ".join(formatted().split())) or type(error).__name__ == "NoArgsIsHelpError":
                error.show()  # type: ignore[attr-defined]
            else:
                _refuse(sentence, where.command_path if where else "qhas")
            sys.exit(Exit.BAD_INPUT)

    def list_commands(self, _ctx: Any) -> list[str]:
        """Return the names of the commands, in the order of `WORDS`."""
        return list(WORDS)

    def get_command(self, _ctx: Any, cmd_name: str) -> Any:
        """Import and return the command; None for any other word."""
        if cmd_name not in WORDS:
            return None
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(name=cmd_name)(getattr(import_module(f"qhas.cli.{cmd_name}"), cmd_name))
        return get_command(single)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Resolve the first word to its command, or raise a usage error that suggests the nearest one."""
        refusing(refusal_of_socs, args)
        self.commands = {word: TyperCommand(word) for word in WORDS}
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, with a sentence for each command."""
        whole = TyperGroup(name=self.name, commands=_listed(), params=self.params, help=self.help)
        whole.format_help(ctx, formatter)


def _say_plainly(error: Any) -> None:
    """Describe an invalid value as is done for files, replacing pydantic's message, which typer would show."""
    if faults := getattr(error.__cause__, "errors", None):
        from qhas.documents import said

        error.message = "; ".join(map(said, faults(include_url=False)))


def _refuse(sentence: str, words: str) -> None:
    from qhas.cli.screen import errors

    end = "" if sentence.endswith("?") else ";"
    text = f"qhas: {sentence.rstrip('.')}{end} see `{words} --help`."
    errors.print(text, style="red", soft_wrap=True, highlight=False)


def _listed() -> dict[str, Any]:
    return {word: TyperCommand(word, help=_sentence(word)) for word in WORDS}


def _sentence(word: str) -> str:
    source = Path(__file__).with_name(f"{word}.py").read_text(encoding="utf-8")
    (function,) = (
        node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == word
    )
    return ast.get_docstring(function) or ""


app = typer.Typer(
    cls=_OnDemand,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Profile networks on Qualcomm Hexagon (HTP) and keep every trace.",
)


def main() -> None:
    """Run the command."""
    collect_rarely()
    try:
        app(prog_name="qhas")
    finally:
        collect_no_more()


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Declare the options that may precede a command; `_OnDemand.parse_args` handles them."""
