"""A cell's page states in one line what it was run with, and how much of the time each unit works."""

from __future__ import annotations

from fakes.records import measured, record
from qhas.profile.qhas_file import Traffic
from qhas.report.circumstances import circumstances, unit_shares
from qhas.report.ops import ResourceUse
from qhas.runs.record import EffectiveOptions
from qhas.sweep.language import LanguageModel
from qhas.sweep.spec import ModelRef, PrepareOptions
from qhas.truth.traits import Precision, Traits
from tests.qhas.report.cell_pages import page_of, tables


def test_options_are_told_as_they_took_effect_with_clock_data_type_and_compiler() -> None:
    effective = EffectiveOptions(
        optimization_level=3, vtcm_mib=8, hvx_threads=4, dlbc=False, clock_mhz=1497.6, compiler="v2.51"
    )
    told = circumstances(record(effective=effective, traits=Traits(precision=next(iter(Precision)))))
    assert told[:4] == ["optimisation level 3", "VTCM 8 MiB", "HVX threads 4", "DLBC off"]
    assert told[-1] == "compiler v2.51"
    assert any(each.startswith("clock ") for each in told)
    assert any(each.startswith("data type ") for each in told)


def test_a_language_model_has_the_bits_that_were_asked_for() -> None:
    llama = ModelRef(name="llama", llm=LanguageModel(config="config.json", weights=4, activations=16))
    told = circumstances(
        record(record().cell.model_copy(update={"model": llama}), traits=Traits(precision=Precision.W8A16))
    )
    assert "data type w4a16" in told


def test_what_was_only_asked_for_is_said_to_be() -> None:
    cell = record().cell.model_copy(update={"prepare": PrepareOptions(vtcm_mb=2)})
    assert "VTCM 2 MiB (requested)" in circumstances(measured(cell))


def test_the_line_stands_on_the_page() -> None:
    assert "optimisation level 3" in page_of(record(effective=EffectiveOptions(optimization_level=3))).text


def test_shares_of_units_take_the_place_of_the_utilisation_that_counts_waits() -> None:
    assert "utilisation" in page_of(record()).text.partition("Timeline")[0]
    head = page_of(record(), ops=tables()).text.partition("Timeline")[0]
    assert "HMX in use" in head
    assert "utilisation" not in head


def test_threads_of_a_unit_are_a_range() -> None:
    used = [
        ResourceUse(0, unit, 1, 9, share, Traffic())
        for unit, share in (("HVX", 14), ("HVX", 41), ("DMA", 75.25))
    ]
    assert list(unit_shares(used)) == [("2 HVX in use", "14 to 41 %"), ("DMA in use", "75.2 %")]
