"""Clients' exceptions in the store's one vocabulary: which kind, what to do, and whether waiting helps."""

from __future__ import annotations

import errno
import ssl

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, SSLError
from obstore.exceptions import GenericError, PermissionDeniedError

from qhas.store.errors import ObjectMissing, StoreError, Taken, Trouble, Unsupported, trouble_of
from qhas.store.s3_errors import trouble_of as s3_trouble_of


def answered(status: int, code: str) -> ClientError:
    """The exception that botocore raises for an answer."""
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "PutObject")


def by_s3fs(error: Exception, translated: type[Exception]) -> Exception:
    """The exception that s3fs raises from botocore's."""
    try:
        raise translated(str(error)) from error
    except translated as made:
        return made


@pytest.mark.parametrize("reads", [trouble_of, s3_trouble_of])
@pytest.mark.parametrize(
    ("error", "kind", "passes"),
    [
        (FileNotFoundError(2, "No such file"), ObjectMissing, False),
        (FileExistsError("runs/a"), Taken, False),
        (NotImplementedError(), Unsupported, False),
        (PermissionError(13, "Permission denied"), StoreError, False),
        (OSError(errno.ENOSPC, "No space left on device"), StoreError, False),
        (ConnectionResetError(errno.ECONNRESET, "reset"), StoreError, True),
        (TimeoutError("late"), StoreError, True),
        (ssl.SSLCertVerificationError(1, "self-signed"), StoreError, False),
    ],
    ids=repr,
)
def test_pythons_own_errors_mean_the_same_everywhere(
    reads: object, error: Exception, kind: type[StoreError], passes: bool
) -> None:
    assert callable(reads)
    trouble = reads(error)
    assert isinstance(trouble, Trouble)
    assert (trouble.kind, trouble.passes) == (kind, passes)


@pytest.mark.parametrize(
    ("error", "kind", "words", "passes"),
    [
        (answered(503, "SlowDown"), StoreError, "the server answers 503 SlowDown", True),
        (by_s3fs(answered(403, "AccessDenied"), PermissionError), StoreError, "bucket's policy", False),
        (by_s3fs(answered(404, "NoSuchKey"), FileNotFoundError), ObjectMissing, "404", False),
        (by_s3fs(answered(404, "NoSuchBucket"), FileNotFoundError), StoreError, "no such bucket", False),
        (by_s3fs(answered(412, "PreconditionFailed"), OSError), Taken, "412", False),
        (FileNotFoundError("<Code>NoSuchBucket</Code>"), StoreError, "no such bucket", False),
        (GenericError("status code: 503, body <Code>SlowDown</Code>"), StoreError, "503 SlowDown", True),
        (GenericError("error sending request"), StoreError, "GenericError: error sending", True),
        (GenericError("status code: 400, body <Code>InvalidArgument</Code>"), StoreError, "400", False),
        (PermissionDeniedError("no\nDebug source: key"), StoreError, "bucket's policy", False),
        (NoCredentialsError(), StoreError, "set AWS_ACCESS_KEY_ID", False),
        (EndpointConnectionError(endpoint_url="http://x"), StoreError, "check AWS_ENDPOINT_URL", True),
        (SSLError(endpoint_url="https://x", error=ssl.SSLError(1, "bad")), StoreError, "SSLError", False),
    ],
    ids=lambda value: repr(value) if isinstance(value, Exception) else "",
)
def test_both_clients_of_s3_speak_one_vocabulary(
    error: Exception, kind: type[StoreError], words: str, passes: bool
) -> None:
    trouble = s3_trouble_of(error)
    assert (trouble.kind, trouble.passes) == (kind, passes)
    assert words in trouble.reason
    assert "\n" not in trouble.reason
