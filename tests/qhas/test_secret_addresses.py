"""A network at an address with a password is fetched, and the password is in no record and no sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from fakes.records import model, record
from qhas.cell.inputs import gather_inputs
from qhas.cell.resume import finished_cells, sdk_facts
from qhas.failures import InvalidInput, StepFailed
from qhas.runs import keys
from qhas.runs.stored import begin_run, read_run
from qhas.store import Store, StoreError
from qhas.sweep.plan import plan_sweep
from qhas.sweep.spec import ModelRef, SweepSpec, load_sweep
from tests.qhas.lab.test_lab import lab_with

PASSWORD = "open/se@same"
ADDRESS = f"memory://ali:{PASSWORD}@cave/net.dlc"
MASKED = "memory://...@cave/net.dlc"
RUN = "nightly-1"


@pytest.fixture(autouse=True)
def network() -> Iterator[None]:
    fs, path = fsspec.core.url_to_fs(ADDRESS)
    fs.pipe_file(path, b"dlc")
    yield
    fs.store.clear()


def sweep(address: str = ADDRESS) -> SweepSpec:
    return SweepSpec(name="nightly", models=[ModelRef(name="net", dlc=address)], socs=["sm8750"])


async def test_it_is_fetched_and_recorded_without_the_password(tmp_path: Path) -> None:
    source, facts = await lab_with(tmp_path).model(model(dlc=ADDRESS))
    assert source.path.read_bytes() == b"dlc"
    assert source.path.name == "net.dlc"
    assert facts.dlc == MASKED


async def test_a_run_is_resumed_though_its_records_do_not_know_the_password(tmp_path: Path) -> None:
    lab = lab_with(tmp_path)
    plan = plan_sweep(sweep())
    begin_run(lab.store, RUN, plan, lab.site, sdk_facts(lab))
    _, facts = await lab.model(model(dlc=ADDRESS))
    (cell,) = plan.cells
    made = record(cell, model=facts, sdk=sdk_facts(lab)).model_copy(update={"run_id": RUN, "artifacts": []})
    content = made.model_dump_json()
    assert PASSWORD not in content
    lab.store.write(keys.manifest(keys.cell(RUN, cell)), content.encode())

    again = lab_with(tmp_path)
    begun = begin_run(again.store, RUN, plan_sweep(sweep()), again.site, sdk_facts(again))
    done = await finished_cells(again, RUN, plan.cells)
    assert list(done) == [cell.key]
    assert done[cell.key].cell.model.dlc == ADDRESS  # from where a suspicious latency is measured again
    assert begun.spec.models[0].dlc == ADDRESS
    stored = read_run(again.store, RUN)
    assert stored
    assert stored.spec.models[0].dlc == MASKED


def test_another_network_at_another_address_is_another_spec(tmp_path: Path) -> None:
    lab = lab_with(tmp_path)
    begin_run(lab.store, RUN, plan_sweep(sweep()), lab.site, sdk_facts(lab))
    with pytest.raises(InvalidInput, match="another spec") as refused:
        begin_run(
            lab.store,
            RUN,
            plan_sweep(sweep(ADDRESS.replace("net.", "other.")), look_up=False),
            lab.site,
            sdk_facts(lab),
        )
    assert "same" not in str(refused.value)


async def test_what_is_not_there_is_named_without_the_password(tmp_path: Path) -> None:
    gone = ADDRESS.replace("net.", "gone.")
    with pytest.raises(InvalidInput, match=r"no file memory://\.\.\.@cave/gone\.dlc"):
        plan_sweep(sweep(gone))
    with pytest.raises(StepFailed) as failed:
        await lab_with(tmp_path).model(model(dlc=gone))
    assert "gone.dlc cannot be read" in str(failed.value)
    assert "same" not in str(failed.value)
    assert failed.value.__suppress_context__


def test_an_input_list_at_such_an_address_is_named_without_the_password(tmp_path: Path) -> None:
    network = ModelRef(name="net", dlc="net.dlc", inputs=ADDRESS.replace("net.dlc", "gone.txt"))
    with pytest.raises(StepFailed, match=r"memory://\.\.\.@cave/gone\.txt cannot be read"):
        gather_inputs(network, Path("no.dlc"), tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "root:$6$salt$aGFzaA:19000:0:99999:7:::",
        "root:*:19000:0:99999:7:::",
        "aws_secret_access_key=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ",
    ],
)
def test_nothing_of_a_file_that_is_no_input_list_is_shown(tmp_path: Path, line: str) -> None:
    (tmp_path / "shadow").write_text(f"{line}\n")
    with pytest.raises(StepFailed, match="number 1 of the list") as failed:
        gather_inputs(
            ModelRef(name="net", dlc="net.dlc", inputs=str(tmp_path / "shadow")), Path("no.dlc"), tmp_path
        )
    shown = failed.value.failure.model_dump_json()
    assert not [word for word in line.replace(":", " ").split() if len(word) > 3 and word in shown]


@pytest.mark.parametrize(
    "text",
    [
        "root:$6$salt$aGFzaA:19000:0\n\tdaemon:*:19000\n",
        "root:$6$salt$aGFzaA:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n",
        "name: net\nrun:\n  hunter2word/b3Blbn+x=:\n",
        "password: *hunter2word\n",
        "@hunter2word\n",
        "a: b: hunter2word\n",
        "!hunter2word x\n",
        "due: 2026-13-77\nx: hunter2word\n",
        "-----BEGIN KEY-----\nb3BlbnNz: x: y\n",
    ],
)
def test_nothing_of_a_file_that_is_no_sweep_is_shown(tmp_path: Path, text: str) -> None:
    (tmp_path / "shadow").write_text(text)
    with pytest.raises(InvalidInput) as refused:
        load_sweep(tmp_path / "shadow")
    assert not [word for word in ("salt", "daemon", "hunter2word", "b3Blbn") if word in str(refused.value)]


def test_a_store_at_such_an_address_works_and_its_addresses_have_no_password() -> None:
    store = Store(ADDRESS.replace("net.dlc", "lab"))
    store.write("runs/a", b"x")
    assert store.read("runs/a") == b"x"
    assert store.root == "memory://...@cave/lab"
    assert store.url("runs/a") == "memory://...@cave/lab/runs/a"


def test_a_store_that_cannot_be_used_is_named_without_the_password() -> None:
    with pytest.raises(StoreError, match=r"nosuch://\.\.\.@cave") as refused:
        Store(ADDRESS.replace("memory:", "nosuch:"))
    assert "same" not in str(refused.value)
