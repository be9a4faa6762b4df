"""The check that a request to S3 is signed with the right key.

It covers AWS Signature Version 4 (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html) in the
header `Authorization` and in the query of a link, and version 2 of links, which botocore makes where no region is
Amazon's own.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, unquote

_HEADER = re.compile(r"AWS4-HMAC-SHA256 Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=(\w+)")
_SKEW = timedelta(minutes=15)
_UNSIGNED = "UNSIGNED-PAYLOAD"


@dataclass(frozen=True)
class Key:
    """An access key and its secret."""

    access: str
    secret: str = field(repr=False)

    def signed(
        self, method: str, target: str, headers: Mapping[str, str], now: datetime | None = None
    ) -> bool:
        """Whether a request for a target (path and query as sent) was signed with this key, recently enough.

        Names of headers are in lower case. The digest that the client states for its body is part of what is signed;
        the body itself is not looked at.
        """
        path, _, query = target.partition("?")
        pairs = parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)
        now = now or datetime.now(UTC)
        try:
            if "authorization" in headers:
                return self._in_header(method, path, pairs, headers, now)
            if "AWSAccessKeyId" in dict(pairs):
                return self._in_old_link(method, path, dict(pairs), now)
            return self._in_query(method, path, pairs, headers, now)
        except (KeyError, ValueError, OverflowError):
            return False

    def _in_header(
        self,
        method: str,
        path: str,
        pairs: Sequence[tuple[str, str]],
        headers: Mapping[str, str],
        now: datetime,
    ) -> bool:
        match = _HEADER.fullmatch(headers["authorization"])
        if match is None:
            return False
        scope, names, signature = match[1], match[2].split(";"), match[3]
        if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names):
            return False
        date = headers["x-amz-date"]
        canonical = _canonical(method, path, pairs, headers, names, headers["x-amz-content-sha256"])
        return abs(_time(date) - now) <= _SKEW and self._matches(scope, date, canonical, signature)

    def _in_query(
        self,
        method: str,
        path: str,
        pairs: Sequence[tuple[str, str]],
        headers: Mapping[str, str],
        now: datetime,
    ) -> bool:
        asked = dict(pairs)
        date, names = asked["X-Amz-Date"], asked["X-Amz-SignedHeaders"].split(";")
        ends = _time(date) + timedelta(seconds=int(asked["X-Amz-Expires"]))
        if "host" not in names or not _time(date) - _SKEW <= now <= ends:
            return False
        signed = [(name, value) for name, value in pairs if name != "X-Amz-Signature"]
        canonical = _canonical(method, path, signed, headers, names, _UNSIGNED)
        return self._matches(asked["X-Amz-Credential"], date, canonical, asked["X-Amz-Signature"])

    def _in_old_link(self, method: str, path: str, asked: Mapping[str, str], now: datetime) -> bool:
        if asked.keys() != {"AWSAccessKeyId", "Signature", "Expires"} or method not in ("GET", "HEAD"):
            return False
        text = f"{method}\n\n\n{asked['Expires']}\n{path}"
        signature = b64encode(hmac.digest(self.secret.encode(), text.encode(), "sha1")).decode()
        fresh = now.timestamp() <= int(asked["Expires"])
        return fresh and asked["AWSAccessKeyId"] == self.access and _same(signature, asked["Signature"])

    def _matches(self, credential: str, date: str, canonical: str, signature: str) -> bool:
        access, _, scope = credential.partition("/")
        day, region, service, end = scope.split("/")
        if access != self.access or day != date[:8] or (service, end) != ("s3", "aws4_request"):
            return False
        key = f"AWS4{self.secret}".encode()
        for part in (day, region, service, end):
            key = hmac.digest(key, part.encode(), "sha256")
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = "\n".join(("AWS4-HMAC-SHA256", date, scope, digest))
        return _same(hmac.digest(key, text.encode(), "sha256").hex(), signature)


def _same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode(), theirs.encode())


def _canonical(
    method: str,
    path: str,
    pairs: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    names: Sequence[str],
    digest: str,
) -> str:
    query = "&".join(f"{name}={value}" for name, value in sorted((_quoted(n), _quoted(v)) for n, v in pairs))
    lines = [f"{name}:{' '.join(headers[name].split())}\n" for name in names]
    return "\n".join(
        (method, quote(unquote(path), safe="/-_.~"), query, "".join(lines), ";".join(names), digest)
    )


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


def _time(date: str) -> datetime:
    return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
