"""Secrets in variables, in addresses and in texts that contain addresses: what may be passed on, shown and stored.

An address keeps its secrets in memory, where it is needed for fetching; every text and record has it as shown by
`masked`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import quote, unquote

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
_PRIVATE_PREFIXES = ("AWS_", "PREFECT_", "FSSPEC_")  # fsspec reads store keys from its variables
_PRIVATE_SUFFIXES = ("_KEY", "_PASS", "_PWD", "_PAT", "_SAS")

MASK = "..."
_SHORTEST = 4
"""Shorter secrets are not searched for in texts: they would be found in unrelated words."""

_SHORTEST_USER = 8
"""Without a password, a user name of at least this length counts as a token."""
_DEEPEST = 10
"""Maximum nesting of addresses, as caches and archives chain them."""
_LONG = 16
"""Secrets of at least this length are also searched for within words, and in the form that an address, a JSON text or
an escaped line gives them."""

_URL = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]{0,40}://)"
    r"((?:[^\s\"'<>]|[\"'<>](?![\s,:;)\]}>/]|\Z)(?=\S{0,200}@))+)"  # a quote within a password does not end it
)
_MISSPELT = re.compile(
    r"\b([A-Za-z][A-Za-z0-9+.-]{1,20}:(?:/(?!/)|\\{1,2}(?!\\)))[^\s/\\:@]{1,200}:\S{1,200}@"
)
"""With a slash missing or turned the wrong way, an address looks like a path to everyone but its author."""
_PACKED_URL = re.compile(r"(?i)(%3A%2F%2F)[^&;#\s\"'<>]{1,400}?%40")
"""An address as a parameter of another one."""
_SIGNING = (  # parameters that are secret wherever they occur, as in the body of a server's answer
    r"X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)|Signature|AWSAccessKeyId|AccountKey|SharedAccessSignature"
)
_IN_QUERY = (
    r"sig|sas|jwt|pwd?|pass|hmac|[\w.-]{0,40}(?:auth|session[-_]?id|key|key[-_]?(?:pair[-_]?)?id)"
    r"|[\w.-]{0,40}(?:token|secret|passw(?:or)?d|passphrase|credential|signature)[\w.\[\]-]{0,40}"
)
_SIGNED = re.compile(
    rf"(?i)((?:\b(?:{_SIGNING})|(?:[?&;#~]|%3F|%26)(?:{_IN_QUERY})|~hmac)(?:=|%3D))([^&;#\s\"'<>]+)"
)
_HEADER = re.compile(
    r"(?i)(\b(?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer|digest|token|ntlm|negotiate|aws|apikey|oauth)\s+"
    r"|\bx-(?:amz|goog)-security-token[\"']?\s*:\s*[\"']?"
    r"|\b(?:x-api-key|(?:set-)?cookie)[\"']?:\s*[\"']?)([^\s\"',]+)"
)
"""What a client that traces its requests prints about them."""
_NAMED = re.compile(
    r"(?i)((?:secret|passw(?:or)?d|passphrase|credentials?|(?:access|api|private)[-_]?key|auth_string|_(?:pat|pwd|jwt)"
    r"|[-_]token(?![\w-]{0,40}[\"']?\s?[:=]\s?[\"']?[\d.]+(?![\w.-])))"  # token counts and times are figures
    r"[\w-]{0,40}(?:\s?=\s?[\"']?|[\"']\s?[:=]\s?[\"']?))((?!\.\.\.)[^\s\"',;&#]{4,})"
)
"""A variable as printed by a tool that shows its environment or settings."""


def is_secret(name: str) -> bool:
    """Whether a variable of this name may hold a credential."""
    upper = name.upper()
    listed = upper.startswith(_PRIVATE_PREFIXES) or upper.endswith(_PRIVATE_SUFFIXES)
    return listed or any(word in upper for word in _SECRET_WORDS)


def masked(address: str) -> str:
    """Return the address without password and signatures. Only a URL, even a misspelt one, has any.

    A password may contain `/` and `@`, so its end is sometimes ambiguous; when in doubt, more is masked.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        return _MISSPELT.sub(_user, address)
    return f"{scheme}://{_SIGNED.sub(_parameter, _without_users(rest))}"


def masked_text(text: str, secrets: Collection[str] = ()) -> str:
    """Return the text without the given secrets, passwords in addresses, request signatures and named credentials."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = _as_written(secret).sub(MASK, text)
    text = _URL.sub(lambda match: match[1] + _without_users(match[2]), _MISSPELT.sub(_user, text))
    return _NAMED.sub(_parameter, _HEADER.sub(_parameter, _SIGNED.sub(_parameter, text)))


def _as_written(secret: str) -> re.Pattern[str]:
    """Return a pattern of the secret; a long one also matches with its punctuation percent-encoded or escaped."""
    if len(secret) < _LONG:
        return re.compile(rf"(?<![A-Za-z0-9]){re.escape(secret)}(?![A-Za-z0-9])")
    return re.compile(
        "".join(
            letter
            if letter.isalnum()
            else rf"(?:\\?{re.escape(letter)}|(?i:{re.escape(quote(letter, safe=''))}))"
            for letter in secret
        )
    )


@lru_cache(maxsize=1024)  # called for all variables in each tool's environment
def holds_secret(name: str, value: str) -> bool:
    """Whether a variable may hold a credential, judging by its name or by a password in an address."""
    return is_secret(name) or not value == masked_text(value) == masked(value)


def error_at(address: str, text: str) -> str:
    """Return the text of an error caused by an address, without the address's secrets."""
    return masked_text(text.replace(address, masked(address)), list(_secrets_of(address)))


def name_in(address: str) -> str:
    """Return the file's own name, without a URL's `?` or `#` and what follows."""
    path = re.split(r"[?#]", address, maxsplit=1)[0] if "://" in address else address
    return PurePosixPath(path).name


Address = Annotated[str, PlainSerializer(masked, return_type=str, when_used="json")]
"""A path or URL that is masked in every JSON document made from its model, but complete in memory."""


def _without_users(rest: str) -> str:
    """Mask user and password in what follows `://`, also in addresses within it, as in `zip://net.dlc::https://...`."""
    if "@" in rest:
        parts = rest.split("://", _DEEPEST)
        inner = ("://".join(parts[begin:]) for begin in range(len(parts)))
        shown = ((address, _without_user(address)) for address in inner)
        rest = next((rest.removesuffix(was) + now for was, now in shown if was != now), rest)
    return _PACKED_URL.sub(rf"\1{MASK}%40", rest)


def _without_user(rest: str) -> str:
    """Mask user and password in what follows `://`."""
    if "@" not in rest:
        return rest
    authority = rest.partition("/")[0]
    port, after = authority.rpartition(":")[2], rest.rpartition("@")[2]
    if "@" in authority or (":" in authority and (not port.isdigit() or "/" in after)):
        return f"{MASK}@{after}"
    return rest


def _parameter(match: re.Match[str]) -> str:
    return f"{match[1]}{MASK}"


def _user(match: re.Match[str]) -> str:
    return f"{match[1]}{MASK}@"


def _secrets_of(address: str) -> Iterator[str]:
    rest = address.partition("://")[2]
    if _without_users(rest) != rest:
        user = rest.rsplit("@", 1)[0]
        own, _, password = user.rpartition("://")[2].partition(":")
        yield from (user, user.partition(":")[2], password, unquote(password))
        if not password and len(own) >= _SHORTEST_USER:
            yield own
    for match in _SIGNED.finditer(rest):
        yield from (match[2], unquote(match[2]))
