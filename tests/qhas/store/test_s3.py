"""What a store guarantees over the wire: small objects, listings, conditions and links."""

from __future__ import annotations

import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from fakes.s3 import Fault, MotoServer, S3Server, Wire, WireRule
from qhas.store import Store, StoreError
from tests.qhas.objects import keys_named
from tests.qhas.store.wired import struck

pytestmark = pytest.mark.xdist_group("s3")
REMOVALS = (("POST", "delete"), ("DELETE", ""))


def test_what_was_written_is_read_listed_and_deleted(s3: Store) -> None:
    for key in ("runs/a/x.json", "runs/a/deep/y.json", "runs/ab/x.json"):
        s3.write(key, key.encode())
    assert s3.read("runs/a/x.json") == b"runs/a/x.json"
    assert s3.exists("runs/a/x.json")
    assert not s3.exists("runs/a")
    assert keys_named(s3, "runs", "x.json") == ["runs/a/x.json", "runs/ab/x.json"]
    assert s3.children("runs") == ["a", "ab"]
    s3.delete("runs/a")
    s3.delete("runs/a")
    assert s3.children("runs") == ["ab"]
    assert s3.read("runs/a/x.json") is None


def test_objects_tell_their_size_and_when_they_were_written(s3: Store) -> None:
    s3.write("runs/a/x.json", b"1234")
    [found] = s3.objects("runs/a")
    assert (found.key, found.size) == ("runs/a/x.json", 4)
    assert found.modified is not None
    assert abs(datetime.now(UTC) - found.modified) < timedelta(minutes=1)


def test_another_writers_objects_are_seen_at_once(s3: Store, bucket: str) -> None:
    assert s3.children("runs") == []
    Store(s3.root).write("runs/a/x", b"1")
    assert s3.children("runs") == ["a"]
    assert s3.exists("runs/a/x")


@pytest.mark.slow
def test_more_objects_than_one_page_are_listed_and_removed(s3: Store, server: S3Server, bucket: str) -> None:
    client = server.client()
    with ThreadPoolExecutor(4) as threads:
        list(
            threads.map(
                lambda i: client.put_object(
                    Bucket=bucket, Key=f"{s3.root.removeprefix(f's3://{bucket}/')}/p/{i:04}", Body=b""
                ),
                range(1005),
            )
        )
    keys = [found.key for found in s3.objects("p")]
    assert keys == [f"p/{i:04}" for i in range(1005)]
    s3.remove([*keys, "p/never-there"])
    assert s3.objects("p") == []


@pytest.mark.parametrize("fault", [Fault.DENY, Fault.UNKNOWN])
def test_where_many_may_not_be_removed_at_once_each_is_by_itself(s3: Store, wire: Wire, fault: Fault) -> None:
    keys = [f"p/{number}" for number in range(3)]
    for key in keys:
        s3.write(key, b"x")
    wire.order(WireRule(fault, method="POST", part="delete", times=None))
    s3.remove([*keys, "p/never-there"])
    assert s3.objects("p") == []
    assert struck(wire) == [fault]


def test_who_may_remove_nothing_is_told_at_once(s3: Store, wire: Wire) -> None:
    keys = [f"p/{number}" for number in range(3)]
    for key in keys:
        s3.write(key, b"x")
    wire.order(*(WireRule(Fault.DENY, method=method, part=part, times=None) for method, part in REMOVALS))
    with pytest.raises(StoreError, match="may not do that"):
        s3.remove(keys)
    assert struck(wire) == [Fault.DENY, Fault.DENY]
    wire.order()
    assert len(s3.objects("p")) == 3


def test_small_objects_are_read_together_and_those_that_are_not_there_are_none(s3: Store, wire: Wire) -> None:
    keys = [f"runs/{number}" for number in range(50)]
    for key in keys[::2]:
        s3.write(key, key.encode())
    wire.order(WireRule(Fault.SLOW_DOWN, method="GET", after=20))
    assert s3.read_all(keys) == [key.encode() if number % 2 == 0 else None for number, key in enumerate(keys)]
    assert struck(wire) == [Fault.SLOW_DOWN]


def test_of_writers_at_once_one_creates_the_object(s3: Store) -> None:
    with ThreadPoolExecutor(12) as threads:
        won = list(threads.map(lambda i: s3.write("claim", b"%d" % i, only_if_absent=True), range(12)))
    assert won.count(True) == 1
    assert s3.read("claim") == b"%d" % won.index(True)


def test_a_creation_whose_answer_was_lost_counts_as_done(s3: Store, wire: Wire) -> None:
    wire.order(WireRule(Fault.LOSE_ANSWER, method="PUT"))
    assert s3.write("claim", b"mine", only_if_absent=True)
    assert struck(wire) == [Fault.LOSE_ANSWER]
    assert not s3.write("claim", b"theirs", only_if_absent=True)


def test_at_a_server_that_ignores_conditions_what_is_there_stays(
    s3: Store, server: S3Server, wire: Wire
) -> None:
    if not isinstance(server, MotoServer):
        pytest.skip("the header is signed: it can only be dropped before a server that checks no signature")
    wire.ignore_conditions = True
    try:
        assert s3.write("claim", b"mine", only_if_absent=True)
        assert not s3.write("claim", b"theirs", only_if_absent=True)
        assert s3.read("claim") == b"mine"
    finally:
        wire.ignore_conditions = False


def test_a_link_opens_without_credentials_until_it_expires(s3: Store) -> None:
    s3.write("reports/a/index.html", b"<html>")
    link = s3.link("reports/a/index.html", timedelta(minutes=5))
    assert link is not None
    with urllib.request.urlopen(link) as answer:
        assert answer.read() == b"<html>"
        assert answer.headers["Content-Type"] == "text/html"
    assert "Expires" in link
    assert "a-secret" not in link


def test_only_the_prefix_that_is_asked_for_is_listed(s3: Store, wire: Wire) -> None:
    s3.write("runs/a/x", b"1")
    wire.requests.clear()
    s3.children("runs")
    s3.objects("runs/a")
    s3.delete("runs/a")
    s3.exists("prepared/key/manifest.json")
    listings = [target for method, target, _ in wire.requests if "list-type" in target]
    assert listings
    assert all(f"prefix={s3.root.rpartition('/')[2]}%2Fruns%2F" in target for target in listings)


def test_reading_through_threads_while_others_write_is_never_a_part(s3: Store) -> None:
    versions = [bytes([65 + i]) * 2000 for i in range(5)]
    s3.write("k", versions[0])
    done = threading.Event()

    def write() -> None:
        for version in versions * 3:
            s3.write("k", version)
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    seen = set()
    while not done.is_set():
        seen.add(s3.read("k"))
    thread.join()
    assert seen <= set(versions)
