"""The effect of another SDK is requested through a form and reported in the Prefect UI."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from prefect.artifacts import Artifact

from fakes.dlc import make_dlc
from fakes.sdk import Tool, build_fake_sdk, read_calls
from flows.upgrade import sdk_upgrade

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("server"),
    pytest.mark.usefixtures("prefect_server"),
]
VERSIONS = ("2.47.0.260601", "2.48.0.260702", "2.49.0.260810")


async def test_two_sdks_on_the_same_lab_are_compared_and_asked_again_nothing_runs(tmp_path: Path) -> None:
    roots = {version[:4]: build_fake_sdk(tmp_path / version, version=version) for version in VERSIONS}
    sdks = {name: {"root": str(root)} for name, root in roots.items()}
    (tmp_path / "site.yaml").write_text(json.dumps({"store": "store", "sdks": sdks}))
    asked = {
        "networks": [str(make_dlc(tmp_path / "net.dlc"))],
        "socs": ["sa8255"],
        "before": "2.47",
        "after": "2.49",
        "site": str(tmp_path / "site.yaml"),
    }
    state = await sdk_upgrade(**asked, return_state=True)
    assert state.is_completed()
    assert "SDK 2.47 → 2.49: of 1 cell 0 slower, 0 faster, 1 the same." in str(state.message)
    again = await sdk_upgrade(**asked, return_state=True)
    assert again.message == state.message
    assert [len(read_calls(root, Tool.NET_RUN)) for root in roots.values()] == [1, 0, 1]
    every = await sdk_upgrade(**asked, every=True, return_state=True)
    assert every.is_completed()
    assert len(read_calls(roots["2.48"], Tool.NET_RUN)) == 1
    key = Path(str(state.message).rpartition("Page: ")[2]).stem
    page = await Artifact.get(key.replace(".", "-"))
    assert page is not None
    assert "net/sa8255" in str(page.data)
