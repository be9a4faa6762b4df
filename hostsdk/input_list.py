"""net-run's input list: header lines, then one inference per line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hostsdk.bounded import LARGEST_TEXT, read_file
from hostsdk.errors import ErrorCode, ToolError

_ASSIGN = ":="


@dataclass(frozen=True)
class InputFile:
    """One input of one inference; `name` is None for a bare path, which suits a network of one input."""

    name: str | None
    path: str


@dataclass(frozen=True)
class InputList:
    """A parsed list. `layers` and `tensors` are the names in the `#` and `%` header lines, empty without them."""

    layers: tuple[str, ...]
    tensors: tuple[str, ...]
    inferences: tuple[tuple[InputFile, ...], ...]


def parse(path: Path) -> InputList:
    """Read a list file. Raises `ToolError` for one that is missing, not text, malformed, or holds no inference."""
    try:
        lines = read_file(path, LARGEST_TEXT).decode("utf-8").splitlines()
    except OSError as error:
        raise ToolError(
            ErrorCode.MISSING_FILE, f"the input list {path} cannot be read ({error.strerror}).", "Input List"
        ) from error
    except UnicodeDecodeError as error:
        raise _malformed(f"the input list {path} is not a text file") from error
    headers: dict[str, tuple[str, ...]] = {}
    inferences: list[tuple[InputFile, ...]] = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text:
            continue
        if text[0] in "#%":
            _header(headers, text, f"{path}, line {number}", started=bool(inferences))
        else:
            inferences.append(tuple(_input(word, f"{path}, line {number}") for word in text.split()))
    if not inferences:
        raise _malformed(f"the input list {path} names no input: write one line per inference")
    return InputList(headers.get("#", ()), headers.get("%", ()), tuple(inferences))


def _header(headers: dict[str, tuple[str, ...]], text: str, where: str, *, started: bool) -> None:
    mark = text[0]
    if started or mark in headers or (mark == "#" and "%" in headers):
        raise _malformed(f"{where}: header lines come first, one '#' line before one '%' line")
    headers[mark] = tuple(text[1:].split())


def _input(word: str, where: str) -> InputFile:
    if _ASSIGN not in word:
        return InputFile(None, word)
    name, path = word.split(_ASSIGN, 1)
    if not name or not path:
        raise _malformed(f"{where}: {word!r} is not name:=path")
    return InputFile(name, path)


def resolve(
    inferences: Sequence[Sequence[InputFile]],
    sizes: Mapping[str, int],
    directory: Path,
    others: Mapping[str, int] | None = None,
    *,
    native: bool = False,
) -> list[dict[str, Path]]:
    """Return every inference's raw files by input name, checked against `sizes` (bytes by name, in graph order).

    `native` says whether those are of the inputs' own types, instead of float32; `others` are the sizes of the other
    kind, for the remedy. Paths are relative to `directory`. Raises `ToolError` for a wrong number or name of inputs, a
    missing file, or one of the wrong size, each naming the inference (counted from 0, as in Result_0).
    """
    return [
        _resolve_one(index, inputs, sizes, directory, _Remedy(others or {}, native))
        for index, inputs in enumerate(inferences)
    ]


@dataclass(frozen=True)
class _Remedy:
    """What a file of the wrong size is likely to be."""

    others: Mapping[str, int]
    native: bool

    def of(self, name: str, size: int) -> str:
        if size != self.others.get(name):
            return ""
        if self.native:
            return (
                ": that is its size as float32 values, which net-run reads without --use_native_input_files"
            )
        return ": that is its size as values of the input's own type, which net-run reads with --use_native_input_files"


def _resolve_one(
    index: int, inputs: Sequence[InputFile], sizes: Mapping[str, int], directory: Path, remedy: _Remedy
) -> dict[str, Path]:
    wanted = ", ".join(sizes)
    if len(inputs) != len(sizes):
        raise ToolError(
            ErrorCode.WRONG_INPUT_COUNT,
            f"inference {index} names {len(inputs)} input(s), but the network has {len(sizes)}: {wanted}.",
            "Input List",
        )
    files: dict[str, Path] = {}
    for entry in inputs:
        name = next(iter(sizes)) if entry.name is None and len(sizes) == 1 else entry.name
        if name is None or name not in sizes or name in files:
            problem = f"input {entry.path!r} without a name" if name is None else f"input name {name!r}"
            raise ToolError(
                ErrorCode.WRONG_INPUT_NAME,
                f"inference {index}: {problem} does not fit: write each of {wanted} once, as name:=path.",
                "Input List",
            )
        files[name] = _checked(index, name, directory / entry.path, sizes[name], remedy)
    return files


def _checked(index: int, name: str, path: Path, wanted: int, remedy: _Remedy) -> Path:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
    except OSError as error:
        raise ToolError(
            ErrorCode.TENSOR_FILE_READ,
            f"inference {index}: the file {path} for input {name} cannot be read ({error.strerror}).",
            "Input List",
        ) from error
    if size != wanted:
        raise ToolError(
            ErrorCode.SIZE_MISMATCH,
            f"inference {index}: {path} has {size} bytes, but input {name} needs {wanted}{remedy.of(name, size)}.",
            "Input List",
        )
    return path


def _malformed(reason: str) -> ToolError:
    return ToolError(ErrorCode.INVALID_PARAMETER, f"{reason}.", "Input List")
