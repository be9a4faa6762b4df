"""Interpret the exceptions of botocore, s3fs and obstore in the store's own vocabulary.

s3fs raises Python's errors with botocore's as their cause, which hold the server's answer. obstore has it only in its
messages.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    SSLError,
)
from botocore.exceptions import ConnectionError as NoConnection

from qhas.store import errors
from qhas.store.errors import ObjectDamaged, ObjectMissing, StoreError, Taken, Trouble, chain
from qhas.store.s3_answers import DIVERTED, PASSING_STATUS, REDIRECTS, Unexpected, no_s3, strange_refusal

_PASSING_CODES = frozenset(
    {
        "InternalError",
        "OperationAborted",  # another writer is changing the key
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
_NOT_FOR_MANY = frozenset({"AccessDenied", "MethodNotAllowed", "NotImplemented"})
_CREDENTIALS = "the credentials are refused; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_NOT_ALLOWED = "these credentials may not do that; check the bucket's policy"
_ELSEWHERE = "the bucket is in another region; check AWS_DEFAULT_REGION"
_BY_CODE = {
    "AccessDenied": _NOT_ALLOWED,
    "Forbidden": _NOT_ALLOWED,
    "403": _NOT_ALLOWED,
    "InvalidAccessKeyId": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "ExpiredToken": "the credentials have expired; get new ones",
    "InvalidToken": "the session token is refused; check AWS_SESSION_TOKEN",
    "NoSuchBucket": "there is no such bucket; check `store` in site.yaml, or create the bucket",
    "PermanentRedirect": _ELSEWHERE,
    "AuthorizationHeaderMalformed": _ELSEWHERE,
    "IllegalLocationConstraintException": _ELSEWHERE,
    "RequestTimeTooSkewed": "this host's clock is wrong; set it",
    "QuotaExceeded": "the store is full: its quota is used up",
    "EntityTooLarge": "the object is larger than the server accepts",
}
_BY_CLASS = {
    NoCredentialsError: "there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    PartialCredentialsError: "there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    EndpointConnectionError: "the server cannot be reached; check AWS_ENDPOINT_URL and the network",
    FlexibleChecksumError: "it does not hold the bytes that were stored: their checksum differs",
}
_BY_STATUS = dict.fromkeys(REDIRECTS, DIVERTED) | {
    413: "the server, or a proxy in front of it, does not accept a body of that size; raise the limit (nginx: client_max_body_size)"
}
_REFUSED = re.compile(
    r"performing \w+ (?P<endpoint>\w+://[^/\s]+).*? status code: (?P<status>\d{3})[^:\n]*: (?P<body>.*?)(?:\n\nDebug source|\Z)",
    re.DOTALL,
)
_STRANGE = re.compile(r"ETag Header missing|Got invalid \w+ response")


class _Answer(NamedTuple):
    """What a server answered; None for what it, or its client's text, does not say."""

    status: int | None = None
    code: str | None = None


def trouble_of(error: BaseException) -> Trouble:
    """Return what an exception of S3's clients means."""
    answers = [answer for link in chain(error) if (answer := _answer(link))]
    status = next((answer.status for answer in answers if answer.status), None)
    code = next((answer.code for answer in answers if answer.code), None)
    return Trouble(_kind(error, code), _reason(error, status, code), any(map(_passes, chain(error))))


def is_of_another_region(error: BaseException) -> bool:
    """Whether the server requires the request to be signed for a different region."""
    return trouble_of(error).reason == _ELSEWHERE


def is_about_many(error: BaseException) -> bool:
    """Whether the server does not do that with many objects at once, or not for these credentials."""
    return any((answer := _answer(link)) and answer.code in _NOT_FOR_MANY for link in chain(error))


def lacks_s3_headers(error: BaseException) -> bool:
    """Whether the error is an answer without any header that S3 servers write."""
    answers = [link.response for link in chain(error) if isinstance(link, ClientError)]
    headers = [answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}) for answer in answers]
    return bool(headers) and not any(
        name.startswith("x-amz") for name in {name for found in headers for name in found}
    )


def _kind(error: BaseException, code: str | None) -> type[StoreError]:
    if code in ("PreconditionFailed", "412"):
        return Taken
    kind = errors.trouble_of(error).kind
    if kind is ObjectMissing and (code == "NoSuchBucket" or any(map(_unexpected, chain(error)))):
        return StoreError
    damaged = any(isinstance(link, FlexibleChecksumError) for link in chain(error))
    return ObjectDamaged if damaged and kind is StoreError else kind


def _reason(error: BaseException, status: int | None, code: str | None) -> str:
    if code in _BY_CODE and not any(map(_unexpected, chain(error))):
        return _BY_CODE[code]
    for link in chain(error):
        if unexpected := _unexpected(link):
            return str(unexpected)
        for kind, reason in _BY_CLASS.items():
            if isinstance(link, kind):
                return reason
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status or code:
        answer = dict.fromkeys(str(word) for word in (status, code) if word)
        return f"the server answers {' '.join(answer)}"
    return errors.first_line(error)


def _unexpected(error: BaseException) -> Unexpected | None:
    """Return an answer that no S3 server gives, from botocore's events or from the text of an obstore error."""
    if isinstance(error, Unexpected):
        return error
    text = str(error)
    if "Error performing" not in text and not type(error).__module__.startswith("obstore"):
        return None
    if refused := _REFUSED.search(text):
        return strange_refusal(refused["endpoint"], int(refused["status"]), refused["body"].encode())
    return no_s3() if _STRANGE.search(text) else None


def _passes(error: BaseException) -> bool:
    if unexpected := _unexpected(error):
        return unexpected.passes
    if (answer := _answer(error)) is not None:
        # For a broken connection, obstore only says that something broke.
        broke = answer == _Answer() and type(error).__name__ == "GenericError"
        return answer.status in PASSING_STATUS or answer.code in _PASSING_CODES or broke
    wrapped = getattr(error, "kwargs", {}).get("error")  # botocore's way of naming a cause
    if isinstance(error, NoCredentialsError | PartialCredentialsError | SSLError):
        return False
    if errors.is_about_certificates(wrapped):
        return False
    if isinstance(
        error, FlexibleChecksumError | NoConnection | HTTPClientError
    ):  # damaged or cut off on the way down
        return True
    return errors.passes(error)


def _answer(error: BaseException) -> _Answer | None:
    """Return what the server answered; None if the exception holds no answer. Some of obstore's are Python's own."""
    if isinstance(error, ClientError):
        metadata = error.response.get("ResponseMetadata", {})
        return _Answer(metadata.get("HTTPStatusCode"), error.response.get("Error", {}).get("Code"))
    text = str(error)
    code = re.search(r"<Code>(\w+)</Code>", text)
    if not type(error).__module__.startswith("obstore"):
        return _Answer(code=code[1]) if code else None
    if "incorrectly configured region" in text:  # a redirect that names no place
        return _Answer(301, "PermanentRedirect")
    status = re.search(r"status code: (\d{3})", text)
    denied = type(error).__name__ in ("PermissionDeniedError", "UnauthenticatedError")
    return _Answer(
        int(status[1]) if status else None, code[1] if code else "AccessDenied" if denied else None
    )
