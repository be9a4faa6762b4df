"""The published page is generated from the shipped pairs."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.truth import page, tables
from bench.truth.plot import scatter
from qhas.truth.tables import Precision, calibrating, devices, measured_count

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / page.PAGE).read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_is_made_of_the_pairs() -> None:
    assert page.text() == PAGE


@pytest.mark.parametrize("device", page.shown(), ids=lambda device: device.title)
def test_every_device_has_its_picture(device: page.Device) -> None:
    picture = ROOT / page.IMAGES / page.picture(device)
    assert f"images/{picture.name}" in PAGE
    ElementTree.fromstring(picture.read_text(encoding="utf-8"))


def test_a_picture_has_a_point_for_each_network() -> None:
    chosen = calibrating(devices()[0], Precision.FLOAT)
    drawn = scatter("a < b", chosen)
    assert drawn.count("<title>") == len(chosen)
    assert "a &lt; b" in drawn


def test_the_bad_rows_are_published() -> None:
    bad = tables.bad_rows().markdown()
    assert bad in PAGE
    assert "nasnet" in bad


def test_the_page_says_what_is_not_seen() -> None:
    assert tables.unseen().markdown() in PAGE


def test_every_device_has_fifty_networks_of_8_bits_or_fewer_were_measured() -> None:
    assert tables.by_measured().markdown() in PAGE
    for device in page.shown():
        whole, _ = measured_count(device, Precision.W8A8)
        assert len(calibrating(device, Precision.W8A8)) >= 50 or f"{device.title} ({whole})" in PAGE


def test_the_intervals_hold_three_quarters_to_seven_eighths_together() -> None:
    held, of = tables.pooled_coverage()
    assert 0.75 <= held / of <= 0.85
    assert f"{held} of {of}" in PAGE


def test_the_readme_says_what_the_page_says() -> None:
    networks, rank, ratio = tables.short(calibrating(devices()[0], Precision.FLOAT))[:3]
    paragraph = re.split(r"\n\n", (ROOT / "README.md").read_text(encoding="utf-8"))[2]
    assert "docs/truth.md" in paragraph
    for figure in (networks, rank, ratio):
        assert figure in paragraph
