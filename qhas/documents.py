"""Documents: the base classes of what users write and of what is stored; reading files and describing their faults."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import yaml
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from qhas import plain_yaml
from qhas.failures import InvalidInput
from qhas.naming import has_controls
from qhas.outside_bytes import read_file
from qhas.outside_text import reason_of

ModelT = TypeVar("ModelT", bound=BaseModel)
LARGEST_YAML = 1 << 20
"""Maximum bytes of a YAML file: three thousand networks with long paths; nobody writes a larger one."""
_LONG_NUMBER = re.compile(rb"[0-9]{19}")
_KEY = re.compile(r"\w[\w -]{0,39}")
_MOST_FAULTS = 20
"""Maximum number of faults reported for a document: nobody reads more, and a wrong list has one per entry."""
_NEAR = 0.6
"""How similar a key must be to a known one to be taken for a typo of it."""
_SAID = {
    "less_than": "it should be less than {lt}",
    "less_than_equal": "it should be at most {le}",
    "greater_than": "it should be more than {gt}",
    "greater_than_equal": "it should be at least {ge}",
    "too_short": "it should have {min_length} or more, and has {actual_length}",
    "too_long": "it should have {max_length} or fewer, and has {actual_length}",
    "string_too_short": "there is no value; write one, or leave the key out",
    "list_type": "it should be a list, as in [a, b]",
    "tuple_type": "it should be a list, as in [a, b]",
    "model_type": "it should be a mapping of keys to values",
    "dict_type": "it should be a mapping of keys to values",
    "string_type": "it should be text; put a number into quotes",
    "missing": "this key is needed",
} | {
    fault: f"it should be {what}"
    for faults, what in (
        ("int_parsing int_parsing_size int_type int_from_float", "a whole number"),
        ("float_parsing float_type finite_number", "a number"),
        ("bool_parsing bool_type", "true or false"),
        ("path_type", "a path"),
    )
    for fault in faults.split()
}
"""Messages that replace a library's wording of a fault; `{}` takes the fault's own bounds."""
_NULL = {"type": "null"}
_UNKNOWN = frozenset({"extra_forbidden", "invalid_key"})
"""Pydantic's types of the fault of an unknown key; the latter is for a key that is not text."""


def _shape(schema: dict[str, Any]) -> None:
    """Shape a JSON schema so that a form built from it needs no explanation.

    The fields are numbered, because a database loses their order. An optional field becomes just its type, so that a
    form has one input instead of a choice between a value and null; except for a switch, which has no third position,
    and for a reference to a definition.
    """
    for position, field in enumerate(schema.get("properties", {}).values()):
        field["position"] = position
        kinds = [kind for kind in field.get("anyOf", []) if kind != _NULL]
        if len(kinds) == 1 and kinds[0].get("type", "boolean") != "boolean":
            del field["anyOf"]
            field.update(kinds[0])
            if field.get("default", ...) is None:
                del field["default"]


