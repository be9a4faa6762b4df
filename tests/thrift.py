"""What thousands of tests in one process would pay for again and again."""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Generator
from functools import cache
from itertools import count
from pathlib import Path

import pytest

_NUMBERS = count()
_ALLOCATIONS_A_COLLECTION = 20_000
"""Python's own 700 cost a tenth of the CPU time."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Garbage is looked for less often than usual, and not in what collecting made, which stays to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        _read_what_aws_offers_once()
        gc.freeze()
        gc.set_threshold(_ALLOCATIONS_A_COLLECTION, *gc.get_threshold()[1:])
        gc.enable()


def _read_what_aws_offers_once() -> None:
    """Every session of botocore lists hundreds of folders and parses the megabyte that describes S3."""
    if session := sys.modules.get("botocore.session"):
        session.create_loader = cache(session.create_loader)  # type: ignore[attr-defined]


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As pytest's own, which reads the names of all folders that earlier tests left to find one that is free."""
    name = re.sub(r"\W", "_", request.node.name)[:30]
    return tmp_path_factory.mktemp(f"{name}-{next(_NUMBERS)}", numbered=False)
