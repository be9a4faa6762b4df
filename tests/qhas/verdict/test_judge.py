"""A run judged against the history in a store: verdicts with their sentences."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from fakes.records import MOMENT, latency, spec
from qhas.devices.facts import DeviceFacts
from qhas.history import Rerun, Where, append, read_history, read_reruns, write_reruns
from qhas.profile.accuracy import Accuracy, OutputAccuracy, accuracy_of
from qhas.profile.figures import (
    COSINE,
    CYCLES,
    DRAM_READ,
    FORMAT_CHANGES,
    JUDGED,
    LATENCY,
    REFERENCE_OPS,
    SQNR,
    TIME,
    WARM,
    Figure,
)
from qhas.profile.language_figures import LANGUAGE_FIGURES
from qhas.runs.record import CellRecord, Origin
from qhas.site.sdk import SdkKind
from qhas.store import Store
from qhas.verdict import CellVerdict, Verdict, headlines
from qhas.verdict.judge import MOST_RERUNS, judge_again, judge_run, look_at_part, suspects
from qhas.verdict.stored import read_verdicts
from tests.qhas.nights import GRAPH, day, on_phone, run_of, simulated, wobbling

OF_AN_ONNX = (COSINE, SQNR)
OF_OTHERS = (*OF_AN_ONNX, *LANGUAGE_FIGURES)
"""Figures that a cell of a DLC does not have."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A local store; what all stores have in common is tested elsewhere."""
    return Store(str(tmp_path))


def after_steady_nights(store: Store, *cells: CellRecord, nights: int = 15) -> list[CellVerdict]:
    """The verdicts on a run of these cells after steady nights of a phone and a simulated SoC."""
    for night in range(nights):
        append(store, run_of(night), [on_phone(night, wobbling(night)), simulated(night)])
    return judge_run(store, run_of(nights), cells)


def of(verdicts: list[CellVerdict], metric: Figure) -> CellVerdict:
    return next(one for one in verdicts if one.metric is metric)


def near(cosine: float, sqnr_db: float, inferences: int = 1) -> Accuracy:
    output = OutputAccuracy(name="y", shape=(1, 10), cosine=cosine, sqnr_db=sqnr_db, max_abs_error=0.1)
    return accuracy_of([output], None, "aa", "onnxruntime 1.24.0", inferences=inferences)


def test_accuracy_that_falls_is_news_and_what_hosts_differ_by_is_none(store: Store) -> None:
    for night, accuracy in enumerate((near(0.998, 25.01), near(0.9980000001, 25.02), near(0.97, 12.5))):
        append(store, run_of(night), [simulated(night).model_copy(update={"accuracy": accuracy})])
    (before, after) = (judge_again(store, run_of(night)) for night in (1, 2))
    assert {of(before, figure).verdict for figure in OF_AN_ONNX} == {Verdict.STEADY}
    assert {of(after, figure).verdict for figure in OF_AN_ONNX} == {Verdict.NEW}
    assert "cosine −2.8 % (0.99800 → 0.97000)" in of(after, COSINE).sentence


def test_accuracy_over_more_inputs_is_no_fall_of_that_over_fewer(store: Store) -> None:
    nights = (near(0.998, 25.0), near(0.97, 12.5, inferences=8), near(0.96, 11.0, inferences=8))
    for night, accuracy in enumerate(nights):
        append(store, run_of(night), [simulated(night).model_copy(update={"accuracy": accuracy})])
    (more, worse) = (judge_again(store, run_of(night)) for night in (1, 2))
    assert {of(more, figure).verdict for figure in OF_AN_ONNX} == {Verdict.INSUFFICIENT_DATA}
    assert {of(worse, figure).verdict for figure in OF_AN_ONNX} == {Verdict.NEW}


def test_every_figure_of_a_cell_is_judged_and_stored(store: Store) -> None:
    found = after_steady_nights(store, on_phone(15, 1004.0), simulated(15))
    assert {(one.origin, one.metric) for one in found} == {
        (Origin.DEVICE, figure)
        for figure in JUDGED.values()
        if figure not in (TIME, CYCLES, WARM, *OF_OTHERS)
    } | {
        (Origin.SIMULATOR, figure) for figure in JUDGED.values() if figure not in (LATENCY, WARM, *OF_OTHERS)
    }
    assert {one.verdict for one in found} == {Verdict.STEADY}
    assert read_verdicts(store, "night-015") == found


