"""A store's keys stay with the worker: nothing that Prefect or the store keeps contains them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_SERVER_DATABASE_CONNECTION_URL

from fakes.s3 import MotoServer
from fakes.sdk import Fault, Rule, Tool, order
from tests.flows.conftest import POOL, FakeLab, prefect
from tests.flows.test_deployments import ended, started

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("server"),
    pytest.mark.usefixtures("deployed"),
]


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoServer]:
    with MotoServer(tmp_path_factory.mktemp("moto")) as server:
        yield server


def stored(s3: MotoServer, bucket: str) -> Iterator[tuple[str, bytes]]:
    """Yield every object of a bucket, decompressed."""
    client = s3.client()
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for item in page.get("Contents", []):
            content = client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
            yield item["Key"], gzip.decompress(content) if item["Key"].endswith(".gz") else content


def database() -> bytes:
    """Return everything that the Prefect server keeps: parameters, logs, artifacts, events, states."""
    path = Path(str(PREFECT_SERVER_DATABASE_CONNECTION_URL.value()).removeprefix("sqlite+aiosqlite:///"))
    return b"".join(part.read_bytes() for part in path.parent.glob(f"{path.name}*"))


@pytest.mark.slow
async def test_no_key_of_the_store_is_kept_anywhere(lab: FakeLab, s3: MotoServer) -> None:
    bucket = s3.bucket()
    site: dict[str, Any] = json.loads(lab.site_file.read_text())
    lab.site_file.write_text(
        json.dumps(site | {"store": f"s3://{bucket}/lab", "links": {"presigned_hours": 1}})
    )
    nowhere = lab.folder / "nowhere.yaml"
    nowhere.write_text(json.dumps(site | {"store": "s3://no-such-bucket/lab"}))
    order(lab.sdk, Rule(Tool.NET_RUN, Fault.ERROR_EXIT, model="beta"))
    spec = json.loads(lab.spec(socs=["sa8255"]).model_dump_json())
    runs = {
        "partial": await started("sweep/sweep", spec=spec),
        "complete": await started(
            "profile/profile-network", dlc=str(lab.folder / "alpha.dlc"), soc="sa8255", run_id="one"
        ),
        "refused": await started("sweep/sweep", spec=spec, site=str(nowhere)),
        "checked": await started("flight-check/flight-check"),
    }
    said = prefect(
        "worker", "start", "--pool", POOL, "--run-once", QHAS_SITE=str(lab.site_file), **s3.environ()
    )
    states = {name: (await ended(run)).state for name, run in runs.items()}
    kinds = {name: state.type.value for name, state in states.items() if state}
    assert kinds == {
        "partial": "FAILED",
        "complete": "COMPLETED",
        "refused": "FAILED",
        "checked": "COMPLETED",
    }, said.stdout + said.stderr
    secret, key_id = s3.secret_key.encode(), s3.access_key.encode()
    objects = dict(stored(s3, bucket))
    kept = database()
    assert len(objects) > 10
    assert b"ui.perfetto.dev" not in kept  # moto speaks plain HTTP, which Perfetto's page cannot open
    assert b"X-Amz-Expires" in kept or b"Signature=" in kept
    assert secret not in kept
    assert secret not in (said.stdout + said.stderr).encode()
    for key, content in objects.items():
        assert secret not in content, key
        assert key_id not in content, key
