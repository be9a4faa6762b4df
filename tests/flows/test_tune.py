"""The best options are requested through a form and reported in the Prefect UI."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from prefect.artifacts import Artifact

from fakes.dlc import make_dlc
from fakes.sdk import build_fake_sdk
from flows.tune import tune_network
from tests.qhas.estimating import write_program

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("server"),
    pytest.mark.usefixtures("prefect_server"),
]


async def test_the_answer_is_the_runs_message_and_its_page_an_artifact(tmp_path: Path) -> None:
    root = build_fake_sdk(tmp_path / "sdk")
    (root / "sdk.yaml").write_text("product: hostsdk\n")
    write_program(root, tmp_path / "asked.jsonl", "cycles -= 200 * (asked['options'].get('vtcm_mb') == 2)")
    (tmp_path / "site.yaml").write_text(json.dumps({"store": "store", "sdk": {"root": str(root)}}))
    state = await tune_network(
        network=str(make_dlc(tmp_path / "net.dlc")),
        soc="sa8255",
        site=str(tmp_path / "site.yaml"),
        return_state=True,
    )
    assert state.is_completed()
    assert "net on sa8255: time of an inference −20 %, simulated, not confirmed on a device" in str(
        state.message
    )
    key = Path(str(state.message).rpartition("Page: ")[2]).stem
    page = await Artifact.get(key.replace(".", "-"))
    assert page is not None
    assert "prepare:\n  vtcm_mb: 2" in str(page.data)
