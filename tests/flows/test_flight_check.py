"""A flow checks the lab, as its schedule runs it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

from flows.upkeep import flight_check
from tests.flows.conftest import FakeLab

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("server"),
    pytest.mark.usefixtures("prefect_server"),
]


async def checked(lab: FakeLab) -> tuple[Any, list[dict[str, str]]]:
    """Run the check; return its final state and its table."""
    state = await flight_check(str(lab.site_file), return_state=True)
    async with get_client() as client:
        (artifact,) = await client.read_artifacts(
            artifact_filter=ArtifactFilter(
                flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id])
            )
        )
    return state, json.loads(str(artifact.data))


async def test_a_lab_that_is_fit_passes_with_a_line_a_check(lab: FakeLab) -> None:
    state, table = await checked(lab)
    assert state.is_completed(), state.message
    assert {"SDK", "store", "devices"} <= {row["check"] for row in table}
    assert {row["result"] for row in table} == {"good"}


async def test_a_lab_that_is_not_fails_with_one_sentence_and_the_bad_line_first(lab: FakeLab) -> None:
    site = json.loads(lab.site_file.read_text())
    lab.site_file.write_text(json.dumps(site | {"store": "/proc/nowhere"}))
    state, table = await checked(lab)
    assert state.is_failed()
    assert "checks are bad. store: " in str(state.message)
    assert (table[0]["check"], table[0]["result"]) == ("store", "BAD")
