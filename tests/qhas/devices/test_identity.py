"""A device's SoC is checked against the site: a certain contradiction is an error, a doubt only a warning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qhas.devices.identity import (
    PLATFORMS,
    SAME_SILICON,
    SOC_IDS,
    IdentityEvidence,
    check_identity,
    identify,
)
from qhas.naming import SOC
from qhas.socs import KNOWN_SOCS

PHONE = IdentityEvidence(
    soc_model="SM8750", manufacturer="QTI", platform="sun", soc_id=618, machine="SUN", family="Snapdragon"
)
BOARD = IdentityEvidence(
    soc_id=667, machine="QCS9100", compatible=("qcom,qcs9100-ride", "qcom,qcs9100", "qcom,sa8775p")
)

texts = st.text(max_size=40) | st.sampled_from(
    ["", " ", "SM8750", "sun", "SM", "qcom,", "qcom,kalama-mtp", "٣"]
)
evidence_of = st.builds(
    IdentityEvidence,
    soc_model=st.none() | texts,
    platform=st.none() | texts,
    soc_id=st.none() | st.integers(0, 10**9) | st.sampled_from(sorted(SOC_IDS)),
    machine=st.none() | texts,
    compatible=st.lists(texts, max_size=4).map(tuple),
)


@pytest.mark.parametrize(("evidence", "soc"), [(PHONE, "sm8750"), (BOARD, "qcs9100")], ids=["phone", "board"])
def test_a_device_that_is_what_the_site_says_gives_no_doubt(evidence: IdentityEvidence, soc: str) -> None:
    verdict = check_identity(soc, evidence)
    assert (verdict.detected, verdict.contradiction, verdict.warnings) == (soc, None, [])


@pytest.mark.parametrize(
    ("evidence", "soc"),
    [
        (IdentityEvidence(soc_id=660), "sm8850"),
        (IdentityEvidence(soc_model="SM8650-AB"), "sm8650"),
        (IdentityEvidence(soc_model=" sm8750p "), "sm8750"),
        (IdentityEvidence(soc_model="SA8255P"), "sa8255"),
        (IdentityEvidence(machine="SC8280XP"), "sc8280x"),
        (IdentityEvidence(compatible=("lenovo,yoga-slim7x", "qcom,x1e80100")), "sc8380xp"),
        (IdentityEvidence(compatible=("qcom,pineapple-mtp", "qcom,pineapple")), "sm8650"),
        (IdentityEvidence(machine="KALAMAP"), "sm8550"),
        (IdentityEvidence(platform="kalama"), "sm8550"),
        (IdentityEvidence(soc_id=603, platform="kalama"), "qcs8550"),
        (IdentityEvidence(soc_id=705, soc_model="CQ8750S"), "sm8750"),
        (IdentityEvidence(soc_model="SM0001", platform="sun"), None),
        (IdentityEvidence(soc_id=69), None),
        (IdentityEvidence(), None),
    ],
    ids=str,
)
def test_the_soc_is_told_by_whatever_names_it(evidence: IdentityEvidence, soc: str | None) -> None:
    assert identify(evidence) == soc


@pytest.mark.parametrize(
    "evidence", [PHONE, IdentityEvidence(platform="sun")], ids=["phone", "platform alone"]
)
def test_another_known_soc_contradicts_the_site_in_one_sentence(evidence: IdentityEvidence) -> None:
    verdict = check_identity("sm8550", evidence)
    assert verdict.detected == "sm8750"
    assert verdict.contradiction is not None
    assert verdict.contradiction.startswith("The site calls the device sm8550, but it is sm8750 (")
    assert verdict.contradiction.endswith("correct its soc in site.yaml, or connect the right device.")


def test_the_contradiction_names_its_sources() -> None:
    verdict = check_identity("sm8650", PHONE)
    assert "(soc_id 618, ro.soc.model SM8750)" in str(verdict.contradiction)


def test_a_soc_unknown_to_this_version_is_contradicted_by_a_known_one() -> None:
    assert check_identity("sm9950", PHONE).contradiction


@pytest.mark.parametrize("soc", ["sm8750", "sm8735"])
def test_a_platform_alone_fits_every_soc_that_comes_with_it(soc: str) -> None:
    verdict = check_identity(soc, IdentityEvidence(platform="sun"))
    assert (verdict.detected, verdict.contradiction, verdict.warnings) == (soc, None, [])


def test_a_shared_platform_does_not_excuse_another_part_number() -> None:
    evidence = IdentityEvidence(soc_model="SM8635", soc_id=614, platform="pineapple")
    assert "is sm8635" in str(check_identity("sm8650", evidence).contradiction)


@pytest.mark.parametrize(
    ("configured", "evidence", "detected"),
    [
        ("sm8750", IdentityEvidence(soc_model="CQ8750S"), "sm8750"),
        ("qcs6490", IdentityEvidence(soc_model="QCM6490"), "qcm6490"),
        ("sm8550", IdentityEvidence(soc_id=603), "qcs8550"),
        ("qcs9100", IdentityEvidence(machine="SA8775P"), "sa8775"),
    ],
)
def test_another_sku_of_the_silicon_warns_and_does_not_contradict(
    configured: str, evidence: IdentityEvidence, detected: str
) -> None:
    verdict = check_identity(configured, evidence)
    assert (verdict.detected, verdict.contradiction) == (detected, None)
    assert [warning for warning in verdict.warnings if f"same silicon as {configured}" in warning]


def test_a_part_that_only_the_site_knows_agrees() -> None:
    verdict = check_identity("sm9950", IdentityEvidence(soc_model="SM9950-AC"))
    assert (verdict.detected, verdict.contradiction, verdict.warnings) == ("sm9950", None, [])


def test_an_unknown_part_warns_and_the_site_is_trusted() -> None:
    verdict = check_identity("sm8750", IdentityEvidence(soc_model="SM0001", soc_id=99999))
    assert (verdict.detected, verdict.contradiction) == (None, None)
    assert verdict.warnings == [
        "The device says soc_id 99999, which this version does not know.",
        "The device says ro.soc.model SM0001, which this version does not know.",
        "The device does not report a known SoC; that it is sm8750 is taken on trust.",
    ]


def test_a_silent_device_is_trusted_with_a_warning() -> None:
    verdict = check_identity("sm8750", IdentityEvidence())
    assert (verdict.contradiction, len(verdict.warnings)) == (None, 1)


def test_sources_that_disagree_warn_while_one_of_them_fits() -> None:
    verdict = check_identity("sm8750", IdentityEvidence(soc_model="SM8650", soc_id=618))
    assert (verdict.detected, verdict.contradiction) == ("sm8750", None)
    assert verdict.warnings == [
        "The device contradicts itself: soc_id 618 fits sm8750, but it also says ro.soc.model SM8650."
    ]


def test_sources_that_disagree_contradict_where_none_fits() -> None:
    assert check_identity("sm8550", IdentityEvidence(soc_model="SM8650", soc_id=618)).contradiction


@given(st.sampled_from(sorted(KNOWN_SOCS)), evidence_of)
def test_any_evidence_gives_a_verdict(configured: str, evidence: IdentityEvidence) -> None:
    verdict = check_identity(configured, evidence)
    assert verdict.detected is None or SOC.fullmatch(verdict.detected)
    assert verdict.contradiction is None or verdict.detected != configured


@given(st.sampled_from(sorted(KNOWN_SOCS)), st.sampled_from(["", "P", "-AB", "_2", "-mtp"]))
def test_every_known_soc_is_recognised_by_its_name_and_its_grades(soc: str, grade: str) -> None:
    ungraded = soc.removesuffix("p")
    known = {*KNOWN_SOCS, *SOC_IDS.values()}
    assert identify(IdentityEvidence(soc_model=soc.upper() + grade)) == (
        ungraded if ungraded in known else soc
    )


@pytest.mark.parametrize("configured", ["sa8255", "sa8255p"])
def test_a_grade_of_the_soc_is_the_soc(configured: str) -> None:
    verdict = check_identity(configured, IdentityEvidence(soc_model="SA8255P"))
    assert verdict.contradiction is None


def test_the_tables_hold_names_that_can_be_socs() -> None:
    names = {*SOC_IDS.values(), *(soc for group in (*PLATFORMS.values(), *SAME_SILICON) for soc in group)}
    assert all(SOC.fullmatch(name) for name in names)
