"""Input data of a cell: the files that an input list names, or seeded random values in the network's own shapes.

List syntax (SNPE tools page): optional first lines beginning with `#` or `%` name outputs; every other line is one
inference: `name:=path` pairs separated by blanks, or a bare path for a network with a single input. A path contains no
blanks. It is relative to the list's folder and may use `../` within the list's bucket or host; a URL must use the same
kind of store as the list. A list on this host may name absolute paths; a list elsewhere must not name files on this
host.
"""

from __future__ import annotations

import itertools
import random
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from qhas.cell.dlc import prepared_graphs
from qhas.cell.random_inputs import need_native_files, unknown_names, write_random
from qhas.failures import FailureKind, Step, StepFailed
from qhas.machine.secrets import masked
from qhas.naming import has_controls, safe_name
from qhas.store.addresses import describe_briefly, open_address, read_address
from qhas.sweep.spec import ModelRef

INPUT_LIST = "input_list.txt"
LARGEST_LIST = 4 << 20
"""Bytes: forty thousand inferences of a hundred characters each."""
LARGEST_DATA = 512 << 20
"""Bytes of one file, which is held entirely in memory while it is copied."""
MOST_RANDOM_VALUES = 1 << 26
"""Values of all inputs together: 256 MB, a minute's work. A 4096 x 4096 image in three colours is 50 million."""
_LISTED_NAME = re.compile(r"(?![#%])(?:(?!:=)\S)+")
_DATA_FILE = re.compile(r"[\w./@+=-]{1,400}\.(?:raw|bin|dat|data|npy)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class StagedInputs:
    """A list whose paths are relative to the run's directory, and the files it names there."""

    list_file: Path
    files: dict[str, Path]
    inferences: int
    native: bool = False
    """Whether the files hold values of the inputs' own types rather than float32."""
    more_lists: tuple[Path, ...] = ()
    """Lists of the graphs after the first, in order; each is repeated to the same number of inferences."""

    @property
    def lists(self) -> tuple[Path, ...]:
        """One list per graph."""
        return (self.list_file, *self.more_lists)

    @cached_property
    def listed(self) -> list[str]:
        """The lines of the first graph's list, one per inference."""
        return [
            line for line in self.list_file.read_text(encoding="utf-8").splitlines() if is_inference(line)
        ]

    def only(self, index: int) -> StagedInputs:
        """Return the inputs of one graph."""
        return replace(self, list_file=self.lists[index], more_lists=())


def is_inference(line: str) -> bool:
    """Whether a line of an input list names the files of an inference; others are settings, comments or empty."""
    return bool(line.strip()) and not line.lstrip().startswith(("#", "%"))


def gather_inputs(model: ModelRef, prepared_dlc: Path, folder: Path) -> StagedInputs:
    """Write the model's inputs to a folder. Raises StepFailed naming the file that is missing or unusable."""
    if not model.input_lists:
        return _random_inputs(model, prepared_dlc, folder)
    lists = _lists_of_graphs(model, prepared_dlc)
    return replace(listed_inputs(lists, folder), native=model.native_inputs)


def _lists_of_graphs(model: ModelRef, prepared_dlc: Path) -> Sequence[str]:
    """Return the lists' addresses in the order of the DLC's graphs. Raises StepFailed unless each graph has one."""
    graphs: list[str] = []
    with suppress(ValueError):
        graphs = [graph.name for graph in prepared_graphs(prepared_dlc)]
    if not model.graph_inputs and len(graphs) <= 1:
        return (model.inputs,)
    if set(model.graph_inputs) == set(graphs):
        return [model.graph_inputs[graph] for graph in graphs]
    lists = (
        f"`graph_inputs` has lists for {', '.join(model.graph_inputs)}"
        if model.graph_inputs
        else "an input list covers only one graph; use `graph_inputs` with a list for each"
    )
    of = f"{len(graphs)} graphs ({', '.join(graphs)})" if graphs else "graphs that it does not name"
    message = f"The DLC has {of}, but {lists}, or `inputs: random`."
    raise StepFailed(FailureKind.INPUT_REJECTED, Step.NET_RUN, message)


def repeated(inputs: StagedInputs, count: int, folder: Path, start: int = 0) -> StagedInputs:
    """Write lists of `count` inferences from `start` on, cycling through all of them: net-run has no such option."""
    lists, named = [], set[str]()
    for number, listing in enumerate(inputs.lists):
        lines = listing.read_text(encoding="utf-8").splitlines()
        header = [line for line in lines if not is_inference(line)]
        each = itertools.cycle(filter(is_inference, lines))
        chosen = list(itertools.islice(each, start, start + count))
        named |= {word.rpartition(":=")[2] for line in chosen for word in line.split()}
        lists.append(_write_list(folder, [*header, *chosen], number))
    files = {name: path for name, path in inputs.files.items() if name in named}
    first, *others = lists
    return replace(inputs, list_file=first, more_lists=tuple(others), files=files, inferences=count)


def _random_inputs(model: ModelRef, prepared_dlc: Path, folder: Path) -> StagedInputs:
    try:
        graphs = [graph.inputs for graph in prepared_graphs(prepared_dlc)]
    except ValueError as error:
        raise _no_random(f"Random inputs need shapes, but {error}; give an input list.") from error
    inputs = [tensor for graph in graphs for tensor in graph]
    if (values := sum(tensor.elements for tensor in inputs)) > MOST_RANDOM_VALUES:
        raise _no_random(
            f"The network's inputs have {values} values, but random inputs have at most {MOST_RANDOM_VALUES}; "
            "give an input list."
        )
    if unknown := unknown_names(model.input_ranges, inputs):
        known = ", ".join(tensor.name for tensor in inputs)
        raise _no_random(f"input_ranges names {unknown[0]!r}, but the network's inputs are {known}.")
    native = need_native_files(inputs)
    generator = random.Random(zlib.crc32(model.name.encode()))  # noqa: S311  # data, not a secret
    files = {f"inputs/{index}.raw": folder / f"{index}.raw" for index in range(len(inputs))}
    try:
        for path, tensor in zip(files.values(), inputs, strict=True):
            bounds = model.input_ranges.get(tensor.name)
            write_random(path, tensor, generator, native=native, bounds=bounds)
    except ValueError as error:
        raise _no_random(f"Random inputs cannot be made: {error}; change input_ranges.") from error
    names = iter(files)
    lines = [
        " ".join(listed_word(tensor.name, next(names), alone=len(graph) == 1) for tensor in graph)
        for graph in graphs
    ]
    first, *others = (_write_list(folder, [line], number) for number, line in enumerate(lines))
    return StagedInputs(first, files, inferences=1, native=native, more_lists=tuple(others))


def listed_word(name: str, path: object, *, alone: bool) -> str:
    """Return the entry of an input in a list, `name:=path`.

    If the name cannot be listed, a network's only input is listed by its path alone; otherwise raises StepFailed.
    """
    if _LISTED_NAME.fullmatch(name) and not has_controls(name):
        return f"{name}:={path}"
    if alone:
        return str(path)
    raise _no_random(
        f"The network's input {name[:100]!r} cannot be named in an input list: blanks, control characters, `:=`, and `#` "
        "or `%` in front have a special meaning there; rename it in the network."
    )


def _no_random(message: str) -> StepFailed:
    return StepFailed(FailureKind.INPUT_UNREADABLE, Step.NET_RUN, message)


def listed_inputs(addresses: Sequence[str], folder: Path) -> StagedInputs:
    """Copy the files that the lists name to a folder. Raises StepFailed.

    The longest list sets the number of inferences; `repeated` brings shorter ones to its length.
    """
    staged: dict[str, Path] = {}
    lists = [_staged_list(address, folder, staged) for address in addresses]
    written = [_write_list(folder, lines, number) for number, lines in enumerate(lists)]
    inferences = max(sum(map(is_inference, lines)) for lines in lists)
    return StagedInputs(written[0], staged, inferences, more_lists=tuple(written[1:]))


def _staged_list(address: str, folder: Path, staged: dict[str, Path]) -> list[str]:
    """Copy a list's files and add them to `staged`; return the list's lines with the names of the copies."""
    fs, list_path = open_address(address)
    files: dict[str, Path] = {}
    before = len(staged)
    lines = _read_list(fs, list_path, address, files, before)
    for index, (original, name) in enumerate(files.items()):
        staged[str(name)] = folder / f"{before + index}.raw"
        entry = _shown_path(original, index + 1)
        place = _place(fs, list_path, original, entry)
        staged[str(name)].write_bytes(read_data(fs, place, entry, LARGEST_DATA))
    return lines


def require_listed(address: str) -> None:
    """Raise StepFailed if a list on this host names no input, or a file that is missing; copy nothing."""
    fs, list_path = open_address(address)
    if not isinstance(fs, LocalFileSystem):
        return
    files: dict[str, Path] = {}
    _read_list(fs, list_path, address, files, 0)
    for number, original in enumerate(files, 1):
        entry = _shown_path(original, number)
        if not Path(_place(fs, list_path, original, entry)).exists():
            raise StepFailed(
                FailureKind.INPUT_UNREADABLE,
                Step.NET_RUN,
                f"{masked(address)}: input {entry} does not exist; correct the list, or its path.",
            )


def _read_list(
    fs: AbstractFileSystem, path: str, address: str, files: dict[str, Path], before: int
) -> list[str]:
    text = read_data(fs, path, masked(address), LARGEST_LIST).decode("utf-8-sig", errors="replace")
    lines = [
        " ".join(_localised(line, files, before)) if is_inference(line) else line.strip()
        for line in text.splitlines()
        if line.strip()
    ]
    if not any(map(is_inference, lines)):
        raise StepFailed(FailureKind.INPUT_REJECTED, Step.NET_RUN, f"{masked(address)} names no input.")
    return lines


def _localised(line: str, files: dict[str, Path], before: int) -> Iterator[str]:
    for word in line.split():
        name, assigned, path = word.rpartition(":=")
        # net-run's messages name this copy, so it keeps the name of its original.
        if path not in files:
            files[path] = Path("inputs") / f"{before + len(files)}-{safe_name(PurePosixPath(path).name)}"
        yield f"{name}{assigned}{files[path]}"


def _shown_path(path: str, number: int) -> str:
    """Return a listed path for messages, or only its number: a file that is not a list may contain secrets."""
    return (
        path
        if _DATA_FILE.fullmatch(path)
        else f"number {number} of the list, which is not named like a data file,"
    )


def _place(fs: AbstractFileSystem, list_path: str, written: str, shown_name: str) -> str:
    """Return where a listed file is located, in the terms of the list's file system.

    Raises StepFailed if the path leads out of it.
    """
    scheme, mark, _ = written.partition("://")
    schemes = (fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol
    if mark:
        if scheme not in schemes or "::" in written:
            raise _rejected(
                shown_name, f"is a URL in a different store from the list's; use {schemes[0]}:// or a path"
            )
        return str(fs._strip_protocol(written))
    if isinstance(fs, LocalFileSystem):
        return str(PurePosixPath(list_path).parent / written)
    if written.startswith("/"):
        raise _rejected(
            shown_name, "is an absolute path, but the list is not on this host; write it relative to the list"
        )
    scheme, mark, place = list_path.partition("://") if "://" in list_path else ("", "", list_path)
    if mark:
        place = place.partition("?")[0]  # drops the signature of a signed HTTP address
    host, *folder = place.split("/")[:-1] or [""]
    for part in written.split("/"):
        if part == ".." and not folder:
            raise _rejected(shown_name, "points outside the list's store; use fewer `../`")
        if part == "..":
            folder.pop()
        elif part != ".":
            folder.append(part)
    return f"{scheme}{mark}{'/'.join([host, *folder])}"


def _rejected(shown_name: str, fault: str) -> StepFailed:
    return StepFailed(FailureKind.INPUT_REJECTED, Step.NET_RUN, f"Input {shown_name} {fault}.")


def _unreadable(shown_name: str, why: str) -> StepFailed:
    message = f"Input {shown_name} cannot be read: {why}."
    return StepFailed(FailureKind.INPUT_UNREADABLE, Step.NET_RUN, message)


def read_data(fs: AbstractFileSystem, path: str, name: str, largest: int) -> bytes:
    """Return the content of a regular file of at most `largest` bytes. Raises StepFailed if it cannot be read.

    Messages call the file `name`.
    """
    try:
        return read_address(fs, path, largest)
    except Exception as error:  # every fsspec backend raises its own errors
        raise _unreadable(name, describe_briefly(error)) from None


def _write_list(folder: Path, lines: list[str], number: int = 0) -> Path:
    plain = Path(INPUT_LIST)
    target = folder / (plain.with_stem(f"{plain.stem}_{number}") if number else plain)
    target.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return target
