"""The quantiser's advice is suppressed, but no other warnings are."""

from __future__ import annotations

import logging

import pytest

from hostsdk.quantiser_log import errors_only


@errors_only()
def quantise() -> None:
    logging.warning("Please consider to run pre-processing before quantization.")
    logging.error("it cannot be quantised")


def test_advice_is_left_out_and_warnings_are_heard_afterwards(caplog: pytest.LogCaptureFixture) -> None:
    quantise()
    logging.warning("the disk is nearly full")
    assert caplog.messages == ["it cannot be quantised", "the disk is nearly full"]


def test_the_level_is_as_it_was_also_after_an_error() -> None:
    before = logging.getLogger().level
    with pytest.raises(ValueError, match="no network"), errors_only():
        raise ValueError("no network")
    assert logging.getLogger().level == before
