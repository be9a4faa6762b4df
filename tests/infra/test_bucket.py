"""The permissions in the bucket's files suffice for all that a worker does, and each of them is needed."""

from __future__ import annotations

import copy
import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
import fsspec
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from fakes.s3 import Ceph, Fault, PolicedMotoServer, Wire, WireRule, ceph_is_installed
from infra.stack.settings import BUCKET
from qhas.failures import InvalidInput
from qhas.store import Store, StoreError, Upload
from qhas.store.patience import Patience
from qhas.store.s3 import PART
from qhas.sweep.plan import require_files
from qhas.sweep.spec import Cell, ModelRef
from qhas.upkeep.prune import PruningPolicy
from tests.infra.files import INFRA, rules
from tests.qhas.objects import keys_named

pytestmark = pytest.mark.xdist_group("s3")

NETWORKS = "qhas-networks"
IMPATIENT = Patience(total=3, answer=60, first_wait=0.05, longest_wait=0.2)
NOT_ALLOWED = "these credentials may not do that; check the bucket's policy"
needs_ceph = pytest.mark.skipif(not ceph_is_installed(), reason="radosgw and ceph-osd are not installed")


@pytest.fixture(scope="module")
def policed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PolicedMotoServer]:
    """A server with both buckets, which enforces policies except while a test's user is being created."""
    with PolicedMotoServer(tmp_path_factory.mktemp("s3")) as server:
        for name in (BUCKET, NETWORKS):
            server.client().create_bucket(Bucket=name)
        server.client().put_object(Bucket=NETWORKS, Key="alpha.dlc", Body=b"a network")
        yield server


class Become:
    """A callable that turns this process into a user of the policed server."""

    def __init__(self, server: PolicedMotoServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self._server, self._monkeypatch = server, monkeypatch

    def __call__(self, policy: dict[str, Any], endpoint: str | None = None) -> None:
        """Set the AWS variables to those of a new user with this policy, and enforce it."""
        self._server.enforce(False)
        variables = self._server.user(f"user-{time.monotonic_ns()}", policy)
        put_on(variables | ({"AWS_ENDPOINT_URL": endpoint} if endpoint else {}), self._monkeypatch)
        fsspec.get_filesystem_class("s3").clear_instance_cache()  # it would keep the last user's keys
        self._server.enforce()


@pytest.fixture
def become(policed: PolicedMotoServer, monkeypatch: pytest.MonkeyPatch) -> Become:
    return Become(policed, monkeypatch)


def put_on(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def work(store: Store, folder: Path) -> None:
    """Do everything that flows, tasks and pruning require of a store."""
    store.require_writable()
    prefix = f"runs/{time.monotonic_ns()}/alpha/sa8255/default"
    files = []
    for name, size in (("small.json", 10), ("large.bin", PART + 1)):
        (source := folder / name).write_bytes(b"x" * size)
        files.append(Upload(name, source, name))
    stored = store.upload(prefix, files)
    assert not store.exists(f"{prefix}/manifest.json")
    assert store.write(f"{prefix}/manifest.json", b"{}", only_if_absent=True)
    store.fetch(f"{prefix}/large.bin", folder / "fetched", stored[1].sha256)
    assert keys_named(store, prefix, "manifest.json") == [f"{prefix}/manifest.json"]
    assert prefix.split("/")[1] in store.children("runs")
    assert store.link(f"{prefix}/large.bin")
    store.remove([f"{prefix}/small.json"])
    store.delete(prefix)
    assert store.objects(prefix) == []


def without(policy: dict[str, Any], sid: str, action: str) -> dict[str, Any]:
    """Return the policy with one permission removed."""
    less = copy.deepcopy(policy)
    [statement] = [each for each in less["Statement"] if each["Sid"] == sid]
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    actions.remove(action)
    statement["Action"] = actions
    less["Statement"] = [each for each in less["Statement"] if each["Action"]]
    return less


def cell(dlc: str) -> Cell:
    return Cell(model=ModelRef(name="alpha", dlc=f"s3://{NETWORKS}/{dlc}"), soc="sa8255")


def test_a_workers_rights_are_enough(become: Become, tmp_path: Path) -> None:
    become(rules("iam-worker"))
    work(Store(f"s3://{BUCKET}", IMPATIENT), tmp_path)
    require_files([cell("alpha.dlc")])


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"])
def test_with_one_right_to_artifacts_less_a_worker_is_told_so(
    become: Become, tmp_path: Path, action: str
) -> None:
    become(without(rules("iam-worker"), "KeepArtifacts", action))
    with pytest.raises(StoreError, match=NOT_ALLOWED):
        work(Store(f"s3://{BUCKET}", IMPATIENT), tmp_path)


def test_without_the_right_to_list_a_worker_finds_nothing(become: Become, tmp_path: Path) -> None:
    become(without(rules("iam-worker"), "SeeWhatIsThere", "s3:ListBucket"))
    with pytest.raises(StoreError, match=NOT_ALLOWED):
        work(Store(f"s3://{BUCKET}", IMPATIENT), tmp_path)


@pytest.mark.parametrize("may_abort", [True, False])
def test_an_upload_that_breaks_off_leaves_nothing_if_it_may_be_aborted(
    policed: PolicedMotoServer, become: Become, tmp_path: Path, may_abort: bool
) -> None:
    worker = rules("iam-worker")
    policy = worker if may_abort else without(worker, "KeepArtifacts", "s3:AbortMultipartUpload")
    (source := tmp_path / "large.bin").write_bytes(b"x" * (PART * 2))
    with Wire(policed.port) as wire:
        become(policy, wire.endpoint)
        wire.order(WireRule(Fault.DENY, method="PUT", part="partNumber", times=None))
        with pytest.raises(StoreError, match=NOT_ALLOWED):
            Store(f"s3://{BUCKET}", IMPATIENT).upload("runs/broken", [Upload("large", source, "large.bin")])
    policed.enforce(False)
    left = policed.client().list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    assert len(left) == (0 if may_abort else 1)
    for upload in left:
        policed.client().abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])


