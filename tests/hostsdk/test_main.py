"""What the host SDK reports about itself."""

from __future__ import annotations

import pytest

from hostsdk.__main__ import main


def rows(capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    assert main(["socs"]) == 0
    return {line.split("\t")[0]: line.split("\t")[1:] for line in capsys.readouterr().out.splitlines()}


def test_socs_are_listed_with_architecture_vtcm_and_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    listed = rows(capsys)
    assert listed["sa8797"] == ["v81", "16", "supported"]
    assert listed["sm8750"] == ["v79", "8", "checked"]
    assert listed["sm8450"] == ["v69", "8", "unsupported"]
    assert listed["qcs6490"] == ["v68", "2", "none"]


def test_the_seven_socs_of_the_vendors_list_are_the_supported_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    supported = {name for name, facts in rows(capsys).items() if facts[-1] == "supported"}
    assert supported == {"sa8255", "sa8540", "sa8787", "sa8797", "qcs9100", "aic100", "sar2230p"}


def test_socs_without_an_htp_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert "sdm845" not in rows(capsys)


def test_a_soc_that_is_named_is_told_or_refused_with_those_near_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["socs", "sa8797", "sa8775p"]) == 0
    assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()] == ["sa8797", "sa8255"]
    assert main(["socs", "sa8797", "sa8225"]) == 1
    assert "did you mean sa8295 or sa8255" in capsys.readouterr().err
