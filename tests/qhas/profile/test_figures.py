"""The table of figures, and every place that reads it."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest

from fakes.records import language, latency, record, runtrace
from qhas.diff.circumstances import Evidence
from qhas.diff.compare import compare
from qhas.history.columns import COLUMNS
from qhas.profile.accuracy import OutputAccuracy, accuracy_of
from qhas.profile.figure import SHOW, SIGNS, Unit
from qhas.profile.figures import (
    BY_BUDGET_KEY,
    BY_COLUMN,
    BY_EVENT_KEY,
    BY_NAME,
    FIGURES,
    HTP_NODES,
    JUDGED,
    LATENCY,
    PEAK_VTCM,
    QNN_NODES,
    Figure,
)
from qhas.profile.metrics import metrics_of
from qhas.profile.origin import Origin
from qhas.sweep.budget import Budget
from tests.qhas.diff.summaries import Made, made

STORED = {
    "median_us p90_us min_us time_us graph_us warm_us vtcm_acquire_us power_up_us timeline_cycles clock_mhz "
    "warm_clock_mhz utilization_percent dram_read dram_write vtcm_read vtcm_write peak_vtcm qnn_nodes htp_nodes "
    "context_bytes compile_seconds reference_ops format_changes format_change_percent reference_percent hmx_cycles dma_wait_cycles "
    "cycles_per_packet cosine sqnr_db max_abs_error top1_percent top5_percent accuracy_inputs decode_tokens_per_s "
    "dram_bytes_per_token prefill_tokens_per_s first_token_ms": BY_COLUMN,
    "latency_us time_us graph_us warm_us cycles total_dram dram_read dram_write peak_vtcm qnn_nodes htp_nodes "
    "context_bytes compile_seconds reference_ops format_changes format_change_percent reference_percent "
    "cosine sqnr_db max_abs_error top1_percent top5_percent decode_tokens_per_s dram_bytes_per_token prefill_tokens_per_s "
    "first_token_ms": BY_BUDGET_KEY,
    "latency_median_us qhas_time_us dram_bytes decode_tokens_per_s prefill_tokens_per_s": BY_EVENT_KEY,
    "decode_tokens_per_s prefill_tokens_per_s median_us time_us timeline_cycles reference_ops format_changes dram_read dram_write peak_vtcm qnn_nodes "
    "htp_nodes context_bytes cosine sqnr_db dram_bytes_per_token": JUDGED,
}


@pytest.mark.parametrize(("names", "table"), STORED.items())
def test_stored_names_never_change(names: str, table: dict[str, Figure]) -> None:
    assert names.split() == list(table)


def measured(median: float, time_us: int, peak: int = 1000) -> Evidence:
    file = made([Made("conv")], time_us=time_us, graph_execute_us=time_us, peak_vtcm_alloc=peak)
    return Evidence(
        file,
        record(
            origin=Origin.DEVICE,
            latency=latency(median, median, median),
            metrics=metrics_of(file).model_copy(update={"context_bytes": 1_443_968, "compile_seconds": 2.5}),
            runtrace=runtrace(time_us),
            accuracy=accuracy_of(
                [OutputAccuracy(name="y", shape=(1, 10), cosine=0.99, sqnr_db=20, max_abs_error=0.1)],
                (100, 100),
                "aa",
                "onnxruntime 1.24.0",
            ),
        ),
    )


BEFORE, AFTER = measured(102, 300), measured(153, 450, peak=2000)
DIFF = compare(BEFORE, AFTER)


def test_every_figure_is_read_from_a_record_or_from_a_file() -> None:
    assert BEFORE.record is not None
    records = [BEFORE.record, record(language=language(tokens=1)), record(language=language(tokens=128))]
    for figure in FIGURES:
        told = figure.of_file(BEFORE.file) if figure.of_file else None
        assert told is not None or any(figure.read(each) is not None for each in records), figure.name


def test_a_comparison_has_every_figure_that_says_so_and_the_latency() -> None:
    assert [figure.name for figure in DIFF.figures] == [
        LATENCY.name,
        *(figure.name for figure in FIGURES if figure.compared),
    ]


def test_every_tile_that_a_comparison_can_tell_the_change_of_is_in_the_comparison() -> None:
    compared = {figure.name for figure in DIFF.figures}
    alone = {figure.name for figure in FIGURES if figure.tile} - compared
    assert alone == {"p90_us", "min_us", "utilization_percent"}


def test_a_records_figure_and_a_comparisons_are_one() -> None:
    assert AFTER.record is not None
    for compared in DIFF.figures:
        if (value := BY_NAME[compared.name].read(AFTER.record)) is not None:
            assert compared.after == value, compared.name


def test_every_column_of_a_figure_is_in_the_history() -> None:
    assert BY_COLUMN.keys() <= {column.name for column in COLUMNS}


def test_every_key_of_a_budget_but_its_own_words_is_a_figure() -> None:
    assert list(Budget.model_fields) == [*BY_BUDGET_KEY, "ops", "origin"]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_no_figure_of_a_device_is_called_an_estimate(figure: Figure) -> None:
    names = (name_of(Origin.DEVICE) for name_of in (figure.title_of, figure.short_of, figure.words_of))
    assert not any(re.search(r"\best(\.|imat)|simulat", name) for name in names)


def test_what_is_judged_has_a_column() -> None:
    assert all(figure.column for figure in FIGURES if figure.judged)


@pytest.mark.parametrize("figure", [PEAK_VTCM, QNN_NODES, HTP_NODES])
def test_more_or_fewer_of_these_is_neither_better_nor_worse(figure: Figure) -> None:
    assert figure.less_is_better is None


def test_a_figure_is_itself_in_another_process() -> None:
    assert all(pickle.loads(pickle.dumps(figure)) is figure for figure in FIGURES)


@pytest.mark.parametrize("module", ["units.py", "profile/figures.py"])
def test_the_ground_floor_knows_nothing_of_rooms_above(module: str) -> None:
    text = (Path(__file__).parents[3] / "qhas" / module).read_text(encoding="utf-8")
    assert "from qhas.runs" not in text
    assert "from qhas.store" not in text


@pytest.mark.parametrize("table", [SHOW, SIGNS], ids=["for people", "to the digit"])
def test_every_unit_can_be_written(table: dict[Unit, object]) -> None:
    assert set(table) == set(Unit)
