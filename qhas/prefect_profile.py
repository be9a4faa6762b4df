"""Whether the user has a Prefect API, read where Prefect reads it, without importing it, which takes seconds."""

from __future__ import annotations

import errno
import os
import tomllib
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from qhas.outside_bytes import Unbounded, read_file

HOW_TO_RECORD = (
    "This run is not recorded by Prefect: no API is configured. To record it, set PREFECT_API_URL or choose a profile "
    "that has it."
)
_URL = "PREFECT_API_URL"
_LARGEST = 4 << 20
"""Maximum bytes of a settings file."""


def has_api() -> bool:
    """Whether PREFECT_API_URL is set: in the environment, `.env`, prefect.toml, pyproject.toml, or the active profile.

    The first place that names it decides. An unreadable place names none. Raises OSError for one that is not a regular
    file, or is over a limit: Prefect would wait for it, or read it without end.
    """
    return bool(next(filter(None, _urls()), None))


def _urls() -> Iterator[Any]:
    yield os.environ.get(_URL)
    dotenv = _dotenv()
    yield dotenv.get(_URL)
    yield _at(_toml(Path("prefect.toml")), "api", "url")
    yield _at(_toml(Path("pyproject.toml")), "tool", "prefect", "api", "url")
    yield _profile(dotenv).get(_URL)


def _profile(dotenv: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the active profile, or Prefect's bundled one if the user has none of that name."""
    default = _toml(_bundled_profiles())
    profiles = _toml(path) if (path := _profiles_path(dotenv)).exists() else {}
    active = os.environ.get("PREFECT_PROFILE") or profiles.get("active")
    chosen = _at(profiles, "profiles", str(active)) or _at(default, "profiles", str(default.get("active")))
    return chosen if isinstance(chosen, dict) else {}


def _profiles_path(dotenv: Mapping[str, str]) -> Path:
    path = (
        os.environ.get("PREFECT_PROFILES_PATH")
        or dotenv.get("PREFECT_PROFILES_PATH")
        or _at(_toml(Path("prefect.toml")), "profiles_path")
        or _at(_toml(Path("pyproject.toml")), "tool", "prefect", "profiles_path")
    )
    home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    return Path(str(path)) if path else home / "profiles.toml"


def _bundled_profiles() -> Path:
    spec = find_spec("prefect")
    return Path(str(spec.origin if spec else "")).with_name("settings") / "profiles.toml"


def _dotenv() -> dict[str, str]:
    lines = _text(Path(".env")).splitlines()
    pairs = (line.strip().removeprefix("export ").partition("=") for line in lines)
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except ValueError:  # includes TOMLDecodeError
        return {}


def _text(path: Path) -> str:
    try:
        return read_file(path, _LARGEST).decode("utf-8")
    except Unbounded as fault:
        if path.is_dir():  # Prefect ignores it
            return ""
        raise OSError(errno.EINVAL, f"{fault}; Prefect would read it", str(path)) from None
    except (OSError, ValueError):
        return ""


def _at(document: Any, *names: str) -> Any:
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document
