"""Everything that a finished run leaves in the store keeps its name."""

from __future__ import annotations

import subprocess

import pytest

from tests.contract import draw
from tests.demo.conftest import QHAS, DemoRun, environment

pytestmark = [
    pytest.mark.hostsdk,
    pytest.mark.server,
    pytest.mark.xdist_group("demo"),
    pytest.mark.timeout(1200),
]


def profiled(demo: DemoRun, dlc: str) -> None:
    """Profile the DLC that the demo's cells built; the demo itself profiles ONNX."""
    command = [str(QHAS), "profile", dlc, "--soc=sa8255", "--inputs=none", "--site=site.yaml"]
    own = environment() | {"PREFECT_HOME": str(demo.folder / "prefect")}
    done = subprocess.run(
        command, cwd=demo.folder, env=own, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_object_document_and_column_of_a_run_keeps_its_name(demo: DemoRun) -> None:
    profiled(demo, "networks/squeezenet.dlc")
    missing = draw.recorded("stored") - set(draw.stored(demo.store))
    assert {name for name in missing if ".op_counts." not in name} == set()  # op types depend on the networks
