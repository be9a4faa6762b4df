"""What can go wrong with an object store, in sentences, and which of it passes by itself.

Backends raise exceptions of their own, some with keys or signatures in their text: nothing of a text that a
server or a client library wrote is shown before `masked_text`.
"""

from __future__ import annotations

import errno
import http.client
import re
import ssl
from collections.abc import Iterator

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    SSLError,
)
from botocore.exceptions import ConnectionError as NoConnection

from qhas.failures import QhasError


class StoreError(QhasError):
    """The object store refused or failed. The message names the store and the key."""


class ObjectMissing(StoreError):
    """There is no such object, or no longer."""


class ObjectDamaged(StoreError):
    """What was read is not what was stored: the digest differs, after reading it again."""


_PASSING_STATUS = frozenset({408, 429, 500, 502, 503, 504})
_PASSING_CODES = frozenset(
    {
        "InternalError",
        "OperationAborted",  # another writer of the key is at it
        "ConditionalRequestConflict",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "XAmzContentSHA256Mismatch",  # damaged on the way up
        "BadDigest",
        "IncompleteBody",
    }
)
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

_CREDENTIALS = "the credentials are refused; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_NOT_ALLOWED = "these credentials may not do that; check the bucket's policy"
_BY_CODE = {
    "AccessDenied": _NOT_ALLOWED,
    "Forbidden": _NOT_ALLOWED,
    "403": _NOT_ALLOWED,
    "InvalidAccessKeyId": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "ExpiredToken": "the credentials have expired; get new ones",
    "InvalidToken": "the session token is refused; check AWS_SESSION_TOKEN",
    "NoSuchBucket": "there is no such bucket; check `store` in site.yaml, or make the bucket",
    "PermanentRedirect": "the bucket is in another region; check AWS_DEFAULT_REGION",
    "AuthorizationHeaderMalformed": "the bucket is in another region; check AWS_DEFAULT_REGION",
    "RequestTimeTooSkewed": "this host's clock is wrong; set it",
    "QuotaExceeded": "the store is full: its quota is used up",
    "EntityTooLarge": "the object is larger than the server takes",
}


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, outermost first."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def is_passing(error: BaseException) -> bool:
    """Whether trying again is worth it: the server is busy or out of reach, or the connection broke."""
    return any(map(_passes, chain(error)))


def is_missing(error: BaseException) -> bool:
    """Whether the object is not there. A bucket that is not there is another thing."""
    return (
        any(isinstance(link, FileNotFoundError) for link in chain(error)) and _code(error) != "NoSuchBucket"
    )


def is_taken(error: BaseException) -> bool:
    """Whether the write was to create the object and it is there already."""
    return isinstance(error, FileExistsError) or _code(error) in {"PreconditionFailed", "412"}


def is_damaged(error: BaseException) -> bool:
    """Whether the bytes that arrive are not those that the server has the checksum of."""
    return any(isinstance(link, FlexibleChecksumError) for link in chain(error))


def reason(error: BaseException) -> str:
    """Why it failed, for people; names what to do where that is known."""
    if known := _BY_CODE.get(_code(error) or ""):
        return known
    for link in chain(error):
        if isinstance(link, NoCredentialsError | PartialCredentialsError):
            return "there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        if isinstance(link, EndpointConnectionError):
            return "the server cannot be reached; check AWS_ENDPOINT_URL and the network"
    if is_damaged(error):
        return "it does not hold the bytes that were stored: their checksum differs"
    status, code = _status(error), _code(error)
    if status or code:
        return " ".join(str(word) for word in ("the server answers", status, code) if word)
    return f"{type(error).__name__}: {_first_line(str(error))}"


def _passes(error: BaseException) -> bool:
    if isinstance(error, ClientError) or _from_obstore(error):
        return (
            _status(error, own=True) in _PASSING_STATUS
            or _code(error, own=True) in _PASSING_CODES
            or (
                _from_obstore(error)
                and _status(error, own=True) is None
                and not _code(error, own=True)
                and type(error).__name__ == "GenericError"
            )
        )
    if isinstance(error, NoCredentialsError | PartialCredentialsError) or _is_about_certificates(error):
        return False
    if isinstance(error, FlexibleChecksumError):  # damaged on the way down
        return True
    if isinstance(error, NoConnection | HTTPClientError | TimeoutError | http.client.HTTPException):
        return True
    if isinstance(error, OSError) and error.errno in _PASSING_ERRNO:
        return True
    return type(error).__module__.startswith("aiohttp") and not isinstance(error, BotoCoreError)


def _is_about_certificates(error: BaseException) -> bool:
    inner = getattr(error, "kwargs", {}).get("error")  # botocore's way of wrapping
    return any(
        isinstance(link, SSLError | ssl.SSLError) and not isinstance(link, ssl.SSLEOFError)
        for link in (error, inner)
    )


def _from_obstore(error: BaseException) -> bool:
    return type(error).__module__.startswith("obstore")


def _status(error: BaseException, own: bool = False) -> int | None:
    for link in (error,) if own else chain(error):
        if isinstance(link, ClientError):
            status: int | None = link.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            return status
        if _from_obstore(link) and (found := re.search(r"status code: (\d{3})", str(link))):
            return int(found[1])
    return None


def _code(error: BaseException, own: bool = False) -> str | None:
    for link in (error,) if own else chain(error):
        if isinstance(link, ClientError):
            code: str | None = link.response.get("Error", {}).get("Code")
            return code
        if found := re.search(r"<Code>(\w+)</Code>", str(link)):
            return found[1]
        if _from_obstore(link) and type(link).__name__ in ("PermissionDeniedError", "UnauthenticatedError"):
            return "AccessDenied"
    return None


def _first_line(text: str) -> str:
    """Enough to go on with: obstore's texts end in a dump of the request."""
    return text.strip().split("\n", 1)[0][:300]
