"""The shipped facts are those that were measured and simulated, and each of them counts once."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path

import pytest

from qhas.truth.tables import (
    NetworkClass,
    Precision,
    Runtime,
    calibrating,
    device_of,
    devices,
    measured,
    measured_count,
    networks,
    pairs,
    rows,
)

SHARED = Path(__file__).parents[4] / "shared" / "data"
PILOT = SHARED / "simulated-against-measured.tsv.gz"


def test_no_pair_counts_twice() -> None:
    counted = Counter(pair[:8] for pair in pairs())
    assert max(counted.values()) == 1


def test_a_figure_that_is_published_for_several_devices_stands_under_the_one_that_was_measured() -> None:
    shown = {device.name for device in devices()}
    copies = [copy for device in devices() for copy in device.copies]
    assert copies
    assert not shown & {*copies}
    assert not {*copies} & {*rows("measured.tsv")[0]}


def test_every_simulated_network_has_a_family_and_a_class() -> None:
    assert {row["model"] for row in rows("simulated.tsv")} <= networks().keys()


@pytest.mark.parametrize(
    ("soc", "title"),
    [
        ("sa8255", "SA8775P"),
        ("SA8650P", "SA8775P"),
        ("sa8775p", "SA8775P"),
        ("qcs9075", "IQ-9075"),
        ("qcs9100", "IQ-9075"),
        ("sm8750", "Galaxy S25"),
    ],
)
def test_a_soc_leads_to_the_device_that_was_measured(soc: str, title: str) -> None:
    device = device_of(soc)
    assert device
    assert device.title == title


def test_a_soc_that_nobody_measured_leads_to_none() -> None:
    assert device_of("sm8550") is None


def test_a_soc_stands_for_one_device() -> None:
    counted = Counter(soc for device in devices() for soc in device.socs)
    assert max(counted.values()) == 1


def test_models_that_were_not_simulated_have_their_measured_latencies_too() -> None:
    assert "yolov11_det" not in networks()
    assert measured("yolov11_det", "float")["Dragonwing IQ-9075 EVK", Runtime.QNN_DLC].ms > 1


def test_parts_of_networks_are_counted_beside_whole_ones() -> None:
    device = device_of("qcs9075")
    assert device
    whole, parts = measured_count(device, Precision.W8A8)
    assert whole > parts > 0
    assert whole + parts == sum(
        row["precision"] == "w8a8" and row[device.name].split("/")[0] != "-" for row in rows("measured.tsv")
    )


def test_a_model_that_was_not_measured_has_none() -> None:
    assert measured("no_such_network", "float") == {}


def test_latencies_of_an_older_compiler_say_so() -> None:
    older = measured("segformer_base", "float")["SA8775P ADP", Runtime.QNN_DLC]
    assert older.older_qairt
    assert older.ms == 24.435


def test_a_calibration_is_of_one_device_one_compiler_and_the_network_as_published() -> None:
    device = device_of("sm8750")
    assert device
    chosen = calibrating(device, Precision.FLOAT)
    assert {(pair.device, pair.wheel, pair.form, pair.options) for pair in chosen} == {
        (device, "2.6.0", "", "top")
    }
    assert len(chosen) == len({pair.network.name for pair in chosen})


@pytest.mark.skipif(not PILOT.is_file(), reason="the raw pairs are not at hand")
def test_the_tables_hold_every_pair_of_the_study() -> None:
    with gzip.open(PILOT, "rt") as file:
        study = {
            (
                row["model"], row["precision"], row["variant"], row["wheel"], int(row["soc"]), row["options"],
                row["device"], row["runtime"], float(row["sim_us"]), float(row["measured_ms"]),
            )
            for row in csv.DictReader(file, delimiter="\t")
        }  # fmt: skip
    shipped = {
        (
            pair.network.name, pair.precision, pair.form, pair.wheel, pair.soc_model, pair.options,
            pair.device.name, pair.runtime, round(pair.simulated_ms * 1000, 1), pair.measured_ms,
        )
        for pair in pairs()
    }  # fmt: skip
    assert study <= shipped


def test_attention_is_a_class_of_its_own() -> None:
    assert networks()["swin_base"].kind is NetworkClass.ATTENTION
    assert networks()["resnet50"].kind is NetworkClass.CONVOLUTIONAL
