"""The entry point of every fake executable."""

import importlib
import os
import sys
from types import ModuleType
from typing import NoReturn

from .faults import Tool
from .journal import Journal
from .options import UsageError, flags, parse, usage
from .plan import PlanError
from .session import Session, ToolError

_PLAN_EXIT = 70
_MODULES = {
    Tool.CONVERTER: "convert",
    Tool.QAIRT_CONVERTER: "convert",
    Tool.QUANTIZER: "quantize",
    Tool.PREPARE: "prepare",
    Tool.NET_RUN: "net_run",
    Tool.VIEWER: "viewer",
    Tool.DIAGVIEW: "diagnostics",
}


def main(root: str, name: str, version: str, argv: list[str]) -> int:
    """Run a tool of the fake SDK at `root`; return its exit code.

    If the plan cannot be read, the exit code is 70, which no fault uses.
    """
    tool = Tool(name)
    journal = Journal(root)
    session = Session(root, tool, version, journal)
    journal.started(name, argv)
    code = _PLAN_EXIT
    try:
        code = _run(session, ["--help" if word == "-h" else word for word in argv])
    except UsageError as error:
        print(f"{name}: {error}\nUse --help for the options.", file=sys.stderr)
        code = 1
    except ToolError as error:
        print(error, file=sys.stderr)
        code = error.exit_code
    except PlanError as error:
        print(f"fake SDK: {error}", file=sys.stderr)
    finally:
        sys.stdout.flush()
        journal.ended(code, session.fault)
    return code


def leave(code: int) -> NoReturn:
    """Exit the process immediately: Python's own shutdown takes a tenth of a call."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run(session: Session, argv: list[str]) -> int:
    implementation = _implementation(session.tool)
    known = [*implementation.options(session), *flags("help", "version")]
    given = parse(argv, known)
    if "help" in given:
        print(usage(session.tool, known))
    elif "version" in given:
        print(f"SNPE {session.build_id}")
    else:
        implementation.run(session, given)
    return 0


def _implementation(tool: Tool) -> ModuleType:
    # Import only one tool's modules: a call should take about as long as starting Python does.
    return importlib.import_module(f".{_MODULES[tool]}", __package__)
