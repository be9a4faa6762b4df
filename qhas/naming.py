"""Names that become paths and object keys, checked once, here.

Whoever chose a name (a user, a device, a tool, a stored record), it goes through this module before it is joined to a
path or a key.
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
"""Devices under Windows, whatever their ending and folder: a store is copied there, too."""
_UNSHOWN = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories: controls, halves of surrogate pairs, separators of lines and paragraphs."""
_LONGEST_PART = 255
"""Bytes of a file's name on the file systems of Linux."""
_LONGEST_PATH = 2048
"""Bytes of a relative path: Linux takes 4096, the folder that it is joined to included."""
_DIGEST = 16
_MARKED = re.compile(rf"(?i)(^|/)[0-9a-f]{{{_DIGEST}}}-")
_LONGEST_KEY = 500
"""Characters of a path as a key: S3 takes 1024 bytes, of which run and cell have 350."""
_LONGEST_FOLDER = _LONGEST_KEY - 100
_PACKED = ".gz"
"""What a file's key ends with when it is packed on its way into the store: there is room for it behind every key."""
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
    """Whether it can be one."""
    return _passes(check_name, name)


def check_key(key: str) -> str:
    """Return the key, or raise ValueError unless every part is a name, or a partition as in `date=2026-03-01`."""
    for part in key.split("/"):
        for name in part.split("=", 1):
            check_name(name)
    return key


def is_key(key: str) -> bool:
    """Whether it can be one: whoever may write to a store may leave other names there."""
    return _passes(check_key, key)


def _passes(check: Callable[[str], str], name: str) -> bool:
    try:
        check(name)
    except ValueError:
        return False
    return True


def has_controls(text: str) -> bool:
    """Whether something in it breaks a line, steers a terminal or is no character: no path or address of anybody's has that."""
    return any(unicodedata.category(character) in _UNSHOWN for character in text)


def check_path(path: str) -> str:
    """Return a relative path as devices and tools choose them, or raise ValueError if it leads elsewhere.

    Its parts may hold blanks and any script, as names of tensors do, but nothing that breaks a line or steers a terminal.
    """
    if has_controls(path):
        fault = "it holds a line break or another control character"
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
    """Return the name of a file in a folder, or raise ValueError as `check_path` does and for a path of several parts."""
    if "/" in name:
        raise ValueError(f"{name[:200]!r} cannot be the name of a file: it holds a '/'")
    return check_path(name)


def below(folder: Path, path: str) -> Path:
    """The host path of a relative path chosen outside. Raises ValueError if it leads out of the folder, also by a link."""
    target = folder / check_path(path)
    if target.is_symlink() or not target.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{path!r} leads out of {folder} by a link")
    return target


def safe_name(name: str) -> str:
    """The name somebody else chose for a file, made fit for `check_name`: other characters become '_'."""
    safe = re.sub(r"[^A-Za-z0-9._-]|(?<=\.)\.", "_", name)[-100:].lstrip("._-") or "unnamed"
    return re.sub(r"\A[^.]*", r"\g<0>_", safe)[:100] if _RESERVED.fullmatch(safe) else safe


def safe_paths(paths: Iterable[str]) -> dict[str, str]:
    """A key for each relative path chosen outside, no two alike and none a folder of another, even where case or a dot at the end
    does not count.

    A path that is no key as it stands, meets another, is too long or looks marked is marked by its own digest. Behind
    each key there is room for `.gz`.
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
    """Return the SoC name, or raise ValueError if no tool could take it."""
    if not SOC.fullmatch(name) or _RESERVED.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a SoC: use lower-case letters, digits and '_', as in sm8750")
    return name


# The patterns stand in the schemas of flow parameters too, so that the Prefect API refuses what would fail here.
Name = Annotated[
    str, AfterValidator(check_name), WithJsonSchema({"type": "string", "pattern": f"^{SAFE.pattern}$"})
]
SocName = Annotated[
    str, AfterValidator(check_soc), WithJsonSchema({"type": "string", "pattern": f"^{SOC.pattern}$"})
]
StoredPath = Annotated[str, AfterValidator(check_key)]