def test_a_slower_phone_is_suspicious_in_a_sentence_with_its_figures(store: Store) -> None:
    one = of(after_steady_nights(store, on_phone(15, 1080.0)), LATENCY)
    assert (one.verdict, one.value, one.device, one.points) == (Verdict.SUSPICIOUS, 1080.0, "one", 15)
    assert one.baseline == pytest.approx(1001, abs=2)
    assert one.change_percent == pytest.approx(7.9, abs=0.3)
    assert one.sentence.startswith("net on sm8750: latency +8.0 % (1,000 µs → 1,080 µs); nights vary by ")
    assert "the prepared graph is byte-identical" in one.sentence


def test_a_stored_re_run_confirms_and_judging_again_replaces(store: Store) -> None:
    slow = on_phone(35, 1080.0)
    after_steady_nights(store, slow, nights=35)
    rerun = Rerun(
        cell=slow.cell.key,
        taken_at=slow.finished_at + timedelta(minutes=40),
        device=DeviceFacts(name="two", soc="sm8750", transport="adb", address="adb:two"),
        latency=latency(1081, 1082, 1083),
    )
    write_reruns(store, "night-035", {slow.cell.key: rerun})
    one = of(judge_run(store, run_of(35), [slow]), LATENCY)
    assert (one.verdict, one.since_run, one.since) == (Verdict.NEW, "night-035", day(35))
    assert "since 2026-04-05; confirmed by a re-run on two" in one.sentence
    assert len(read_history(store, Where(), ["run_id"])) == 2 * 35 + 1


def test_a_re_run_of_a_cell_that_was_profiled_anew_does_not_count(store: Store) -> None:
    slow = on_phone(15, 1080.0)
    rerun = Rerun(cell=slow.cell.key, taken_at=slow.finished_at - timedelta(hours=1), latency=latency(1080))
    write_reruns(store, "night-015", {slow.cell.key: rerun})
    assert of(after_steady_nights(store, slow), LATENCY).verdict is Verdict.SUSPICIOUS


def test_re_runs_of_every_site_count(store: Store) -> None:
    cells = [on_phone(35, 1080.0), simulated(35)]
    for cell, site in zip(cells, ("north", None), strict=True):
        again = cell.finished_at + timedelta(minutes=40)
        write_reruns(
            store,
            "night-035",
            {cell.cell.key: Rerun(cell=cell.cell.key, taken_at=again, latency=latency(1081))},
            site,
        )
    assert set(read_reruns(store, "night-035", cells)) == {cell.cell.key for cell in cells}


def test_a_part_of_a_run_is_looked_at_before_its_end_and_nothing_is_written(store: Store) -> None:
    after_steady_nights(store, on_phone(15, 1004.0))  # an earlier attempt at the same run
    before = sorted(one.key for one in store.objects("history"))
    found = look_at_part(store, run_of(15, finished_at=None), [on_phone(15, 1080.0)])
    assert of(found, LATENCY).verdict is Verdict.SUSPICIOUS
    assert of(read_verdicts(store, "night-015"), LATENCY).verdict is Verdict.STEADY
    assert sorted(one.key for one in store.objects("history")) == before


def test_a_simulated_difference_is_new_on_the_first_night_and_names_what_else_changed(store: Store) -> None:
    changed = simulated(
        15,
        figures={"time_us": 1372, "format_changes": 3},
        prepared=GRAPH.model_copy(update={"sha256": "c" * 64}),
        sdk={"kind": SdkKind.VENDOR, "version": "2.46.0"},
    )
    found = after_steady_nights(store, changed)
    time, formats = of(found, TIME), of(found, FORMAT_CHANGES)
    assert (time.verdict, time.baseline, time.value) == (Verdict.NEW, 1371, 1372)
    assert time.sentence == (
        "net on sa8255: estimated time +0.1 % (1,371 µs → 1,372 µs) since 2026-03-16; SDK 2.45.0 → 2.46.0."
    )
    assert formats.change_percent == 50
    assert of(found, CYCLES).verdict is Verdict.STEADY


