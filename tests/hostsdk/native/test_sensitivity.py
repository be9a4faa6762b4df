"""The activations that get 16 bits are those whose quantisation costs the outputs most."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hostsdk.native.sensitivity import fewest, sensitive_activations
from tests.hostsdk.families import FAMILIES, outlier, token_ids

pytestmark = pytest.mark.hostsdk


def test_the_fewest_that_carry_the_share_are_chosen_the_largest_first() -> None:
    assert fewest([1.0, 6.0, 0.0, 3.0], 0.9) == [1, 3]


def test_where_nothing_is_lost_nothing_is_chosen() -> None:
    assert fewest([0.0, 0.0], 0.9) == []


def test_an_activation_with_an_outlier_is_chosen_and_the_factors_that_make_it(tmp_path: Path) -> None:
    feed = {"x": np.random.default_rng(1).standard_normal((1, 8, 32)).astype(np.float32)}
    assert sensitive_activations(outlier(tmp_path), feed)[0] == ["c1", "wide"]


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != token_ids.__name__])
def test_networks_of_every_family_are_asked(family: str, tmp_path: Path) -> None:
    from hostsdk.native.tensor_files import inputs_of

    network = FAMILIES[family](tmp_path)
    random = np.random.default_rng(1)
    feed = {
        name: random.standard_normal(shape).astype(dtype)
        for name, (shape, dtype) in inputs_of(network).tensors.items()
    }
    names, activations = sensitive_activations(network, feed)
    assert 0 < len(names) <= activations
