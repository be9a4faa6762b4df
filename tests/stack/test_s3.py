"""The stack's S3 server admits those who have its key, by header or by link, and no one else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from fakes.s3.server import S3Server
from infra.stack.signatures import Key
from infra.stack.stack import ROOT
from qhas.store import Store

pytestmark = [pytest.mark.xdist_group("stack-s3")]
ODD = "runs/a b+c/ü=&'(1).json"


class StackS3(S3Server):
    """The S3 server as the stack starts it."""

    def _start(self) -> None:
        argv = [sys.executable, "-m", "infra.stack.s3", str(self.port)]
        with (self._folder / "s3.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(argv, env=os.environ | self.environ(), cwd=ROOT, stdout=log, stderr=log)
            )

    def __enter__(self) -> Self:
        self._start()
        deadline = time.monotonic() + 600
        while not self._answers():
            assert time.monotonic() < deadline, (self._folder / "s3.log").read_text()
            time.sleep(0.1)
        return self

    def _answers(self) -> bool:
        try:
            return status(self.endpoint) == 403
        except OSError:
            return False

    def client_with(self, access: str, secret: str, version: str = "s3v4") -> Any:
        """Return a client with a different key."""
        return botocore.session.get_session().create_client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=access,
            aws_secret_access_key=secret,
            config=Config(
                retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, signature_version=version
            ),
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackS3]:
    with StackS3(tmp_path_factory.mktemp("s3")) as server:
        server.client().create_bucket(Bucket="lab")
        server.client().put_object(Bucket="lab", Key=ODD, Body=b"whole")
        yield server


def status(url: str, method: str = "GET", **headers: str) -> int:
    """Send a request unchanged; return the status of the response."""
    return answer(url, method, **headers)[0]


def answer(url: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    """Do what `status` does; return the body as well."""
    asked = urllib.request.Request(url, headers=headers, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=600) as answer:
            return int(answer.status), answer.read()
    except HTTPError as refused:
        return refused.code, refused.read()


@pytest.mark.parametrize("access", [S3Server.access_key, "QHASOTHERKEY"])
def test_a_wrong_key_reads_and_writes_nothing(server: StackS3, access: str) -> None:
    stranger = server.client_with(access, "guessed")
    for call in (
        lambda: stranger.list_buckets(),
        lambda: stranger.get_object(Bucket="lab", Key=ODD),
        lambda: stranger.put_object(Bucket="lab", Key="mine", Body=b"x"),
        lambda: stranger.delete_object(Bucket="lab", Key=ODD),
    ):
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["Error"]["Code"] == "AccessDenied"
    assert server.client().get_object(Bucket="lab", Key=ODD)["Body"].read() == b"whole"


@pytest.mark.parametrize("path", ["", "/lab", "/lab/x", "/moto-api/", "/moto-api/data.json", "//lab/x"])
def test_nobody_comes_in_without_a_key(server: StackS3, path: str) -> None:
    assert status(server.endpoint + path) == 403


@pytest.mark.parametrize("path", ["/moto-api/reset", "/moto-api/reset-auth", "/lab?delete", "/lab/mine"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nobody_changes_anything_without_a_key(server: StackS3, method: str, path: str) -> None:
    assert status(server.endpoint + path, method) == 403


BEFORE = {"Origin": "https://ui.perfetto.dev", "Access-Control-Request-Method": "PUT"}


@pytest.mark.parametrize(
    "path",
    ["", "/", "//", "/lab", "/moto-api/recorder/", "/moto-api/seed?a=1", "/moto-api/config"],
)
def test_a_browsers_first_question_is_about_an_object_or_refused(server: StackS3, path: str) -> None:
    assert status(server.endpoint + path, "OPTIONS", **BEFORE) == 403


@pytest.mark.parametrize("path", ["start-recording", "download-recording"])
def test_a_browsers_first_question_reaches_nothing_of_motos_own(server: StackS3, path: str) -> None:
    assert answer(f"{server.endpoint}/moto-api/recorder/{path}", "OPTIONS", **BEFORE) == (403, b"")


@pytest.mark.parametrize(
    "named",
    [
        {"Authorization": "AWS4-HMAC-SHA256 Credential=A/2/us-east-1/dynamodb/aws4_request, a, b"},
        {"X-Amz-Target": "DynamoDB_20120810.ListTables"},
    ],
    ids=lambda named: next(iter(named)),
)
def test_a_browsers_first_question_reaches_no_service_beside_s3(
    server: StackS3, named: dict[str, str]
) -> None:
    assert answer(f"{server.endpoint}/lab/x", "OPTIONS", **BEFORE, **named)[1] == b""


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_signed_link_opens_its_object_and_no_other(server: StackS3, version: str) -> None:
    for name in ("mine", "other"):
        server.client().put_object(Bucket="lab", Key=name, Body=name.encode())
    client = server.client_with(server.access_key, server.secret_key, version)
    link = client.generate_presigned_url("get_object", {"Bucket": "lab", "Key": "mine"}, ExpiresIn=60)
    assert status(link) == 200
    assert status(link.replace("/lab/mine", "/lab/other")) == 403
    assert status(link, "DELETE") == 403
    assert status(f"{link}&acl") == 403


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_link_ends_when_it_says(server: StackS3, version: str) -> None:
    client = server.client_with(server.access_key, server.secret_key, version)
    link = urlsplit(client.generate_presigned_url("get_object", {"Bucket": "lab", "Key": "k"}, ExpiresIn=60))
    key, headers = Key(server.access_key, server.secret_key), {"host": link.netloc}
    target, now = f"{link.path}?{link.query}", datetime.now(UTC)
    assert key.signed("GET", target, headers, now)
    assert not key.signed("GET", target, headers, now + timedelta(seconds=90))


def test_a_link_of_another_key_opens_nothing(server: StackS3) -> None:
    for version in ("s3v4", "s3"):
        stranger = server.client_with(server.access_key, "guessed", version)
        link = stranger.generate_presigned_url("get_object", {"Bucket": "lab", "Key": ODD}, ExpiresIn=60)
        assert status(link) == 403


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic x", "AWS4-HMAC-SHA256 Credential=, SignedHeaders=, Signature=", "AWS QHASTESTKEY:x", "ü"],
)
def test_a_header_that_is_no_signature_is_refused(server: StackS3, authorization: str) -> None:
    key = Key(server.access_key, server.secret_key)
    assert not key.signed("GET", "/lab", {"host": "x", "authorization": authorization})


@pytest.mark.parametrize(
    "query", ["X-Amz-Date=99999999T999999Z", "AWSAccessKeyId=QHASTESTKEY", "X-Amz-Expires=1e9"]
)
def test_a_link_that_is_none_is_refused(server: StackS3, query: str) -> None:
    assert not Key(server.access_key, server.secret_key).signed("GET", f"/lab?{query}", {"host": "x"})


def test_a_browser_may_ask_first_whether_it_may_read(server: StackS3) -> None:
    asked = BEFORE | {"Access-Control-Request-Method": "GET"}
    assert status(f"{server.endpoint}/lab/x", "OPTIONS", **asked) != 403


def test_the_store_works_with_the_key(server: StackS3, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environ().items():
        monkeypatch.setenv(name, value)
    store = Store("s3://lab/nightly")
    store.write("runs/r1/a.json", b"x" * (9 << 20))
    assert store.read("runs/r1/a.json") == b"x" * (9 << 20)
    assert status(store.link("runs/r1/a.json") or "") == 200
    assert list(store.objects("runs"))