def test_the_first_night_says_so(store: Store) -> None:
    found = judge_run(store, run_of(0), [on_phone(0, 1000.0), simulated(0)])
    assert {one.verdict for one in found} == {Verdict.INSUFFICIENT_DATA}
    one = of(found, LATENCY)
    assert (
        one.sentence == "net on sm8750: latency 1,000 µs, night 1 with this SDK and device, too few to judge."
    )


def test_runs_of_other_sweeps_are_no_part_of_the_series(store: Store) -> None:
    for night in range(15):
        append(store, run_of(night), [on_phone(night, wobbling(night))])
    trial = run_of(15, spec=spec(name="trial"))
    assert of(judge_run(store, trial, [on_phone(15, 2000.0)]), LATENCY).verdict is Verdict.INSUFFICIENT_DATA


def test_of_several_runs_of_a_night_the_last_stands_for_it(store: Store) -> None:
    for night in range(8):
        for number in range(2):
            judge_run(
                store,
                run_of(night, f"n{night}-{number}"),
                [on_phone(night, wobbling(night), run_id=f"n{night}")],
            )
    found = judge_run(store, run_of(8), [on_phone(8, 1080.0)])
    assert of(found, LATENCY).points == 8


def test_an_earlier_run_judged_again_does_not_see_later_ones(store: Store) -> None:
    cells = [[on_phone(night, wobbling(night) * (1.2 if night > 10 else 1))] for night in range(15)]
    first = [judge_run(store, run_of(night), cells[night]) for night in range(15)]
    assert judge_run(store, run_of(8), cells[8]) == first[8]


def test_a_failed_cell_keeps_the_verdict_on_what_it_measured(store: Store) -> None:
    found = after_steady_nights(store, on_phone(15, 1080.0, metrics=None, status="failed"))
    assert [one.metric for one in found] == [LATENCY]


def test_a_flat_battery_excuses_a_slow_night(store: Store) -> None:
    slow = on_phone(15, 1080.0)
    assert slow.health
    flat = slow.health.model_copy(
        update={"before": slow.health.before.model_copy(update={"battery_percent": 9, "charging": False})}
    )
    one = of(after_steady_nights(store, slow.model_copy(update={"health": flat})), LATENCY)
    assert one.verdict is Verdict.POOR_CONDITIONS
    assert "battery at 9 %" in one.sentence


def test_scattered_samples_excuse_one_too(store: Store) -> None:
    scattered = on_phone(15, 1080.0, latency=latency(800, 1080, 1400))
    assert of(after_steady_nights(store, scattered), LATENCY).verdict is Verdict.POOR_CONDITIONS


def test_suspects_are_measured_cells_the_worst_first_and_not_without_end(store: Store) -> None:
    networks = [f"net{n:02}" for n in range(MOST_RERUNS + 5)]
    for night in range(12):
        append(
            store, run_of(night), [on_phone(night, wobbling(night), name, prepared=None) for name in networks]
        )
    cells = [on_phone(12, 1060.0 + 3 * n, name, prepared=None) for n, name in enumerate(networks)]
    found = suspects(judge_run(store, run_of(12), cells), [*cells, simulated(12)])
    assert len(found) == MOST_RERUNS
    assert found[0].cell.model.name == networks[-1]


def test_the_headline_of_a_cell_is_its_gravest_verdict() -> None:
    def one(metric: Figure, verdict: Verdict) -> CellVerdict:
        return CellVerdict(
            run_id="r",
            cell="a/b/c",
            metric=metric,
            origin=Origin.DEVICE,
            verdict=verdict,
            value=1,
            sentence="s",
        )

    found = headlines(
        [
            one(LATENCY, Verdict.STEADY),
            one(DRAM_READ, Verdict.NEW),
            one(REFERENCE_OPS, Verdict.NEW),
        ]
    )
    assert found["a/b/c"].metric is REFERENCE_OPS


def test_the_night_is_the_one_on_which_the_run_began(store: Store) -> None:
    late = on_phone(0, 1000.0, finished_at=MOMENT + timedelta(hours=9))
    append(store, run_of(0), [late])
    assert read_history(store, Where(), ["date"]).column("date").to_pylist() == [day(0)]
