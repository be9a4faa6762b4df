"""The timeline record is read back intact, and never used for a cache record other than its own."""

import json
import zipfile
from dataclasses import replace

import pytest

from hostsdk import socs
from hostsdk.dlc.dlc import Dlc, timeline_record
from hostsdk.dlc.timeline_record import Timeline, label, read_timeline
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.events import Event, Unit

OBJECT = Event("trace", 600, 0, Unit.OBJECT, payload=b"\x00\xff{}")
EVENTS = (Event("total", 300, 7, Unit.MICROSECONDS, (Event("part", 0, 3, Unit.CYCLES),)), OBJECT)


@pytest.fixture
def dlc(tmp_path) -> Dlc:
    path = tmp_path / "a.dlc"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model", b"network")
        archive.writestr("htp.cache.sa8255.0", b"cache")
    return Dlc(path)


@pytest.fixture
def timeline(dlc) -> Timeline:
    return Timeline(
        "graph", 1, 2, EVENTS, cache_sha256=dlc.digest("htp.cache.sa8255.0"), schematic_sha256="s"
    )


def test_it_is_read_back_with_its_events_and_blob(dlc, timeline):
    dlc.append(timeline_record("sa8255"), timeline.encode())
    assert read_timeline(dlc, "sa8255") == timeline


def test_one_made_for_another_cache_record_is_not_used(dlc, timeline):
    dlc.append(timeline_record("sa8255"), replace(timeline, cache_sha256="0" * 64).encode())
    assert read_timeline(dlc, "sa8255") is None


def test_a_container_without_one_has_none(dlc):
    assert read_timeline(dlc, "sa8255") is None


@pytest.mark.parametrize("content", [b"", b"garbage", Timeline("g", 1, 2, (), "c", "s").encode()[:-5]])
def test_a_damaged_one_is_refused(content):
    with pytest.raises(ToolError) as caught:
        Timeline.decode(content)
    assert caught.value.code is ErrorCode.INVALID_RECORD


@pytest.mark.parametrize(("name", "estimate"), [("sa8255", "supported"), ("sm8750", "unsupported")])
def test_the_label_says_that_it_is_an_estimate_and_whether_the_vendor_stands_behind_it(name, estimate):
    made = label(socs.find(name, "test"), "graph", "digest", {"dlbc": False}, "v1")
    assert (made["origin"], made["soc"], made["estimate"]) == ("simulator", name, estimate)
    assert "not measured on a device" in made["statement"]
    assert ("does not support" in made["statement"]) == (estimate == "unsupported")
    assert json.loads(json.dumps(made)) == made
