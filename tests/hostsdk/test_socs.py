"""The SoC table has complete rows, and every name leads to one or is refused."""

import pytest

from hostsdk import socs
from hostsdk.errors import ErrorCode, ToolError


def refusal(name: str) -> ToolError:
    with pytest.raises(ToolError) as caught:
        socs.find(name, "--htp_socs")
    return caught.value


def test_seven_socs_have_estimates_that_the_vendor_supports():
    supported = {soc.name for soc in socs.table().values() if soc.estimate_supported}
    assert supported == {"sa8255", "sa8540", "aic100", "sa8797", "qcs9100", "sar2230p", "sa8787"}


def test_soc_model_ids_are_unique_and_cost_models_come_with_sizes():
    rows = list(socs.table().values())
    assert len({soc.soc_model for soc in rows}) == len(rows)
    assert all(soc.vtcm_mb and soc.hvx_threads for soc in rows if soc.has_cost_model)
    assert all(soc.has_cost_model for soc in rows if soc.estimate_supported)


@pytest.mark.parametrize(
    ("name", "arch", "vtcm_mb", "hvx_threads"),
    [("sa8255", 73, 8, 4), ("sm8750", 79, 8, 6), ("sa8797", 81, 16, 8), ("sm8350", 68, 4, 4)],
)
def test_known_parts_have_their_sizes(name, arch, vtcm_mb, hvx_threads):
    soc = socs.find(name, "test")
    assert (soc.arch, soc.vtcm_mb, soc.hvx_threads) == (arch, vtcm_mb, hvx_threads)


def test_a_name_is_found_in_either_case():
    assert socs.find("SM8750", "test") is socs.find("sm8750", "test")


def test_an_unknown_name_is_refused_with_near_matches():
    error = refusal("sm8751")
    assert error.code is ErrorCode.INVALID_DEVICE
    assert "sm8751" in error.message
    assert "sm8750" in error.message


def test_a_name_like_no_other_is_refused_too():
    assert "names look like" in refusal("0").message


def test_a_soc_older_than_v68_is_refused_by_its_arch():
    assert "Hexagon v66" in refusal("sm8250").message


def test_the_record_identifier_is_the_runtimes():
    assert socs.find("sa8255", "test").target == "HTP_V73_SA8255_8MB"


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("sa8775p", "sa8255"),
        ("SA8650P", "sa8255"),
        ("sa8255p", "sa8255"),
        ("qcs9075", "qcs9100"),
        ("sa8295p", "sa8295"),
    ],
)
def test_parts_that_share_an_id_are_one(name, same):
    assert socs.find(name, "test") is socs.find(same, "test")


def test_a_part_that_no_id_stands_for_is_refused_with_the_reason():
    error = refusal("sa7255p")
    assert error.code is ErrorCode.INVALID_DEVICE
    assert "SA8620P" in error.message


def test_what_was_checked_on_a_device_has_no_supported_estimate_but_a_cost_model():
    checked = [soc for soc in socs.table().values() if soc.checked]
    assert [soc.name for soc in checked] == ["qcs8550", "sa8295", "sm8650", "sm8750", "sm8850"]
    assert all(soc.has_cost_model and not soc.estimate_supported for soc in checked)


def test_the_names_that_the_directory_lists_are_all_that_are_found():
    listed = socs.names()
    for name in listed:
        socs.find(name, "test")
    for name in {*socs.table(), *socs.other_names()} - set(listed):
        refusal(name)
    assert {"sa8255", "sa8255p"} <= set(listed)
    assert not {"sm8250", "sa7255p"} & set(listed)
