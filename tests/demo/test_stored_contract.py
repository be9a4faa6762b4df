"""What a finished run leaves in the store is still called what it was called."""

from __future__ import annotations

import pytest

from tests.contract import draw
from tests.demo.conftest import DemoRun

pytestmark = [
    pytest.mark.hostsdk,
    pytest.mark.server,
    pytest.mark.xdist_group("demo"),
    pytest.mark.timeout(1200),
]


def test_every_object_document_and_column_of_a_run_keeps_its_name(demo: DemoRun) -> None:
    missing = draw.recorded("stored") - set(draw.stored(demo.store))
    assert {name for name in missing if ".op_counts." not in name} == set()  # op types are the networks' own
