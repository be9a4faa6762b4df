"""Options, SoC, SDK, device and network as explanations of a difference, with the true cause first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fakes.records import model
from qhas.devices.facts import DeviceFacts
from qhas.diff.circumstances import Evidence
from qhas.diff.compare import compare
from qhas.diff.model import CircumstanceKind, OpEffect
from qhas.runs.record import SdkFacts
from qhas.site.sdk import SdkKind
from qhas.sweep.spec import Cell, PrepareOptions
from tests.qhas.diff.pairs import NETWORK, cell_record, with_options, with_records
from tests.qhas.diff.summaries import Made, made


@pytest.mark.parametrize(
    ("before", "after", "kind", "words"),
    [
        ({"vtcm_mb": 8}, {"vtcm_mb": 2}, CircumstanceKind.VTCM, "VTCM 8 → 2 MiB"),
        ({}, {"hvx_threads": 2}, CircumstanceKind.HVX_THREADS, "HVX threads the SDK's default → 2"),
        (
            {"optimization_level": 3},
            {"optimization_level": 1},
            CircumstanceKind.OPTIMIZATION_LEVEL,
            "optimisation level 3 → 1",
        ),
        ({"dlbc": False}, {"dlbc": True}, CircumstanceKind.DLBC, "DLBC off → on"),
    ],
    ids=str,
)
def test_an_option_that_changed_comes_before_the_ops_it_moved(
    before: dict[str, Any], after: dict[str, Any], kind: CircumstanceKind, words: str
) -> None:
    slower = [replace(op, dominant=op.dominant * 2, dram=op.dram * 2) for op in NETWORK]
    found = with_records(with_options(**before), with_options(**after), slower)
    assert found.cause
    assert found.cause.kind is kind
    assert f": {words}; 6 Conv2d moved more to and from DRAM" in found.sentence


def test_in_the_very_same_network_other_tiles_are_no_other_shape() -> None:
    tiled = [replace(op, dims=(1, 4, 8, 32), dominant=200_000) for op in NETWORK]
    found = with_records(with_options(vtcm_mb=8), with_options(vtcm_mb=2), tiled)
    assert not [op for op in found.ops if op.effect is OpEffect.RESHAPED]


def test_another_soc_explains_before_all_else() -> None:
    other = cell_record("1" * 64, cell=Cell(model=model(), soc="sm8650", prepare=PrepareOptions(vtcm_mb=2)))
    found = with_records(cell_record(), other)
    assert [one.kind for one in found.circumstances][:2] == [CircumstanceKind.SOC, CircumstanceKind.VTCM]
    assert "on sm8750 → sm8650: SoC sm8750 → sm8650 and VTCM the SDK's default → 2 MiB" in found.sentence


def test_an_sdk_that_changed_is_a_cause_and_a_schema_is_none() -> None:
    found = with_records(cell_record(), cell_record(sdk=SdkFacts(kind=SdkKind.VENDOR, version="2.46.0")))
    assert found.cause
    assert found.cause.kind is CircumstanceKind.SDK
    assert "SDK vendor 2.45.0 → vendor 2.46.0" in found.sentence


def test_another_dlc_whose_network_nobody_recorded_is_never_called_the_same() -> None:
    found = with_records(cell_record("0" * 64), cell_record("1" * 64))
    assert found.cause
    assert found.cause.kind is CircumstanceKind.DLC_BYTES
    assert found.cause.sentence == "a different DLC, whose network was not recorded"


def test_another_network_is_told_by_its_ops() -> None:
    after = [*NETWORK, Made("mul", "Mul")]
    found = with_records(cell_record("0" * 64), cell_record("1" * 64), after)
    assert found.cause
    assert found.cause.kind is CircumstanceKind.NETWORK
    assert "network: Mul mul added" in found.sentence


def test_an_op_that_only_one_compiler_ran_is_no_other_network() -> None:
    before = made(NETWORK)
    gone = [op for op in before.qnn_ops if op.name != "conv2"]
    after = before.model_copy(
        update={"qnn_ops": tuple(gone), "htp_ops": tuple(op for op in before.htp_ops if op.qnn_op != "conv2")}
    )
    found = compare(Evidence(before), Evidence(after))
    assert found.cause
    assert found.cause.kind is CircumstanceKind.COMPILED


def test_without_records_fewer_threads_are_seen_in_the_figures() -> None:
    threads = [{"type": "HVX", "tid": 512 + n, "cycles_used": 9, "utilization": 1.0} for n in range(4)]
    before = compare(
        Evidence(made(NETWORK, htp_resources={"data": threads})),
        Evidence(made(NETWORK, htp_resources={"data": threads[:2]})),
    )
    assert before.cause
    assert before.cause.kind is CircumstanceKind.HVX_THREADS
    assert "HVX threads 4 → 2 in use" in before.sentence


def test_another_device_is_a_circumstance() -> None:
    found = with_records(
        cell_record(), cell_record(device=DeviceFacts(name="b", soc="sm8750", transport="adb"))
    )
    assert found.cause
    assert found.cause.kind is CircumstanceKind.DEVICE
