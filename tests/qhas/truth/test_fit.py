"""The robust line and its errors, on pairs made for the purpose."""

from __future__ import annotations

import numpy as np
import pytest

from qhas.truth.fit import LEAST, calibrate, fit, spearman
from qhas.truth.tables import Network, NetworkClass, Pair, Precision, Runtime, devices

SIMULATED = [0.4, 0.7, 1.1, 1.9, 2.5, 3.4, 4.8, 7.0, 12.0, 30.0, 55.0, 90.0]


def made(measured: list[float], families: int = 6) -> list[Pair]:
    return [
        Pair(
            Network(f"net{at}", f"family{at % families}", NetworkClass.CONVOLUTIONAL, "plain convolution"),
            Precision.FLOAT, "", "2.6.0", 52, "", devices()[0], Runtime.QNN_DLC, simulated, ms, False,
        )
        for at, (simulated, ms) in enumerate(zip(SIMULATED, measured, strict=False))
    ]  # fmt: skip


def test_a_line_is_found_to_the_percent() -> None:
    simulated = np.array(SIMULATED)
    line = fit(simulated, 0.2 + 0.9 * simulated)
    assert line.constant == pytest.approx(0.2, abs=0.01)
    assert line.slope == pytest.approx(0.9, rel=0.01)


def test_a_network_that_is_wrong_by_a_factor_moves_nothing() -> None:
    simulated = np.array(SIMULATED)
    measured = 0.2 + 0.9 * simulated
    measured[-1] /= 4
    line = fit(simulated, measured)
    assert line.constant == pytest.approx(0.2, abs=0.01)
    assert line.slope == pytest.approx(0.9, rel=0.01)


def test_no_inference_costs_less_than_nothing() -> None:
    simulated = np.array(SIMULATED)
    assert fit(simulated, 1.1 * simulated**1.1).constant >= 0


def test_a_given_constant_is_kept() -> None:
    simulated = np.array(SIMULATED)
    assert fit(simulated, 0.2 + 0.9 * simulated, 0.5).constant == 0.5


def test_of_equally_good_lines_the_middle_one_is_taken_whatever_the_last_bits_are() -> None:
    simulated = np.array([1.0, 2.0, 4.0, 8.0, 3.0, 6.0])
    measured = simulated * np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
    lines = {
        fit(simulated, measured * (1 + 1e-15 * noise), 0.0)
        for noise in np.random.default_rng(1).integers(-9, 9, size=(50, 6))
    }
    (line,) = lines
    assert line.slope == pytest.approx(2**0.5, rel=0.04)


def test_too_few_pairs_make_no_calibration() -> None:
    assert calibrate(made([1.0] * (LEAST - 1))) is None


def test_the_interval_holds_about_eighty_percent_of_networks_left_out() -> None:
    noise = np.exp(np.random.default_rng(3).normal(0, 0.1, len(SIMULATED)))
    calibration = calibrate(made([0.2 + 0.9 * s * e for s, e in zip(SIMULATED, noise, strict=True)]))
    assert calibration
    assert 0.75 <= calibration.coverage <= 0.85
    assert 1.05 < calibration.spread < 1.5
    assert calibration.error_family >= 0.01


def test_equal_values_share_their_rank() -> None:
    assert spearman(np.array([1.0, 2, 2, 3]), np.array([1.0, 2, 2, 3])) == pytest.approx(1)
    assert spearman(np.array([1.0, 2, 3]), np.array([3.0, 2, 1])) == pytest.approx(-1)
