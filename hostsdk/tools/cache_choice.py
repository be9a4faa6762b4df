"""Which cache record a run uses, and what happens when none fits: the part that can silently go wrong on devices."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from hostsdk.dlc.dlc import Dlc
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.socs import Soc

_TAG = "USER_INFO:HTP_CACHE"


class CacheMode(StrEnum):
    """--cache_compatibility_mode."""

    PERMISSIVE = "permissive"
    """Without a record for the SoC, compile before running and say so."""
    STRICT = "strict"
    """Without a record for the SoC, fail."""
    ALWAYS_GENERATE_NEW = "always_generate_new"
    """Compile before running, whatever the container holds."""


def choose_record(
    container: Dlc, soc: Soc, mode: CacheMode, validate: bool, log: Callable[[str, str], None]
) -> str | None:
    """Return the name of the record to run, or None to compile now; `log` gets what the runtime logs about it.

    Raises `ToolError` (INCOMPATIBLE_CACHE) when there is no record for `soc` and the mode or `validate` forbids making one.
    """
    log(_TAG, f"Target device backend record identifier: {soc.target}")
    record = container.cache_record(soc.name)
    if mode is CacheMode.ALWAYS_GENERATE_NEW:
        if validate:
            raise ToolError(
                ErrorCode.INVALID_PARAMETER,
                f"--validate_cache and --cache_compatibility_mode={mode} exclude each other.",
                "Command Line",
            )
        log(_TAG, f"Creating a new record for the target device ({soc.target})")
        return None
    if record is not None:
        return record
    if validate or mode is CacheMode.STRICT:
        held = ", ".join(container.cached_socs()) or "none"
        raise ToolError(
            ErrorCode.INCOMPATIBLE_CACHE,
            f"No cache record in the DLC matches the target device ({soc.target}): it has records for {held}.",
            "HTP Cache",
        )
    log(_TAG, f"No cache record in the DLC matches the target device ({soc.target}). Creating a new record")
    return None
