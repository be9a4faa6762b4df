"""The two sides of a gate: networks in a file, a folder or a git revision; a language model is given by config.json."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePath, PurePosixPath

from qhas.failures import InvalidInput
from qhas.machine.digest import file_digest
from qhas.naming import below, safe_name
from qhas.network.architecture import is_language_model, name_of
from qhas.network.external_data import data_files

FORMATS = (".dlc", ".onnx")
CONFIG = "config.json"
"""Stands for a language model in a folder without other networks: exporters put one beside their ONNX."""
CONFIG_SUFFIX = ".json"
DATA = (".data", ".weights", ".bin")
"""Suffixes of files beside a network that belong to it if their names begin with its stem."""
_TAKEN = f"{', '.join(FORMATS)} or {CONFIG}"
_LFS = b"version https://git-lfs"
_REGULAR = b"100"
"""How git's mode of a regular file begins."""
_GIT_SECONDS = 120


@dataclass(frozen=True)
class Side:
    """The label of a side, and its networks by name."""

    label: str
    networks: Mapping[str, Path]
    is_file: bool = False
    """Whether the side was given as the file of one network."""


def is_onnx(path: PurePath) -> bool:
    """Whether a network's file is an ONNX, which is converted first."""
    return path.suffix.lower() == ".onnx"


def is_config(path: PurePath) -> bool:
    """Whether a network's file is the configuration of a language model."""
    return path.suffix == CONFIG_SUFFIX


def read_sides(base: str, head: str, patterns: Sequence[str], folder: Path) -> tuple[Side, Side]:
    """Read both sides; networks of a git revision are written below `folder`. Raises InvalidInput.

    Two files count as one network, whatever their names. In folders and revisions, only networks that match a pattern
    count.
    """
    sides = tuple(
        _read(address, patterns, folder / word) for address, word in ((base, "base"), (head, "head"))
    )
    files = [side.is_file for side in sides]
    if all(files):
        (path,) = sides[0].networks.values()
        sides = (Side(base, {next(iter(sides[1].networks)): path}, is_file=True), sides[1])
    elif any(files):
        raise InvalidInput(
            f"{base} and {head} cannot be compared: give two files, two folders or two git revisions."
        )
    if not any(side.networks for side in sides):
        raise InvalidInput(
            f"Neither {base} nor {head} has a network ({_TAKEN}) that matches {', '.join(patterns)}."
        )
    if not sides[1].networks and Path(head).is_dir():
        raise InvalidInput(
            f"{head} has no network ({_TAKEN}) that matches {', '.join(patterns)}, but {base} has {len(sides[0].networks)}: "
            "an export that wrote nothing is not a change; give the folder that it wrote to."
        )
    return sides[0], sides[1]


def unchanged(base: Side, head: Side) -> set[str]:
    """Return the networks whose bytes are the same on both sides; those with weights in other files never count."""
    return {
        name
        for name, path in head.networks.items()
        if name in base.networks
        and not _data_beside(path)
        and file_digest(path) == file_digest(base.networks[name])
    }


def _read(address: str, patterns: Sequence[str], folder: Path) -> Side:
    if not address:
        raise InvalidInput("A side has no name: give a file, a folder or a git revision; this folder is `.`.")
    path = Path(address)
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
    except (OSError, ValueError):  # there is no such file, or it cannot be a file name
        kind = 0
    if kind == stat.S_IFREG:
        if is_config(path):
            return Side(address, {name_of(path): path.resolve()}, is_file=True)
        if path.suffix.lower() not in FORMATS:
            raise InvalidInput(f"{address} is not a network: give a {_TAKEN} file.")
        return Side(address, {safe_name(path.stem): path.resolve()}, is_file=True)
    if kind == stat.S_IFDIR:
        names = (file.relative_to(path).as_posix() for file in path.rglob("*") if not file.is_dir())
        return Side(address, _named(path.resolve(), _chosen(names, patterns), address))
    if (revision := _revision(address)) is None:
        raise InvalidInput(
            f"{address} is neither a file nor a folder nor a git revision of the repository here."
        )
    return Side(address, _named(folder, _checked_out(revision, patterns, folder), address))


