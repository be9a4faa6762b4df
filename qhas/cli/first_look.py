"""Check a command line against the table of known SoCs before the command's imports."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from qhas.socs import KNOWN_SOCS

COMPILING = frozenset({"profile", "check", "tune", "explain", "advise", "llm", "upgrade", "gate"})
"""Commands whose `--soc` is a SoC to compile for; in the others it is a pattern."""


def refusal_of_socs(words: Sequence[str]) -> str:
    """Return why a SoC is refused that the host SDK does not know, if no other SDK can be meant; else an empty string.

    Checking names that this version knows costs nothing; for others the host SDK is queried for its table. Raises
    InvalidInput if the site cannot be read.
    """
    if not words or words[0] not in COMPILING:
        return ""
    unknown = [name for name in _values(words, "--soc") if name not in KNOWN_SOCS]
    if not unknown or not all(name.isascii() and name.isidentifier() and name.islower() for name in unknown):
        return ""
    from qhas.machine.host_sdk import answer_of

    if not (complaint := answer_of("socs", *sorted(unknown)).complaint):
        return ""
    return f"{complaint} Nothing was run." if words[0] == "check" or _host_sdk_alone(words) else ""


def _values(words: Sequence[str], option: str) -> Iterator[str]:
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == option:
            yield following
        elif word.startswith(f"{option}="):
            yield word.removeprefix(f"{option}=")


def _host_sdk_alone(words: Sequence[str]) -> bool:
    from qhas.machine.host_sdk import ROOT_VARIABLES

    named = any(map(os.environ.get, ROOT_VARIABLES))
    path = next(_values(words, "--site"), os.environ.get("QHAS_SITE"))
    if not path:
        return not named
    from qhas.site import load_site
    from qhas.site.sdk import SdkKind, kind_of

    site = load_site(Path(path))
    if named and site.sdk.root is None:
        return False
    roots = [site.sdk.root, *(sdk.root for sdk in site.sdks.values())]
    return all(root is None or kind_of(root) is SdkKind.HOST for root in roots)
