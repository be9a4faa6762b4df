"""What the store asks of s3fs beyond fsspec's common ground."""

from __future__ import annotations

from typing import Any

import fsspec

from qhas.patience import Patience


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
            **configured,
        },
    }


def settle(fs: Any) -> None:
    """Leave retries to the store, and let no write wait for a server's leave to begin."""
    from botocore.handlers import add_expect_header

    fs.retries = 1
    # aiohttp starts its clock when the body is sent: a server that never says "100 Continue" would be waited for for ever.
    fs.connect().meta.events.unregister("before-call.s3", add_expect_header)


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
