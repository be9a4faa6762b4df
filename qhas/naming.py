"""Names that become paths and object keys, checked once, here.

Whatever chose a name (a user, a device, a tool, a stored record), it passes through this module before it is joined to
a path or a key.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
SOC = re.compile(r"[a-z0-9][a-z0-9_]{1,39}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names of Windows devices, with any extension and in any folder: a store may be copied to Windows too."""
_UNSHOWN = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories: controls, surrogate halves, line and paragraph separators."""
_LONGEST_PART = 255
"""Maximum bytes of a file name on Linux file systems."""
_LONGEST_PATH = 2048
"""Maximum bytes of a relative path: Linux accepts 4096, including the folder that it is joined to."""
_DIGEST = 16
_MARKED = re.compile(rf"(?i)(^|/)[0-9a-f]{{{_DIGEST}}}-")
_LONGEST_KEY = 500
"""Maximum characters of a path as a key: S3 accepts 1024 bytes, of which run and cell have 350."""
_LONGEST_FOLDER = _LONGEST_KEY - 100
_PACKED = ".gz"
"""Ending of a file's key when it is packed on its way into the store: every key leaves room for it."""
_LONGEST_FILE = 100 - len(_PACKED)


@lru_cache(maxsize=1024)
def check_name(name: str) -> str:
    """Return the name, or raise ValueError if it could leave its folder or needs quoting anywhere."""
    if not SAFE.fullmatch(name) or ".." in name:
        raise ValueError(
            f"{name!r} cannot be a name: use 1 to 100 letters, digits, '.', '_' or '-', "
            "beginning with a letter or digit, without '..'"
        )
    if _RESERVED.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a name: it is a device under Windows")
    return name


def is_name(name: str) -> bool:
    """Whether the text can be a name."""
    return _passes(check_name, name)


def check_key(key: str) -> str:
    """Return the key, or raise ValueError unless every part is a name, or a partition as in `date=2026-03-01`."""
    for part in key.split("/"):
        for name in part.split("=", 1):
            check_name(name)
    return key


def is_key(key: str) -> bool:
    """Whether the text can be a key: anyone who can write to a store may leave other names there."""
    return _passes(check_key, key)


def _passes(check: Callable[[str], str], name: str) -> bool:
    try:
        check(name)
    except ValueError:
        return False
    return True


def has_controls(text: str) -> bool:
    """Whether the text holds line breaks, terminal controls or surrogate halves: no real path or address does."""
    return any(unicodedata.category(character) in _UNSHOWN for character in text)


def check_path(path: str) -> str:
    """Return a relative path as devices and tools choose them, or raise ValueError if it leads elsewhere.

    Its parts may hold blanks and any script, as tensor names do, but nothing that breaks a line or controls a
    terminal.
    """
    if has_controls(path):
        fault = "it contains a line break or another control character"
    elif path.startswith("/") or "\\" in path:
        fault = "it must be relative, its parts separated by '/'"
    elif not all(part.strip(".") for part in path.split("/")):
        fault = "a part of it is empty or only dots"
    elif any(len(part.encode()) > _LONGEST_PART for part in path.split("/")):
        fault = f"a part of it is longer than {_LONGEST_PART} bytes"
    elif len(path.encode()) > _LONGEST_PATH:
        fault = f"it is longer than {_LONGEST_PATH} bytes"
    else:
        return path
    raise ValueError(f"{path[:200]!r} cannot be the path of a file: {fault}")


def check_file(name: str) -> str:
    """Return the name of a file in a folder; raise ValueError as `check_path` does, or if it has several parts."""
    if "/" in name:
        raise ValueError(f"{name[:200]!r} cannot be the name of a file: it contains a '/'")
    return check_path(name)


def below(folder: Path, path: str) -> Path:
    """Return the host path of a relative path from outside.

    Raises ValueError if it leads out of the folder, even by a link.
    """
    target = folder / check_path(path)
    if target.is_symlink() or not target.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{path!r} leads out of {folder} through a link")
    return target


def safe_name(name: str) -> str:
    """Make a file name from outside fit for `check_name`: other characters become '_'."""
    safe = re.sub(r"[^A-Za-z0-9._-]|(?<=\.)\.", "_", name)[-100:].lstrip("._-") or "unnamed"
    return re.sub(r"\A[^.]*", r"\g<0>_", safe)[:100] if _RESERVED.fullmatch(safe) else safe


def safe_paths(paths: Iterable[str]) -> dict[str, str]:
    """Return a key for each relative path from outside, no two alike and none a folder of another.

    This holds even where case or a trailing dot does not count. A path that is not a valid key, collides with another,
    is too long or looks marked is marked with its own digest. Every key leaves room for `.gz`.
    """
    keys = {path: re.sub(r"\.(?=/|\Z)", "_", "/".join(map(safe_name, path.split("/")))) for path in paths}
    alike = Counter(key.lower() for key in keys.values())
    folders = {folder for key in alike for folder in _folders(key)}

    def stays(path: str, key: str) -> bool:
        lower = key.lower()
        apart = alike[lower] == 1 and folders.isdisjoint((lower, f"{lower}{_PACKED}"))
        short = len(key) <= _LONGEST_KEY and len(key.rpartition("/")[2]) <= _LONGEST_FILE
        return key == path and apart and short and not _MARKED.search(key)

    return {path: key if stays(path, key) else _marked(key, path) for path, key in keys.items()}


def _folders(key: str) -> Iterator[str]:
    return accumulate(key.split("/")[:-1], "{}/{}".format)


def _marked(key: str, path: str) -> str:
    kept = [each for each in _folders(key) if len(each) <= _LONGEST_FOLDER and not _MARKED.search(each)]
    digest = hashlib.sha256(path.encode(errors="surrogatepass")).hexdigest()[:_DIGEST]
    name = key.rpartition("/")[2][-(_LONGEST_FILE - _DIGEST - 1) :]
    return "/".join([*kept[-1:], f"{digest}-{name}"])


def check_soc(name: str) -> str:
    """Return the SoC name, or raise ValueError if no tool could accept it."""
    if not SOC.fullmatch(name) or _RESERVED.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a SoC: use lower-case letters, digits and '_', as in sm8750")
    return name


# The patterns are also in the schemas of flow parameters, so that the Prefect API refuses what would fail here.
Name = Annotated[
    str, AfterValidator(check_name), WithJsonSchema({"type": "string", "pattern": f"^{SAFE.pattern}$"})
]
SocName = Annotated[
    str, AfterValidator(check_soc), WithJsonSchema({"type": "string", "pattern": f"^{SOC.pattern}$"})
]
StoredPath = Annotated[str, AfterValidator(check_key)]
