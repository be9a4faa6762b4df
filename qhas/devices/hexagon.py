"""Detection of a device's Hexagon architecture, and the choice of the SDK's DSP libraries for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_DEVICE_WORDS = (
    re.compile(r"Hexagon Architecture V([0-9]{2,3})\b", re.IGNORECASE),
    re.compile(r"target device[^\n]*?\bHTP_V([0-9]{2,3})_", re.IGNORECASE),
)


def hexagon_of_device(text: str) -> str | None:
    """Return the architecture, such as v79, that snpe-platform-validator or the runtime's log reports.

    The wordings are from public logs: `Core Version of the runtime DSP: Hexagon Architecture V79` and
    `Target device backend record identifier: HTP_V79_SM8750_8MB`. None if the text has neither.
    """
    word = next((match for words in _DEVICE_WORDS if (match := words.search(text))), None)
    return f"v{int(word[1])}" if word else None


def skel_archs(sdk_root: Path) -> list[str]:
    """Return the architectures with unsigned DSP libraries in `lib/hexagon-vNN/unsigned`, oldest first."""
    names = (folder.parent.name for folder in sdk_root.glob("lib/hexagon-v*/unsigned") if folder.is_dir())
    matches = (re.fullmatch(r"hexagon-v([0-9]{2,3})", name) for name in names)
    return [f"v{arch}" for arch in sorted(int(match[1]) for match in matches if match)]


@dataclass(frozen=True)
class Choice:
    """The architectures to stage libraries for, a sentence if the graph cannot run on the device, and warnings."""

    archs: list[str]
    contradiction: str | None
    warnings: list[str]


def choose_hexagon(
    configured: str | None, device: str | None, known: str | None, available: Sequence[str]
) -> Choice:
    """Choose the libraries to stage: for the site's architecture, else the device's, else all available ones.

    `known` is the architecture in this version's table; it only causes warnings.
    """
    target = configured or device
    if refusal := _refusal(target, available):
        return Choice([], refusal, [])
    warnings = []
    if configured and device and configured != device:
        warnings.append(f"The site sets hexagon {configured}, the device says {device}; the site's is used.")
    if target and known and target != known:
        warnings.append(f"This version's table has {known} for the SoC, not {target}.")
    return Choice([target] if target else list(available), None, warnings)


def _refusal(target: str | None, available: Sequence[str]) -> str | None:
    if not available:
        return "The SDK has no DSP libraries in lib/hexagon-vNN/unsigned: install the whole SDK."
    if target and target not in available:
        return (
            f"The SDK has no DSP libraries for {target}, only for {', '.join(available)}: "
            "use an SDK that supports it, or correct the device's hexagon in site.yaml."
        )
    return None
