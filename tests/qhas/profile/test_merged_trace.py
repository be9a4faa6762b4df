"""Two traces merged into one file, as Perfetto itself reads it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from fakes.profiles import EVENTS, chrometrace, counter_event, op_event
from qhas.profile.merged_trace import Side, merge_traces
from qhas.profile.trace import TraceInvalid
from tests.judges import perfetto

NAMED = [
    json.dumps({"ph": "M", "pid": pid, "name": "process_name", "args": {"name": name}})
    for pid, name in ((0, "Core 0 Overview"), (1, "QNN::conv"), (2, "QNN::add"))
]


def sides(tmp_path: Path, before: str, after: str) -> list[Side]:
    (tmp_path / "a.json").write_text(before)
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(after.encode()))
    return [Side("A one", tmp_path / "a.json"), Side("B two", tmp_path / "b.json.gz")]


def events(path: Path) -> list[dict[str, object]]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return json.loads(content)["traceEvents"]  # type: ignore[no-any-return]


def test_perfetto_shows_every_slice_of_both_under_named_processes(tmp_path: Path) -> None:
    merged = tmp_path / "both.json.gz"
    merge_traces(sides(tmp_path, chrometrace([*EVENTS, *NAMED]), chrometrace([*EVENTS, *NAMED])), merged)
    assert perfetto.import_errors(merged) == {}
    sql = (
        "select process.name as process, count(*) as slices from slice join thread_track on slice.track_id = thread_track.id "
        "join thread using (utid) join process using (upid) group by 1 order by 1"
    )
    shown = {row["process"]: row["slices"] for row in perfetto.query(merged, sql)}
    assert shown == {
        f"{side}: {name}": slices
        for side in ("A one", "B two")
        for name, slices in (("Core 0 Overview", 3), ("QNN::conv", 1), ("QNN::add", 1))
    }
    assert "Core:0 Type: HMX Tid: 256" in perfetto.thread_names(merged)


def test_processes_of_one_name_stand_together_and_arrows_stay_on_their_side(tmp_path: Path) -> None:
    other = [NAMED[0], NAMED[2].replace('"pid": 2', '"pid": 1'), NAMED[1].replace('"pid": 1', '"pid": 2')]
    merge_traces(
        sides(tmp_path, chrometrace([*EVENTS, *NAMED]), chrometrace([*EVENTS, *other])), tmp_path / "c.json"
    )
    told = events(tmp_path / "c.json")
    names = {each["pid"]: each["args"]["name"] for each in told if each["name"] == "process_name"}  # type: ignore[index]
    order = {each["pid"]: each["args"]["sort_index"] for each in told if each["name"] == "process_sort_index"}  # type: ignore[index]
    assert [names[pid] for pid in sorted(order, key=lambda pid: order[pid])] == [
        f"{side}: {name}"
        for name in ("Core 0 Overview", "QNN::conv", "QNN::add")
        for side in ("A one", "B two")
    ]
    arrows = [(each["ph"], each["id"]) for each in told if "id" in each]
    assert len(set(arrows)) == len(arrows) == 4


def test_a_merged_trace_has_every_event_of_both(tmp_path: Path) -> None:
    both = sides(tmp_path, chrometrace(), chrometrace([op_event(ts=7, pid=0), counter_event()]))
    merge_traces(both, tmp_path / "c.json")
    count = sum(len(events(side.path)) for side in both)
    numbered = [
        each
        for each in events(tmp_path / "c.json")
        if each["name"] not in ("process_name", "process_sort_index")
    ]
    assert len(numbered) == count
    assert perfetto.slice_count(tmp_path / "c.json") == 6


def test_sides_whose_clocks_are_known_stand_on_one_axis_of_microseconds(tmp_path: Path) -> None:
    both = sides(
        tmp_path, chrometrace([op_event(ts=1000, dur=500)]), chrometrace([op_event(ts=1000, dur=500)])
    )
    clocked = [side._replace(clock_mhz=clock) for side, clock in zip(both, (1000.0, 2000.0), strict=True)]
    merge_traces(clocked, tmp_path / "c.json")
    times = [(each["ts"], each["dur"]) for each in events(tmp_path / "c.json") if each["ph"] == "X"]
    assert times == [(1, 0.5), (0.5, 0.25)]
    statement = json.loads((tmp_path / "c.json").read_text())["header"]["statement"]
    assert statement == "Merged by qhas; ts and dur are microseconds at 1,000 MHz and 2,000 MHz."


def test_with_one_clock_unknown_both_sides_stay_in_cycles(tmp_path: Path) -> None:
    one, other = sides(
        tmp_path, chrometrace([op_event(ts=1000, dur=500)]), chrometrace([op_event(ts=1000, dur=500)])
    )
    merge_traces([one._replace(clock_mhz=1000.0), other], tmp_path / "c.json")
    assert [each["ts"] for each in events(tmp_path / "c.json") if each["ph"] == "X"] == [1000, 1000]
    assert "HTP cycles" in json.loads((tmp_path / "c.json").read_text())["header"]["statement"]


def test_a_damaged_trace_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TraceInvalid, match=r"b\.json\.gz is cut off"):
        merge_traces(sides(tmp_path, chrometrace(), chrometrace()[:-30]), tmp_path / "c.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.json.gz"]


@pytest.mark.parametrize("name", ["</script>", "\x1b[31mred", "a\nb"])
def test_names_are_one_line_of_text(tmp_path: Path, name: str) -> None:
    both = [Side(name, side.path) for side in sides(tmp_path, chrometrace(), chrometrace())]
    merge_traces(both, tmp_path / "c.json")
    labels = json.loads((tmp_path / "c.json").read_text())["header"]["traces"]
    assert all("\n" not in label and "\x1b" not in label for label in labels)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pid", {"a": 1}),
        ("pid", [1]),
        ("pid", None),
        ("pid", "x\n" * 100),
        ("id", 2**63 - 1),
        ("id", 2**64 - 1),
        ("id", {}),
    ],
)
def test_numbers_that_are_none_or_too_large_are_kept_apart_all_the_same(
    key: str, value: object, tmp_path: Path
) -> None:
    odd = json.dumps({"ph": "s", "pid": 0, "tid": 1, "ts": 1, "name": "flow", "id": 1} | {key: value})
    merged = tmp_path / "both.json"
    merge_traces(sides(tmp_path, chrometrace([*EVENTS, odd]), chrometrace([*EVENTS, odd])), merged)
    flows = [event for event in events(merged) if event["ph"] == "s" and event["name"] == "flow"]
    assert len({json.dumps([flow["pid"], flow["id"]]) for flow in flows}) == 2
