"""Tuning trials compared with the library's own compilation."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from bench.failure import BenchFailed
from bench.studies.trials import Rates, _library
from bench.truth.estimating import host_sdk


def test_shares_are_of_what_a_trial_takes() -> None:
    rates = Rates(
        "net",
        10,
        library_wall=0.3,
        library_cpu=0.4,
        finalising_cpu=0.2,
        wall=0.4,
        cpu=0.5,
        memory_early=1,
        memory_late=1,
    )
    assert (rates.share, rates.cpu_share, rates.finalising_share) == pytest.approx((0.75, 0.8, 0.4))


@pytest.mark.hostsdk
def test_the_library_alone_reads_a_network_and_finalises_it() -> None:
    dlc = Path(str(resources.files("hostsdk").joinpath("trial.dlc")))
    wall, cpu, finalising = _library(host_sdk(), dlc, 2)
    assert wall > 0
    assert cpu > finalising > 0


@pytest.mark.hostsdk
def test_what_the_library_cannot_read_has_no_figures(tmp_path: Path) -> None:
    (tmp_path / "net.dlc").write_bytes(b"no DLC")
    with pytest.raises(BenchFailed, match=r"net\.dlc cannot be compiled"):
        _library(host_sdk(), tmp_path / "net.dlc", 1)
