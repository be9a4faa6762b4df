"""Answers that botocore and s3fs take for what they are not: redirects, web pages, listings without end."""

from __future__ import annotations

import re
from typing import Any

REGION = "x-amz-bucket-region"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PASSING_STATUS = frozenset({408, 429, 500, 502, 503, 504})
DIVERTED = (
    "the server sends requests to another address, where no key goes; set AWS_ENDPOINT_URL to that address"
)
_NO_S3 = "what answers is a web page and no S3 server; check AWS_ENDPOINT_URL"
_ENDLESS = "the server's listing has no end: it gives no new page; check AWS_ENDPOINT_URL, or the server"
_PAGE = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+)?html\b", re.IGNORECASE | re.DOTALL)
_OF_PROXIES = PASSING_STATUS - {500}
"""With which one before an S3 server says in a page that the server is away; botocore makes 500 of 200 for some pages."""
_MOST_PAGES = 10_000
"""Of a listing: ten million objects."""


class Unexpected(Exception):
    """Such an answer; the message says what it is, and what to do."""


def check_answers(events: Any) -> None:
    """Raise Unexpected out of a client of botocore's, by its events, for what an S3 server does not answer."""
    pages = _Pages()
    events.register("before-parse.s3", _check)
    events.register("before-parameter-build.s3.ListObjectsV2", pages.asked)
    events.register("after-call.s3.ListObjectsV2", pages.answered)


def _check(response_dict: dict[str, Any], **_: object) -> None:
    status, body = response_dict["status_code"], response_dict.get("body")
    if status in REDIRECTS and REGION not in response_dict["headers"]:
        # Botocore would ask the bucket for its region, be redirected, and ask again, without end.
        raise Unexpected(DIVERTED)
    if status not in _OF_PROXIES and isinstance(body, bytes) and _PAGE.match(body, 0, 2000):
        raise Unexpected(_NO_S3)


class _Pages:
    """How many pages of a listing there were before the one that a token leads to."""

    def __init__(self) -> None:
        self._before: dict[str, int] = {}

    def asked(self, params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        """A page is asked for."""
        context["qhas-token"] = params.get("ContinuationToken")

    def answered(self, parsed: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        """It is there."""
        token: str = context.get("qhas-token") or ""
        count = self._before.pop(token, 0) + 1
        if not parsed.get("IsTruncated"):
            return
        following = parsed.get("NextContinuationToken")
        if following in (None, "", token) or count >= _MOST_PAGES:
            raise Unexpected(_ENDLESS)
        self._before[following] = count
