"""The links that a browser is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from qhas.runs.links import LinkMaker
from qhas.site import Links, Site
from qhas.store import Store

KEY = "runs/nightly-1/net/sm8750/default/chrometrace.json.gz"


def links(store: Store, **how: Any) -> LinkMaker:
    return LinkMaker(Site(links=Links(**how)), store)


@pytest.fixture
def local(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Store:
    """A bucket that no test contacts: links are signed locally."""
    for name, value in {
        "AWS_ENDPOINT_URL": "https://s3.lab",
        "AWS_ACCESS_KEY_ID": "KEYID",
        "AWS_SECRET_ACCESS_KEY": "a-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    return Store("s3://qhas/lab1")


def test_a_store_that_nobody_serves_has_no_links(local: Store) -> None:
    assert links(local).to(KEY) is None
    assert links(local, presigned_hours=5).to(KEY) is None
    assert links(local).in_perfetto(KEY) is None


def test_a_served_store_is_linked_below_its_address(local: Store) -> None:
    assert links(local, base="http://lab/qhas/").to(KEY) == f"http://lab/qhas/{KEY}"


def test_a_bucket_is_not_signed_unless_the_site_says_so(bucket: Store) -> None:
    assert links(bucket).to(KEY) is None


def test_a_signed_link_expires_when_the_site_says_and_holds_no_secret(bucket: Store) -> None:
    link = links(bucket, presigned_hours=5).to(KEY)
    assert link is not None
    assert urlsplit(link).netloc.endswith("s3.lab")
    assert "a-secret" not in link
    query = parse_qs(urlsplit(link).query)
    assert query.get("X-Amz-Expires") == ["18000"] or "Expires" in query


def test_perfetto_is_given_the_whole_link(bucket: Store) -> None:
    maker = links(bucket, presigned_hours=5)
    opened = maker.in_perfetto(KEY)
    assert opened is not None
    front, _, url = opened.partition("?url=")
    assert front == "https://ui.perfetto.dev/#!/"
    assert urlsplit(unquote(url)).path == urlsplit(maker.to(KEY) or "").path


def test_perfetto_cannot_fetch_without_tls(local: Store) -> None:
    assert links(local, base="http://lab").in_perfetto(KEY) is None


@pytest.mark.parametrize("base", ["ftp://lab", "https://user:password@lab", "lab"])
def test_an_address_that_no_browser_may_have_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="base"):
        Links(base=base)