def _chosen(names: Iterable[str], patterns: Sequence[str]) -> list[str]:
    paths = [PurePosixPath(name) for name in names]
    exported = {path.parent for path in paths if path.suffix.lower() in FORMATS}
    return sorted(
        str(path)
        for path in paths
        if path.suffix.lower() in FORMATS or (path.name == CONFIG and path.parent not in exported)
        if any(fnmatchcase(str(path), pattern) for pattern in patterns)
    )


def _named(folder: Path, names: Iterable[str], address: str) -> dict[str, Path]:
    networks: dict[str, Path] = {}
    for name in names:
        path = PurePosixPath(name)
        configures = path.name == CONFIG
        if configures and not is_language_model(folder / name):
            continue
        called = path.parent if configures and path.parent.name else path.with_suffix("")
        plain = safe_name(str(called).replace("/", "."))
        if plain in networks:
            raise InvalidInput(
                f"{address} has two networks that would be called {plain}, the second is {name}; choose one of them with --models."
            )
        networks[plain] = _place(folder, name)
        if not networks[plain].is_file():
            raise InvalidInput(f"A network cannot be used: {name!r} of {address} is not a regular file.")
    return networks


def _place(folder: Path, name: str) -> Path:
    try:
        return below(folder, name)
    except ValueError as error:
        raise InvalidInput(f"A network cannot be used: {error}.") from None


def _data_beside(path: Path) -> bool:
    if is_onnx(path) and data_files(path):
        return True
    return any(file.name.startswith(path.stem) and file.suffix in DATA for file in path.parent.iterdir())


def _revision(address: str) -> str | None:
    """Return the commit of a revision, or None if there is no repository here that knows it."""
    done = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{address}^{{commit}}")
    return done.stdout.decode().strip() if done and done.returncode == 0 else None


def _checked_out(commit: str, patterns: Sequence[str], folder: Path) -> list[str]:
    """Write the networks of a commit, with the files that hold their weights, below `folder`; return their names."""
    kinds = _kinds(commit)
    every = list(kinds)
    names = _chosen(every, patterns)
    stems = {str(PurePosixPath(name).with_suffix("")) for name in names}
    weights = [
        name
        for name in every
        if PurePosixPath(name).suffix in DATA and any(name.startswith(stem) for stem in stems)
    ]
    names = [name for name in names if kinds[name].startswith(_REGULAR) or not name.endswith(CONFIG)]
    for name in [*names, *weights]:
        _lay_down(commit, name, kinds[name], folder)
    for name in names:
        beside = PurePosixPath(name).parent
        stated = (
            {str(beside / weight) for weight in data_files(folder / name)}
            if is_onnx(PurePosixPath(name))
            else set()
        )
        for file in sorted(stated.intersection(every).difference(weights)):
            _lay_down(commit, file, kinds[file], folder)
    return names


def _kinds(commit: str) -> dict[str, bytes]:
    """Return the mode of every file of a commit by path, as in 100644; 120000 is a link, 160000 a submodule."""
    listed = _required("ls-tree", "-r", "-z", "--full-tree", commit)
    rows = (row.partition(b"\t") for row in listed.split(b"\0") if row)
    return {name.decode("utf-8", "surrogateescape"): facts.split(b" ")[0] for facts, _, name in rows}


def _lay_down(commit: str, name: str, mode: bytes, folder: Path) -> None:
    target = _place(folder, name)
    if not mode.startswith(_REGULAR):
        raise InvalidInput(
            f"A network cannot be used: {name!r} of {commit[:12]} is a link, or another repository; commit the file itself."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    content = _required("cat-file", "blob", f"{commit}:{name}")
    if content.startswith(_LFS):
        raise InvalidInput(
            f"{name} of {commit[:12]} is kept in Git LFS: check both revisions out, and give the folders."
        )
    target.write_bytes(content)


def _required(*arguments: str) -> bytes:
    done = _git(*arguments)
    if done is None or done.returncode:
        lines = (
            done.stderr.decode(errors="replace").strip().splitlines() if done else ["git is not installed"]
        )
        raise InvalidInput(f"git {arguments[0]} failed: {lines[-1] if lines else 'no reason given'}.")
    return done.stdout


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes] | None:
    try:
        return subprocess.run(["git", *arguments], capture_output=True, timeout=_GIT_SECONDS, check=False)
    except (OSError, ValueError, subprocess.TimeoutExpired):  # ValueError: an argument contains a NUL
        return None
