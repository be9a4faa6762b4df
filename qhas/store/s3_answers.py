"""Detect answers that botocore and s3fs misread: redirects, web pages, listings without end."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from qhas.machine.secrets import masked

REGION = "x-amz-bucket-region"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PASSING_STATUS = frozenset({408, 429, 500, 502, 503, 504})
DIVERTED = "the server redirects requests to a different address, to which no credentials are sent; set AWS_ENDPOINT_URL to that address"
_ENDLESS = "the server's listing never ends: it returns no new page; check AWS_ENDPOINT_URL, or the server"
_NO_WORDS = frozenset({304, 412, 413, 416})
"""Statuses that say it all: a server, or a proxy in front of it, may omit the body or write anything there."""
_ROOTS = {
    "ListObjectsV2": "ListBucketResult",
    "DeleteObjects": "DeleteResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
}
"""Root elements of successful answers, by operation."""
_TAGGED = ("GetObject", "HeadObject", "PutObject", "UploadPart")
"""Operations whose successful answers have an ETag."""
_PROLOGUE = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml\b.*?\?>\s*|<!--.*?-->\s*)*", re.DOTALL)
_ROOT = re.compile(rb"<(?:\w+:)?(\w+)")
_PAGE = re.compile(rb"<(?:!doctype\s+html|html|head|body|meta|title|script|p|h1)\b", re.IGNORECASE)
_READ = 4000
"""Bytes of a body in which its kind shows."""
_MOST_PAGES = 10_000
"""Maximum number of pages of a listing: ten million objects."""


class Unexpected(Exception):
    """An answer that no S3 server gives; the message says what it is, and what to do."""

    def __init__(self, message: str, *, passes: bool = False) -> None:
        super().__init__(message)
        self.passes = passes
        """Whether the server may only be down, with something in front of it answering in the meantime."""


def check_answers(events: Any, endpoint: str) -> None:
    """Make a botocore client raise Unexpected, through its events, for answers that no S3 server gives."""
    pages = _Pages()
    events.register("before-parse.s3", partial(_check_refusal, endpoint))
    # Registered by wildcard to run before botocore's own handler, which turns some of these into a 500.
    for operation, root in _ROOTS.items():
        events.register(f"before-parse.*.{operation}", partial(_check_root, endpoint, root))
    for operation in _TAGGED:
        events.register(f"before-parse.*.{operation}", partial(_check_tag, endpoint))
    events.register("before-parameter-build.s3.ListObjectsV2", pages.asked)
    events.register("after-call.s3.ListObjectsV2", pages.answered)


def strange_refusal(endpoint: str, status: int, body: bytes) -> Unexpected | None:
    """Return what is wrong with the body of an unsuccessful answer; None if an S3 server could have sent it."""
    if status in _NO_WORDS or _root(body) == "Error":
        return None
    return no_s3(_said(endpoint, status, f"with {_kind(body)}"), passes=status in PASSING_STATUS)


def require_tag(endpoint: str, tag: str | None) -> None:
    """Raise Unexpected for an object reported as stored or sent without the ETag that S3 servers give it."""
    if not tag:
        raise no_s3(_said(endpoint, 200, "without an ETag"))


def no_s3(
    said: str = "the store's address answers with something else", *, passes: bool = False
) -> Unexpected:
    """Return the error for an answer that does not come from an S3 server."""
    return Unexpected(
        f"{said}, which no S3 server does; check AWS_ENDPOINT_URL, the proxy, and whether the network requires a login in a"
        " browser",
        passes=passes,
    )


def _said(endpoint: str, status: int, what: str) -> str:
    return f"{masked(endpoint)} answers {status} {what}"


def _check_refusal(endpoint: str, response_dict: dict[str, Any], operation_model: Any, **_: object) -> None:
    status, body = response_dict["status_code"], response_dict.get("body")
    if status in REDIRECTS and REGION not in response_dict["headers"]:
        # Botocore would query the bucket's region, be redirected, and query again, without end.
        raise Unexpected(DIVERTED)
    if status < 400 or operation_model.http["method"] == "HEAD" or not isinstance(body, bytes):
        return
    if strange := strange_refusal(endpoint, status, body):
        raise strange


def _check_root(endpoint: str, root: str, response_dict: dict[str, Any], **_: object) -> None:
    status, body = response_dict["status_code"], response_dict["body"]
    if status < 300 and _root(body) not in (root, "Error"):
        raise no_s3(_said(endpoint, status, f"with {_kind(body)}"))


def _check_tag(endpoint: str, response_dict: dict[str, Any], **_: object) -> None:
    if response_dict["status_code"] < 300:
        require_tag(endpoint, response_dict["headers"].get("etag"))


def _root(body: bytes) -> str | None:
    """Return the name of an XML document's root element."""
    match = _ROOT.match(_opened(body))
    return match[1].decode() if match else None


def _kind(body: bytes) -> str:
    if not (opened := _opened(body)):
        return "an empty body"
    if _PAGE.match(opened):
        return "a web page"
    if _ROOT.match(opened):
        return "XML of another kind"
    return "JSON" if opened[:1] in b"{[" else "plain text"


def _opened(body: bytes) -> bytes:
    """Return the start of a body, without what may precede the first element."""
    return _PROLOGUE.sub(b"", body.lstrip()[:_READ], count=1)


class _Pages:
    """Counts the pages of a listing, by the token that leads to the next one."""

    def __init__(self) -> None:
        self._before: dict[str, int] = {}

    def asked(self, params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        """Note which page is requested."""
        context["qhas-token"] = params.get("ContinuationToken")

    def answered(self, parsed: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        """Count the page. Raises Unexpected if the listing has no end."""
        token: str = context.get("qhas-token") or ""
        count = self._before.pop(token, 0) + 1
        if not parsed.get("IsTruncated"):
            return
        following = parsed.get("NextContinuationToken")
        if following in (None, "", token) or count >= _MOST_PAGES:
            raise Unexpected(_ENDLESS)
        self._before[following] = count
