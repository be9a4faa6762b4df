"""Labs on the session's Prefect server, and stores on S3 behind a wire that breaks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bench.resilience.lab import without_labs
from fakes.s3 import MotoServer, Wire
from tests.flows.conftest import prefect_command


@pytest.fixture
def environment(prefect_server: None) -> Mapping[str, str]:
    """The variables a process needs to use the session's Prefect server, without the user's own settings."""
    _, variables = prefect_command()
    needed = ("PREFECT_HOME", "PREFECT_API_URL", "PREFECT_API_AUTH_STRING")
    return without_labs() | {name: value for name, value in variables.items() if name in needed}


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[MotoServer]:
    """An S3 server for this test alone."""
    (folder := tmp_path / "s3").mkdir()
    with MotoServer(folder) as server:
        yield server


@pytest.fixture
def wire(s3: MotoServer) -> Iterator[Wire]:
    """The connection to the S3 server, which can be made to fail."""
    with Wire(s3.port) as wire:
        yield wire
