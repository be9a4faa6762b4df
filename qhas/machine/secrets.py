"""Secrets of variables, of addresses, and of texts in which addresses stand: what may be handed on, shown and stored.

An address keeps its secrets in memory, where it fetches; every text and every record has it as `masked` shows it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import unquote

from pydantic import PlainSerializer

_SECRET_WORDS = (
    "SECRET",
    "TOKEN",
    "PASSWORD",
    "PASSWD",
    "CREDENTIAL",
    "APIKEY",
    "ACCESS_KEY",
    "AUTH",
    "CONNECTION_STRING",
    "PASSPHRASE",
    "WEBHOOK",
    "COOKIE",
    "BEARER",
    "JWT",
)
_PRIVATE_PREFIXES = ("AWS_", "PREFECT_", "FSSPEC_")  # fsspec takes keys of stores from its variables
_PRIVATE_SUFFIXES = ("_KEY", "_PASS", "_PWD", "_PAT", "_SAS")

MASK = "..."
_SHORTEST = 4
"""Shorter secrets are not looked for in texts: they would be found in words that have nothing to do with them."""

_URL = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*://)"
    r"((?:[^\s\"'<>]|[\"'<>](?![\s,:;)\]}>/]|\Z)(?=\S{0,200}@))+)"  # a quote within a password does not end it
)
_SIGNING = (  # parameters that are secret wherever they stand, as in the body of a server's answer
    r"X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)|Signature|AWSAccessKeyId|AccountKey|SharedAccessSignature"
)
_IN_QUERY = r"sig|jwt|key|pwd|pass|[\w.-]*(?:token|secret|passw(?:or)?d|credential|auth|signature|[-_]key|apikey|accesskey(?:id)?)"
_SIGNED = re.compile(rf"(?i)((?:\b(?:{_SIGNING})|[?&;#](?:{_IN_QUERY}))=)([^&;#\s\"'<>]+)")
_HEADER = re.compile(
    r"(?i)(\b(?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer|digest|token)\s+"
    r"|\bx-(?:amz|goog)-security-token[\"']?\s*:\s*[\"']?)([^\s\"',]+)"
)
"""What a client that traces its requests prints of them."""


def is_secret(name: str) -> bool:
    """Whether a variable of this name may hold a credential."""
    upper = name.upper()
    listed = upper.startswith(_PRIVATE_PREFIXES) or upper.endswith(_PRIVATE_SUFFIXES)
    return listed or any(word in upper for word in _SECRET_WORDS)


def masked(address: str) -> str:
    """The address without password and signatures. What is no URL has none.

    A password may hold `/` and `@`: where it ends cannot always be told, and then rather too much is left out.
    """
    scheme, separator, rest = address.partition("://")
    return f"{scheme}://{_SIGNED.sub(_parameter, _without_user(rest))}" if separator else address


def masked_text(text: str, secrets: Collection[str] = ()) -> str:
    """The text without the given secrets, passwords in addresses, and what signs a request."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(secret)}(?![A-Za-z0-9])", MASK, text)
    text = _URL.sub(lambda found: found[1] + _without_user(found[2]), text)
    return _HEADER.sub(_parameter, _SIGNED.sub(_parameter, text))


@lru_cache(maxsize=1024)  # each tool's environment asks it of all variables
def holds_secret(name: str, value: str) -> bool:
    """Whether a variable may hold a credential, by its name or as the password in an address."""
    return is_secret(name) or not value == masked_text(value) == masked(value)


def error_at(address: str, text: str) -> str:
    """The text of an error met with an address, without the secrets of the address."""
    return masked_text(text.replace(address, masked(address)), list(_secrets_of(address)))


def name_in(address: str) -> str:
    """The file's own name: what follows a URL's `?` or `#` is not part of it."""
    path = re.split(r"[?#]", address, maxsplit=1)[0] if "://" in address else address
    return PurePosixPath(path).name


Address = Annotated[str, PlainSerializer(masked, return_type=str, when_used="json")]
"""A path or URL that is masked in every JSON document made of its model, and whole in memory."""


def _without_user(rest: str) -> str:
    """What follows `://`, its user and password replaced."""
    if "@" not in rest:
        return rest
    authority = rest.partition("/")[0]
    port, after = authority.rpartition(":")[2], rest.rpartition("@")[2]
    if "@" in authority or (":" in authority and (not port.isdigit() or "/" in after)):
        return f"{MASK}@{after}"
    return rest


def _parameter(found: re.Match[str]) -> str:
    return f"{found[1]}{MASK}"


def _secrets_of(address: str) -> Iterator[str]:
    rest = address.partition("://")[2]
    if _without_user(rest) != rest:
        user = rest.rsplit("@", 1)[0]
        yield from (user, user.partition(":")[2])
        yield unquote(user.partition(":")[2])
    yield from (found[2] for found in _SIGNED.finditer(rest))