class Written(BaseModel):
    """Base of everything that users write: immutable; an unknown key is refused with a list of the known ones.

    Its numbers are finite, because JSON, in which it is stored, has no others.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, json_schema_extra=_shape, defer_build=True
    )

    @model_validator(mode="wrap")
    @classmethod
    def _keys_are_named(cls, document: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        """Name the known keys in faults of unknown ones.

        Not before validation: readers of records ignore unknown keys, by an option that only the validation itself
        knows.
        """
        try:
            return validate(document)
        except ValidationError as error:
            faults = error.errors(include_url=False)
            if not any(map(_is_unknown_key, faults)):
                raise
            lines = [
                InitErrorDetails(
                    type=PydanticCustomError(
                        fault["type"],
                        _no_such_key(fault["loc"][0], cls.model_fields)
                        if _is_unknown_key(fault)
                        else said(fault),
                    ),
                    loc=fault["loc"],
                    input=fault["input"],
                )
                for fault in faults
            ]
        raise ValidationError.from_exception_data(cls.__name__, lines)


def _is_unknown_key(fault: ErrorDetails) -> bool:
    """Whether the fault is an unknown key of the document itself: those of its parts are worded already."""
    return fault["type"] in _UNKNOWN and len(fault["loc"]) == 1


def _no_such_key(key: object, known: Iterable[str]) -> str:
    keys = list(known)
    return f"no such key; choose from {', '.join(keys)}{perhaps(key, keys)}"


def perhaps(written: object, choices: Iterable[str]) -> str:
    """Return the end of a refusal: the choice that was perhaps meant; empty if none is similar."""
    near = get_close_matches(str(written), list(choices), 1, _NEAR)
    return f"; perhaps {near[0]} was meant" if near else ""


def said(fault: ErrorDetails) -> str:
    """State what is wrong with a value, in words for the user who wrote it."""
    bounds = {name: _number(bound) for name, bound in fault.get("ctx", {}).items()}
    message = re.sub(r"^(Value error|Assertion failed), |^Input (?=should )", _plainly, fault["msg"])
    empty_text = fault["type"] == "too_short" and fault.get("input") == ""
    sentence = _SAID["string_too_short" if empty_text else fault["type"]] if fault["type"] in _SAID else ""
    known = bounds or "{" not in sentence  # a fault that was worded before has its message already
    return (
        sentence.format(**bounds) if sentence and known else _nearer(message.rstrip("."), fault.get("input"))
    )


def _number(bound: object) -> object:
    return f"{bound:g}" if isinstance(bound, float) else bound


def _plainly(words: re.Match[str]) -> str:
    return "it " if words[0].startswith("Input") else ""


def _nearer(message: str, value: object) -> str:
    """Extend a message that lists the choices in quotes by the one that was perhaps meant."""
    if not isinstance(value, str) or "was meant" in message:
        return message
    choices = [choice for choice in re.findall(r"'([^']+)'", message) if choice != value]
    return message + perhaps(value, choices)


def _of_our_time(moment: datetime) -> datetime:
    if not 1900 < moment.year < 9000:
        raise ValueError("its year must be between 1901 and 8999")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_of_our_time)]
"""A time in a stored document: with its UTC offset, as others do not compare, and far from the ends of the calendar."""


def require_64_bits(content: bytes) -> None:
    """Raise ValueError for JSON with an integer that no column of the history can hold."""
    if _LONG_NUMBER.search(content):
        json.loads(content, parse_int=_of_64_bits)


def _of_64_bits(digits: str) -> int:
    if not -(1 << 63) <= (number := int(digits)) < 1 << 63:
        raise ValueError("it contains a number of more than 64 bits")
    return number


class Stored(BaseModel):
    """Base of everything stored: readers ignore keys that they do not know, which newer versions may have written."""

    model_config = ConfigDict(defer_build=True)
    """A command reads few of the documents that its modules declare: each validator is built on first use."""


def require_distinct(rule: str, values: Iterable[object]) -> None:
    """Raise ValueError for a value listed twice. `rule` begins the message: "models must have different names"."""
    if twice := [str(value) for value, count in Counter(values).items() if count > 1]:
        raise ValueError(f"{rule}; {', '.join(twice)} {'is' if len(twice) == 1 else 'are'} listed twice")


def require_filled(document: Any, place: str) -> None:
    """Raise ValueError for a key without a value anywhere below the place: something was meant, but not said."""
    if document is None or document == "":
        raise ValueError(f"{place}: there is no value; write one, or leave the key out")
    if isinstance(document, dict):
        for key, value in document.items():
            require_filled(value, f"{place}.{key}")


def parse_yaml(path: Path, model: type[ModelT], what: str, filled: Sequence[str] = ()) -> ModelT:
    """Read a YAML file into a model, or raise InvalidInput with one sentence naming the file, place and fault.

    Nothing below the keys in `filled` may be empty.
    """
    try:
        text = read_file(path, LARGEST_YAML).decode()
    except FileNotFoundError:
        raise InvalidInput(
            f"The {what} file {path} cannot be read: there is no such file; correct its path."
        ) from None
    except (OSError, ValueError) as error:  # not UTF-8, or not a possible path
        raise InvalidInput(f"The {what} file {path} cannot be read: {reason_of(error)}.") from error
    try:
        document: Any = plain_yaml.load(text)
    except plain_yaml.YamlRefused as error:
        raise InvalidInput(
            f"The {what} file {path} uses YAML that is not accepted: {_fault(error)}."
        ) from None
    except yaml.YAMLError as error:
        raise InvalidInput(f"The {what} file {path} is not YAML: {_fault(error)}.") from None
    if document is None:
        keys = ", ".join(model.model_fields)
        raise InvalidInput(f"The {what} file {path} is not valid: it is empty; its keys are {keys}.")
    try:
        for key in filled:
            if isinstance(document, dict) and key in document:
                require_filled(document[key], key)
        return model.model_validate(document)
    except ValidationError as error:
        raise InvalidInput(f"The {what} file {path} is not valid: {describe(error)}.") from error
    except ValueError as error:
        raise InvalidInput(f"The {what} file {path} is not valid: {error}.") from None


def _fault(error: Exception) -> str:
    """State where and why, without quoting the file.

    A user who names a file to a worker may not be allowed to read it.
    """
    problem, mark = getattr(error, "problem", None) or str(error), getattr(error, "problem_mark", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    plain = re.sub(r"'(?!\\\w')[^']{2,}'", "'...'", re.sub(r'"(?!<).*"', "'...'", " ".join(problem.split())))
    return place + plain


def anchored(file: Path, place: str, address: str) -> str:
    """Return an address from a place in a file: URLs as they are, paths made absolute from the file's folder.

    Raises InvalidInput if it cannot be a path.
    """
    if has_controls(address):
        raise InvalidInput(
            f"In {file}, {place}: it cannot be a path or URL, because it contains a line break or another control character."
        )
    if "://" in address:
        return address
    try:
        return str((file.parent / Path(address).expanduser()).resolve())
    except (RuntimeError, ValueError, OSError) as error:  # an unknown home, a NUL, a loop of links
        reason = str(error).rstrip(".")
        raise InvalidInput(f"In {file}, {place}: {address!r} cannot be a path: {reason}.") from error


def _place(fault: ErrorDetails) -> str:
    """Return where a fault is.

    An unknown key that no user would write is masked: it is a line of a file of some other kind.
    """
    *outer, last = map(str, fault["loc"]) if fault["loc"] else [""]
    shown = "'...'" if fault["type"] in _UNKNOWN and not _KEY.fullmatch(last) else last
    return ".".join([*outer, shown])


def describe(error: ValidationError) -> str:
    """Describe the first faults of a validation in one line, each with its place, and the number of the others."""
    faults = [
        ": ".join(filter(None, (_place(fault), said(fault))))
        for fault in error.errors(include_url=False)[:_MOST_FAULTS]
    ]
    others = error.error_count() - len(faults)
    return "; ".join([*faults, f"and {others} more"] if others else faults)
