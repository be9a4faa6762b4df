"""Command lines as the vendor's tools read them: `--name value` and `--name=value`, and no unknown options."""

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """Whether and how an option takes values."""

    FLAG = "stands alone"
    VALUE = "takes a value"
    PAIR = "takes two values, one word each"
    SWITCH = "stands alone, or takes a value after an equals sign"


class UsageError(Exception):
    """The tool does not accept the command line."""


class Option(NamedTuple):
    """One option of a tool. `choices`, if any, are the only values accepted."""

    name: str
    kind: Kind
    choices: tuple[str, ...] = ()
    repeatable: bool = False


def flags(*names: str) -> list[Option]:
    """Return options without a value."""
    return [Option(name, Kind.FLAG) for name in names]


def values(*names: str) -> list[Option]:
    """Return options that accept any value."""
    return [Option(name, Kind.VALUE) for name in names]


def switches(*names: str) -> list[Option]:
    """Return options written `--name` or `--name=true`."""
    return [Option(name, Kind.SWITCH) for name in names]


def parse(argv: Iterable[str], options: Iterable[Option]) -> dict[str, str]:
    """Return the values keyed by option name, without the dashes; a flag has the value "true".

    A repeatable option holds its values one per line. Raises UsageError for anything the tool would not accept.
    """
    known = {option.name: option for option in options}
    found: dict[str, str] = {}
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        option = known.get(name.removeprefix("--")) if name.startswith("--") else None
        if option is None:
            raise UsageError(f"unrecognized option '{word}'")
        if option.kind is Kind.FLAG and equals:
            raise UsageError(f"option '{name}' doesn't allow an argument")
        if option.kind is Kind.VALUE and not equals:
            value = next(words, "")
        if option.kind is Kind.PAIR:
            value = f"{next(words, '')} {next(words, '')}".strip()
        if option.kind in (Kind.VALUE, Kind.PAIR) and not value:
            raise UsageError(f"option '{name}' requires an argument")
        _keep(found, option, value or "true")
    return found


def usage(tool: str, options: Iterable[Option]) -> str:
    """Return the help text: every option, with the values it accepts."""
    lines = ["DESCRIPTION:", "------------", f"{tool} (fake SDK: its figures mean nothing)", "", "OPTIONS:"]
    for option in options:
        argument = "" if option.kind is Kind.FLAG else "=<val>"
        lines.append(f"  --{option.name}{argument}")
        if option.choices:
            lines.append(f"        Valid settings are {', '.join(option.choices)}.")
    return "\n".join(lines)


def _keep(found: dict[str, str], option: Option, value: str) -> None:
    if option.choices and value not in option.choices:
        raise UsageError(
            f"invalid value '{value}' for --{option.name}; valid are {', '.join(option.choices)}"
        )
    if option.repeatable and option.name in found:
        found[option.name] += "\n" + value
    elif option.name in found and found[option.name] != value:
        raise UsageError(f"option '--{option.name}' given more than once")
    else:
        found[option.name] = value
