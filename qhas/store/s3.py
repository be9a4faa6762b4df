"""What the store asks of s3fs beyond fsspec's common ground."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from pathlib import Path
from typing import Any

import fsspec
from botocore.exceptions import ClientError

from qhas.store.patience import Patience

_MOST_REMOVED = 1000
"""Objects that S3 removes at one request."""


def is_s3(root: str) -> bool:
    """Whether a store's address leads to S3."""
    return root.startswith(("s3://", "s3a://"))


def s3_options(patience: Patience) -> dict[str, Any]:
    """How s3fs is to be made: no cached listings, which others outdate, and no retries of its own."""
    configured = fsspec.config.conf.get("s3", {}).get("config_kwargs", {})
    return {
        "skip_instance_cache": True,
        "use_listings_cache": False,
        "config_kwargs": {
            "retries": {"total_max_attempts": 1},
            "connect_timeout": patience.answer,
            "read_timeout": patience.answer,
            "max_pool_connections": 32,
            # Otherwise a checksum follows the body over https, which servers of some years ago refuse (Ceph 16 does). The
            # body is signed or goes over TLS in any case, and digests are our own.
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
            **configured,
        },
    }


def authorities(fs: Any) -> bytes | None:
    """Certificates to trust beside the system's, where AWS_CA_BUNDLE or the profile's `ca_bundle` names a file of them.

    Raises ValueError if it cannot be read.
    """
    bundle = fs.session.get_config_variable("ca_bundle")
    try:
        return Path(bundle).read_bytes() if bundle else None
    except OSError as error:
        raise ValueError(
            f"the certificates that AWS_CA_BUNDLE or ca_bundle names cannot be read ({error}); correct the path"
        ) from error


def settle(fs: Any) -> None:
    """Leave retries to the store, and let no write wait for a server's leave to begin. Raises ValueError."""
    from botocore.handlers import add_expect_header

    fs.retries = 1
    # aiohttp starts its clock when the body is sent: a server that never says "100 Continue" would be waited for for ever.
    fs.connect().meta.events.unregister("before-call.s3", add_expect_header)
    authorities(fs)  # refused now, and not in the middle of a run


def is_object(fs: Any, path: str) -> bool:
    """Whether the object is there, in one request."""
    bucket, key, _ = fs.split_path(path)
    try:
        fs.call_s3("head_object", Bucket=bucket, Key=key)
    except FileNotFoundError:
        return False
    return True


def put_if_absent(fs: Any, path: str, content: bytes, content_type: str) -> None:
    """Create an object. Raises FileExistsError where it is there, if the server knows conditions; else it writes."""
    bucket, key, _ = fs.split_path(path)
    request = {"Bucket": bucket, "Key": key, "Body": content, "ContentType": content_type}
    try:
        fs.call_s3("put_object", IfNoneMatch="*", **request)
    except OSError as error:
        if "NotImplemented" not in str(error.__cause__):
            raise
        fs.call_s3("put_object", **request)


def remove_objects(fs: Any, paths: Collection[str]) -> None:
    """Remove objects of a bucket, many a request; one that is not there is no error. Raises ClientError if one stays.

    s3fs's own removal takes no notice of what the server says of single objects.
    """
    left = iter(paths)
    while some := [fs.split_path(path) for path in islice(left, _MOST_REMOVED)]:
        objects = [{"Key": key} for _, key, _ in some]
        answer = fs.call_s3("delete_objects", Bucket=some[0][0], Delete={"Objects": objects, "Quiet": True})
        for refused in answer.get("Errors", ()):
            raise ClientError({"Error": refused}, "DeleteObjects")
