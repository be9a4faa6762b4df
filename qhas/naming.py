"""Names that become paths and object keys, checked once, here."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
SOC = re.compile(r"[a-z0-9][a-z0-9_]{1,39}")


def check_name(name: str) -> str:
    """Return the name, or raise ValueError if it could leave its folder or needs quoting anywhere."""
    if not SAFE.fullmatch(name) or ".." in name:
        raise ValueError(
            f"{name!r} cannot be a name: use 1 to 100 letters, digits, '.', '_' or '-', "
            "beginning with a letter or digit, without '..'"
        )
    return name


def check_key(key: str) -> None:
    """Raise ValueError unless every part of an object's key is a name, or a partition as in `date=2026-03-01`."""
    for part in key.split("/"):
        for name in part.split("=", 1):
            check_name(name)


def safe_name(name: str) -> str:
    """The name somebody else chose for a file, made fit for `check_name`: other characters become '_'."""
    return re.sub(r"[^A-Za-z0-9._-]|(?<=\.)\.", "_", name)[-100:].lstrip("._-") or "unnamed"


def check_soc(name: str) -> str:
    """Return the SoC name, or raise ValueError if no tool could take it."""
    if not SOC.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a SoC: use lower-case letters, digits and '_', as in sm8750")
    return name


# The patterns stand in the schemas of flow parameters too, so that the Prefect API refuses what would fail here.
Name = Annotated[
    str, AfterValidator(check_name), WithJsonSchema({"type": "string", "pattern": f"^{SAFE.pattern}$"})
]
SocName = Annotated[
    str, AfterValidator(check_soc), WithJsonSchema({"type": "string", "pattern": f"^{SOC.pattern}$"})
]
