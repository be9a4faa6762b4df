"""Command lines as the vendor's tools read them: `--option value` and `--option=value`, no abbreviations."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from hostsdk import layout
from hostsdk.errors import ErrorCode, ToolError

_COMMON_FLAGS = (
    "--verbose",
    "--quiet",
    "--silent",
    "--debug1",
    "--debug2",
    "--debug3",
    "--log-file-include-hostname",
)
_COMMON_VALUES = ("--log-mask", "--log-file", "--log-dir")


class Options(argparse.ArgumentParser):
    """A parser that raises `ToolError`, with --help, --version and the switches that every tool accepts."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False)
        self.add_argument("--version", action=_Version, help="print the SDK's version and exit")
        common = self.add_argument_group("accepted for compatibility, without effect")
        for flag in _COMMON_FLAGS:
            common.add_argument(flag, action="store_true", help=argparse.SUPPRESS)
        for option in _COMMON_VALUES:
            common.add_argument(option, metavar="X", help=argparse.SUPPRESS)
        common.add_argument(
            "--debug",
            nargs="?",
            metavar="X",
            help="also --verbose, --quiet, --silent, --debug1..3, --log-mask, --log-file, --log-dir",
        )

    def error(self, message: str) -> NoReturn:
        raise ToolError(ErrorCode.INVALID_PARAMETER, f"{message} (see {self.prog} --help).", "Command Line")


class _Version(argparse.Action):
    def __init__(self, option_strings: Sequence[str], **described: Any) -> None:
        super().__init__(option_strings, nargs=0, **described)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(layout.sdk().banner)
        parser.exit()


def whole_number(low: int, high: int | None = None) -> Callable[[str], int]:
    """Return an argument type: an integer of at least `low` and at most `high`."""
    span = f"an integer from {low} to {high}" if high is not None else f"an integer of at least {low}"

    def convert(text: str) -> int:
        value = int(text) if text.isascii() and text.isdigit() else None
        if value is None or value < low or (high is not None and value > high):
            raise argparse.ArgumentTypeError(f"{text!r} is not {span}")
        return value

    return convert


def seconds(text: str) -> float:
    """Parse an argument that is a non-negative time span."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def switch(text: str) -> bool:
    """Parse an argument that is true or false."""
    values = {"true": True, "false": False}
    if text.lower() not in values:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return values[text.lower()]


def names(text: str) -> list[str]:
    """Parse an argument that is a list of names, separated by commas without blanks."""
    found = text.split(",")
    if not all(name and name == name.strip() for name in found):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of names separated by commas, without blanks"
        )
    return found
