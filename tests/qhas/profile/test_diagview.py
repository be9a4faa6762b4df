"""Single times are found by name in snpe-diagview's table, never guessed, and make up the latency."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.sdk.toolchain import diagnostics
from qhas.profile.diagview import (
    Averages,
    LatencyInvalid,
    Samples,
    Series,
    latency,
    read_averages,
    read_samples,
    series_of,
    spread_percent,
)
from qhas.profile.metrics import Latency
from tests.fuzz.fuzzing import bounded

VENDOR = Path(__file__).parents[3] / ".." / "shared" / "data" / "vendor"
TITLES = "Message Timestamp,Message,Time,Unit of Measurement,Timing Source,Event Level"


def table(*rows: str, titles: str = TITLES) -> str:
    return "\n".join([titles, *rows]) + "\n"


def totals(*times: object, unit: str = "US") -> str:
    rows = (f"{number},Total Inference Time,{time},{unit},SNPE,ROOT" for number, time in enumerate(times))
    return table("0,Init,23300,US,SNPE,ROOT", *rows)


def samples(*times: float) -> Samples:
    return Samples({Series.TOTAL: times})


def test_every_inference_is_a_sample_in_the_order_of_the_table() -> None:
    assert read_samples(totals(900, 700, 800), expected=3).values_us == (900.0, 700.0, 800.0)


@pytest.mark.parametrize(
    ("unit", "microseconds"),
    [("US", 1500), ("us", 1500), ("usec", 1500), ("µs", 1500), ("MS", 1_500_000), ("ns", 1.5), ("NSEC", 1.5)],
)
def test_every_unit_of_time_becomes_microseconds(unit: str, microseconds: float) -> None:
    assert read_samples(totals(1500, unit=unit)).values_us == pytest.approx((microseconds,))


@pytest.mark.parametrize(
    "text",
    [
        table("SNPE,US,12,Total Inference Time", titles="Timing Source,UNIT,time,message name"),
        table("Total Inference Time,12", titles="Message,Time (us)"),
        table("Total Inference Time,0.012", titles="Event_Name,Time [ms]"),
        table("Total Inference Time,12 us", titles="Message,Time"),
        table(
            '1,"Total Inference Time [NetRun]:",12,US,SNPE,ROOT,"new, column"', titles=f"{TITLES},Identifier"
        ),
        table(' "1", TOTAL INFERENCE TIME , 12 , us , SNPE , ROOT '),
        "SNPE diagnostics,version 2\n\n" + totals(12),
        "\ufeff" + table("Total Inference Time,12,us", titles="Message,Time,Unit"),
        totals(12).replace("\n", "\r\n"),
    ],
    ids=[
        "other order and case",
        "unit in the title",
        "milliseconds in the title",
        "unit beside the figure",
        "more columns",
        "blanks",
        "lines before the titles",
        "byte order mark",
        "line ends",
    ],
)
def test_columns_are_found_by_name(text: str) -> None:
    assert read_samples(text).values_us == pytest.approx((12.0,))


def test_further_titles_change_the_columns() -> None:
    text = table("Total Inference Time,12,us", titles="Message,Time,Unit") + table(
        "us,13,Total Inference Time", titles="Unit,Time,Message"
    )
    assert read_samples(text).values_us == (12.0, 13.0)


def test_total_time_is_preferred_and_the_other_series_are_kept() -> None:
    text = table(
        "1,Forward Propagate Time,90,US,SNPE,SUB-EVENT",
        "1,RPC Execute Time,80,US,SNPE,SUB-EVENT",
        "1,Total Inference Time,100,US,SNPE,ROOT",
        "1,Accelerator Time,70,US,SNPE,SUB-EVENT",
    )
    read = read_samples(text)
    assert (read.chosen, read.values_us) == (Series.TOTAL, (100.0,))
    assert read.series == {
        Series.TOTAL: (100.0,),
        Series.FORWARD: (90.0,),
        Series.RPC: (80.0,),
        Series.ACCELERATOR: (70.0,),
    }


def test_without_a_total_the_forward_time_is_taken_and_named() -> None:
    read = read_samples(table("1,Forward Propagate Time,90,US,SNPE,ROOT"))
    assert latency(read, 0, "burst", "SNPEDiag_0.log").source == "Forward Propagate Time of SNPEDiag_0.log"


def test_accelerator_figures_in_cycles_are_no_times_and_left_out() -> None:
    text = table("1,Accelerator Time,7000,CYCLES,SNPE,ROOT", "1,Total Inference Time,100,US,SNPE,ROOT")
    assert read_samples(text).series == {Series.TOTAL: (100.0,)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no row of titles"),
        ("not a table at all", "no row of titles"),
        (TITLES, "no row 'Total Inference Time' or 'Forward Propagate Time'"),
        (table("1,Accelerator Time,70,US,SNPE,ROOT"), "no row 'Total Inference Time'"),
        (
            totals(12, unit="CYCLES"),
            "Line 3 of the table of snpe-diagview has '12 CYCLES' where a time is expected",
        ),
        (totals(12, unit=""), "'12' where a time is expected"),
        (totals("nan"), "'nan US'"),
        (totals("inf"), "'inf US'"),
        (totals("-5"), "'-5 US'"),
        (totals(0), "'0 US'"),
        (totals("1,234"), "'1 234'"),
        (totals("9" * 400), "where a time is expected"),
        (totals(12, 13)[:-12], "Line 4 of the table of snpe-diagview is cut off"),
        (totals(12, 13), "has 2 times of 3 inferences"),
    ],
)
def test_what_is_no_latency_is_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(LatencyInvalid) as refusal:
        read_samples(text, expected=3 if "of 3" in said else 1)
    assert said in str(refusal.value)
    assert str(refusal.value).endswith(".")


@given(
    st.text()
    | st.text(alphabet='Total Inference Time,12us\n"', max_size=80).map(lambda text: TITLES + "\n" + text)
)
def test_any_text_is_samples_or_refused(text: str) -> None:
    try:
        read = read_samples(text)
    except LatencyInvalid:
        return
    assert all(value > 0 and math.isfinite(value) for value in read.values_us)


@given(
    st.lists(st.integers(1, 10**9), min_size=1, max_size=20),
    st.permutations(["Message", "Time", "Unit of Measurement", "Timing Source", "Event Level", "Spare"]),
)
def test_any_order_of_columns_makes_a_round_trip(times: list[int], titles: list[str]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, titles, restval="x, y")
    writer.writeheader()
    for time in times:
        writer.writerow({"Message": Series.TOTAL, "Time": time, "Unit of Measurement": "US"})
    assert read_samples(text.getvalue(), len(times)).values_us == tuple(map(float, times))


@pytest.fixture
def diagview(tmp_path: Path) -> tuple[str, str]:
    """The text and the table that the fake snpe-diagview prints for three inferences."""
    log = {
        "version": "2.45",
        "graph": "net",
        "soc": "sm8750",
        "total_us": [900, 700, 800],
        "graph_us": [90, 70, 80],
    }
    (tmp_path / "log").write_text(json.dumps(log))
    read = diagnostics._read(tmp_path / "log")
    return diagnostics._report(read), diagnostics._table(read)


def test_the_fake_tools_table_is_read(diagview: tuple[str, str]) -> None:
    assert read_samples(diagview[1], 3).series == {
        Series.TOTAL: (900.0, 700.0, 800.0),
        Series.FORWARD: (90.0, 70.0, 80.0),
    }


def test_means_are_no_samples_and_say_so(diagview: tuple[str, str]) -> None:
    averages = read_averages(diagview[0])
    assert averages == Averages({Series.TOTAL: 800.0, Series.FORWARD: 80.0})
    assert str(averages) == (
        "This SDK's snpe-diagview gives averages only, warm-ups included: "
        "Total Inference Time 800 us, Forward Propagate Time 80 us."
    )
    with pytest.raises(LatencyInvalid):
        read_samples(diagview[0])


@pytest.mark.parametrize(
    ("text", "mean_us"),
    [
        ("Total Inference Time: 1234 us", 1234),
        ("  total inference time [NetRun] : 1.5 ms\r\n", 1500),
    ],
)
def test_means_are_microseconds(text: str, mean_us: float) -> None:
    assert read_averages(text) == Averages({Series.TOTAL: mean_us})


@pytest.mark.parametrize("gap", ["\n", "\r\n", "\n\n  "])
def test_a_count_without_a_unit_takes_none_from_the_next_line(gap: str) -> None:
    averages = read_averages(f"  Num times yield occurred: 0{gap}  Accelerator Time: 59 us\n")
    assert averages == Averages({Series.ACCELERATOR: 59})


@pytest.mark.skipif(not VENDOR.exists(), reason="the vendor's files are not there")
def test_every_mean_of_the_vendor_s_text_is_read() -> None:
    averages = read_averages((VENDOR / "diagview-2.37-dsp.txt").read_text())
    assert averages
    assert [averages.series[series] for series in Series] == [1328, 1315, 290, 59, 250]


@pytest.mark.parametrize(
    "text", ["", "Init: 900 us", "Total Inference Time: 12 cycles", "Total Inference Time: x us"]
)
def test_text_without_means_gives_none(text: str) -> None:
    assert read_averages(text) is None


@given(st.text() | st.text(alphabet="Total Inference Time: 12us\n", max_size=60))
def test_any_text_has_means_or_none(text: str) -> None:
    averages = read_averages(text)
    assert averages is None or averages.series


def test_a_latency_leaves_the_warm_ups_out() -> None:
    assert latency(samples(900, 10, 30, 20), 1, "burst", "SNPEDiag_0.log") == Latency(
        samples_us=[10, 30, 20],
        median_us=20,
        p90_us=30,
        min_us=10,
        warmups=1,
        perf_profile="burst",
        source="Total Inference Time of SNPEDiag_0.log",
    )


@pytest.mark.parametrize(("count", "p90"), [(1, 1), (2, 2), (9, 9), (10, 9), (11, 10), (20, 18), (30, 27)])
def test_the_90th_percentile_is_a_sample_by_nearest_rank(count: int, p90: int) -> None:
    assert latency(samples(*range(count, 0, -1)), 0, "burst").p90_us == p90


@given(st.lists(st.floats(0.001, 1e9), min_size=1), st.integers(0, 5))
def test_the_figures_of_any_samples_are_in_order(times: list[float], warmups: int) -> None:
    made = latency(samples(*[1.0] * warmups, *times), warmups, "burst")
    assert made.samples_us == times
    assert made.min_us <= made.median_us <= max(times)
    assert made.p90_us in times
    assert sum(time <= made.p90_us for time in times) >= 0.9 * len(times)


@pytest.mark.parametrize("count", [1, 3])
def test_nothing_left_after_the_warm_ups_is_refused(count: int) -> None:
    with pytest.raises(LatencyInvalid, match=rf"{count} inferences were timed; after 3 warm-ups none remain"):
        latency(samples(*[5.0] * count), 3, "burst")


def test_the_spread_is_from_minimum_to_90th_percentile_in_percent_of_the_median() -> None:
    assert spread_percent(latency(samples(90, 100, 110), 0, "burst")) == pytest.approx(20.0)
    assert spread_percent(latency(samples(7), 0, "burst")) == 0


@pytest.mark.parametrize(
    "line", [" " * 100_000, "\t" * 100_000, "Total Inference Time" + " " * 100_000, "[" * 100_000]
)
def test_a_line_of_any_length_is_read_once(line: str) -> None:
    assert read_averages(f"{line}\nTotal Inference Time [NetRun]: 12 us\n") == Averages({Series.TOTAL: 12.0})


@pytest.mark.parametrize("message", [" " * 400_000 + "x", "\t [" * 100_000, "[" * 400_000])
def test_a_message_of_any_length_is_read_once(message: str) -> None:
    with bounded():
        assert series_of(message) is None
        assert series_of(f"Total Inference Time {message[:-1]} [NetRun]") in (Series.TOTAL, None)