@pytest.mark.parametrize(("sid", "dlc"), [("ReadNetworks", "alpha.dlc"), ("SeeNetworks", "missing.dlc")])
def test_without_a_right_to_networks_their_absence_and_their_being_closed_are_one(
    become: Become, sid: str, dlc: str
) -> None:
    become(rules("iam-worker"))
    if sid == "SeeNetworks":
        with pytest.raises(InvalidInput, match="There is no file"):
            require_files([cell(dlc)])
    action = {"ReadNetworks": "s3:GetObject", "SeeNetworks": "s3:ListBucket"}[sid]
    become(without(rules("iam-worker"), sid, action))
    with pytest.raises(InvalidInput, match="cannot be accessed"):
        require_files([cell(dlc)])


def client() -> Any:
    return botocore.session.get_session().create_client("s3", config=Config(s3={"addressing_style": "path"}))


BEYOND: dict[str, Callable[[Any], object]] = {
    "list buckets": lambda s3: s3.list_buckets(),
    "make a bucket": lambda s3: s3.create_bucket(Bucket="another"),
    "remove the bucket": lambda s3: s3.delete_bucket(Bucket=BUCKET),
    "change its policy": lambda s3: s3.put_bucket_policy(Bucket=BUCKET, Policy="{}"),
    "change its lifecycle": lambda s3: s3.put_bucket_lifecycle_configuration(
        Bucket=BUCKET, LifecycleConfiguration=rules("lifecycle")
    ),
    "change versioning": lambda s3: s3.put_bucket_versioning(
        Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"}
    ),
    "change a network": lambda s3: s3.put_object(Bucket=NETWORKS, Key="alpha.dlc", Body=b""),
    "remove a network": lambda s3: s3.delete_object(Bucket=NETWORKS, Key="alpha.dlc"),
}


@pytest.mark.parametrize("deed", BEYOND)
def test_a_worker_may_not(become: Become, deed: str) -> None:
    become(rules("iam-worker"))
    with pytest.raises(ClientError, match="AccessDenied"):
        BEYOND[deed](client())


def test_a_reader_reads_and_writes_nothing(
    policed: PolicedMotoServer, become: Become, tmp_path: Path
) -> None:
    policed.enforce(False)
    policed.client().put_object(Bucket=BUCKET, Key="runs/one/sweep.json", Body=b"{}")
    become(rules("iam-reader"))
    store = Store(f"s3://{BUCKET}", IMPATIENT)
    assert (store.children("runs/one"), store.read("runs/one/sweep.json")) == (["sweep.json"], b"{}")
    for write in (lambda: store.write("runs/two", b""), lambda: store.remove(["runs/one/sweep.json"])):
        with pytest.raises(StoreError):
            write()
    with pytest.raises(ClientError, match="AccessDenied"):
        client().get_object(Bucket=NETWORKS, Key="alpha.dlc")


def test_a_wrong_key_is_told(become: Become, monkeypatch: pytest.MonkeyPatch) -> None:
    become(rules("iam-worker"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(StoreError, match="the credentials are refused"):
        Store(f"s3://{BUCKET}", IMPATIENT).require_writable()


@pytest.fixture
def ceph(tmp_path: Path) -> Iterator[Ceph]:
    """A gateway on which a day of a lifecycle rule lasts a second."""
    (folder := tmp_path / "ceph").mkdir()
    with Ceph(folder, 1 << 30, lifecycle_day_seconds=1) as server:
        server.client().create_bucket(Bucket=BUCKET)
        yield server


@pytest.mark.slow
@needs_ceph
def test_on_ceph_the_buckets_policy_gives_workers_and_readers_their_rights(
    ceph: Ceph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = {name: ceph.user(name) for name in ("qhas-worker", "qhas-reader", "stranger")}
    ceph.client().put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(rules("ceph-bucket-policy")))
    put_on(users["qhas-worker"], monkeypatch)
    store = Store(f"s3://{BUCKET}", IMPATIENT)
    work(store, tmp_path)
    store.write("runs/one/sweep.json", b"{}")
    put_on(users["qhas-reader"], monkeypatch)
    reader = Store(f"s3://{BUCKET}", IMPATIENT)
    link = reader.link("runs/one/sweep.json")
    assert link
    with urllib.request.urlopen(link, timeout=600) as answer:
        assert answer.read() == b"{}"
    with pytest.raises(StoreError, match=NOT_ALLOWED):
        reader.write("runs/two", b"")
    put_on(users["stranger"], monkeypatch)
    with pytest.raises(StoreError, match=NOT_ALLOWED):
        Store(f"s3://{BUCKET}", IMPATIENT).read("runs/one/sweep.json")


def work_without(action: str, ceph: Ceph, monkeypatch: pytest.MonkeyPatch) -> None:
    """Become the worker, with one permission removed."""
    put_on(ceph.user("qhas-worker"), monkeypatch)
    policy = without(rules("ceph-bucket-policy"), "WorkersKeepArtifacts", action)
    ceph.client().put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))


