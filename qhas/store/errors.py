"""What can go wrong with an object store: one vocabulary for all backends.

Backends raise their own exceptions, some with keys or signatures in their text: no text from a server or a client
library is shown before `masked_text` has processed it. Errors of Python and its network libraries are interpreted
here, those of S3's clients in `qhas.store.s3_errors`.
"""

from __future__ import annotations

import errno
import http.client
import ssl
from collections.abc import Iterator
from typing import NamedTuple

from qhas.failures import QhasError


class StoreError(QhasError):
    """The object store refused or failed. The message names the store and the key."""


class ObjectMissing(StoreError):
    """The object does not exist, or no longer exists."""


class ObjectDamaged(StoreError):
    """What was read is not what was stored: the digest differs, even after a second read."""


class Taken(StoreError):
    """The object was to be created, but already exists."""


class Unsupported(StoreError):
    """The backend does not support the operation."""


class Trouble(NamedTuple):
    """What an exception of a backend means."""

    kind: type[StoreError]
    reason: str
    """Why it failed, in words; says what to do about it where that is known."""
    passes: bool
    """Whether a retry is worthwhile: the server is busy or unreachable, or the connection broke."""


_PASSING_ERRNO = frozenset(
    {
        errno.ECONNRESET,
        errno.ECONNREFUSED,
        errno.ECONNABORTED,
        errno.EPIPE,
        errno.ETIMEDOUT,
        errno.EHOSTUNREACH,
    }
)
_GONE = (404, 410)
_BUSY = (408, 425, 429)


def trouble_of(error: BaseException) -> Trouble:
    """Return what an exception of Python, of the operating system or of an HTTP client means."""
    return Trouble(_kind(error), first_line(error), any(map(passes, chain(error))))


def _kind(error: BaseException) -> type[StoreError]:
    if isinstance(error, FileExistsError):
        return Taken
    if any(map(is_absent, chain(error))):
        return ObjectMissing
    return Unsupported if isinstance(error, NotImplementedError) else StoreError


def passes(error: BaseException) -> bool:
    """Whether such an exception, regardless of its causes, is of a kind that passes by itself."""
    if is_about_certificates(error):
        return False
    if isinstance(error, TimeoutError | http.client.HTTPException):
        return True
    if isinstance(error, OSError) and error.errno in _PASSING_ERRNO:
        return True
    refused = (
        isinstance(status := getattr(error, "status", None), int) and status < 500 and status not in _BUSY
    )
    return type(error).__module__.startswith("aiohttp") and not refused  # fsspec's HTTP client


def is_absent(error: BaseException) -> bool:
    """Whether the error means that there is no such file."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        return getattr(error, "status", None) in _GONE
    return (cause := met(error)) is error or is_absent(cause)


def met(error: BaseException) -> BaseException:
    """Return the error that a web client met.

    fsspec reports it as a missing file, even if the server was silent, busy or denied access.
    """
    cause = error.__cause__
    of_the_web = isinstance(cause, TimeoutError | ValueError) or type(cause).__module__.startswith("aiohttp")
    return cause if cause and of_the_web else error


def is_about_certificates(error: object) -> bool:
    """Whether TLS failed because of a certificate, and not because the connection ended."""
    return isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError)


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and its causes, outermost first."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def first_line(error: BaseException) -> str:
    """Return the error's kind and the first line of its text: obstore's texts continue with a dump of the request."""
    return f"{type(error).__name__}: {str(error).strip().split(chr(10), 1)[0][:300]}"