@pytest.mark.slow
@needs_ceph
@pytest.mark.parametrize("action", ["s3:PutObject", "s3:DeleteObject"])
def test_on_ceph_one_right_less_is_told(
    ceph: Ceph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    work_without(action, ceph, monkeypatch)
    with pytest.raises(StoreError, match=NOT_ALLOWED):
        work(Store(f"s3://{BUCKET}", IMPATIENT), tmp_path)


@pytest.mark.slow
@needs_ceph
def test_on_ceph_who_may_not_read_is_told_of_what_others_wrote(
    ceph: Ceph, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_without("s3:GetObject", ceph, monkeypatch)
    ceph.client().put_object(Bucket=BUCKET, Key="runs/one/sweep.json", Body=b"{}")
    with pytest.raises(StoreError, match=NOT_ALLOWED):
        Store(f"s3://{BUCKET}", IMPATIENT).read("runs/one/sweep.json")


@pytest.mark.slow
@needs_ceph
def test_on_ceph_nobody_comes_over_plain_http_once_the_bucket_says_so(
    ceph: Ceph, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on(ceph.user("qhas-worker"), monkeypatch)
    statements = [*rules("ceph-bucket-policy")["Statement"], *rules("bucket-policy")["Statement"]]
    policy = {"Version": "2012-10-17", "Statement": statements}
    ceph.client().put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    with pytest.raises(StoreError, match=NOT_ALLOWED):
        Store(f"s3://{BUCKET}", IMPATIENT).read("runs/one/sweep.json")


@pytest.mark.slow
@needs_ceph
def test_on_ceph_the_lifecycle_takes_uploads_that_broke_off_and_nothing_that_is_stored(ceph: Ceph) -> None:
    s3 = ceph.client()
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration=rules("lifecycle"))
    s3.put_object(Bucket=BUCKET, Key="runs/one/sweep.json", Body=b"{}")
    for key in (
        "runs/one/large.bin",
        "runs/one/larger.bin",
    ):  # once the second is gone, the lifecycle has passed over everything again
        s3.create_multipart_upload(Bucket=BUCKET, Key=key)
        deadline = time.monotonic() + 600  # a pass of the lifecycle takes seconds
        while s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads") and time.monotonic() < deadline:
            time.sleep(1)
        assert not s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads")
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [
        "runs/one/sweep.json"
    ]


def test_no_rule_of_the_lifecycle_takes_what_a_record_may_name() -> None:
    for rule in rules("lifecycle")["Rules"]:
        assert not rule.get("Expiration", {}).keys() - {"ExpiredObjectDeleteMarker"}
        assert "Transitions" not in rule


def test_ceph_gives_the_rights_that_iam_gives() -> None:
    ceph = {each["Sid"]: each for each in rules("ceph-bucket-policy")["Statement"]}
    worker, reader = (
        {each["Sid"]: each for each in rules(n)["Statement"]} for n in ("iam-worker", "iam-reader")
    )
    assert ceph["WorkersKeepArtifacts"]["Action"] == worker["KeepArtifacts"]["Action"]
    assert ceph["ReadersReadArtifacts"]["Action"] == reader["ReadArtifacts"]["Action"]
    assert worker["SeeWhatIsThere"]["Action"] == reader["SeeWhatIsThere"]["Action"] == "s3:ListBucket"


def test_every_file_is_for_the_bucket_of_the_stack() -> None:
    for name in ("iam-worker", "iam-reader", "bucket-policy", "ceph-bucket-policy"):
        named = set(re.findall(r"arn:aws:s3:::([\w-]+)", json.dumps(rules(name))))
        assert BUCKET in named <= {BUCKET, NETWORKS}


def test_the_readme_says_what_pruning_keeps() -> None:
    text, policy = (INFRA / "bucket" / "README.md").read_text(), PruningPolicy()
    assert f"| chrometraces, HTP graphs, QHAS pages | {policy.traces.days} days |" in text
    assert f"| logs, schematics, output tensors, device logs | {policy.replay.days} days |" in text
    assert f"| prepared graphs | {policy.prepared.days} days since their last use |" in text
