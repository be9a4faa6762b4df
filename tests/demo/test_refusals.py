"""Input that cannot be run is refused with a clear message and leaves other cells unharmed. On the host SDK."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnx
import pytest

from qhas.cell.prepared import EMULATED
from qhas.failures import FailureKind, Step
from qhas.runs import keys
from qhas.runs.record import CellRecord, CellStatus, SweepRecord, SweepState
from qhas.runs.stored import load_run
from qhas.site.sdk import HOST_TARGET, host_sdk_root
from qhas.store import Store
from tests.demo.conftest import QHAS, environment
from tests.hostsdk import networks

pytestmark = [pytest.mark.hostsdk, pytest.mark.server, pytest.mark.xdist_group("refusals")]

GOOD = "good/sa8255/default"
SAME_BYTES = "same_bytes/sa8255/default"
OTHER_BYTES = "other_bytes/sa8255/default"
HOSTILE_NAMES = "hostile_names/sa8255/default"
HOSTILE_OP = "relu<script>alert(1)</script>[/red];$(touch executed)"
SECRETS = {"AWS_SECRET_ACCESS_KEY": "of-the-store-1f0c", "MY_TOKEN": "of-the-shell-77b2"}
SECRET_OF_THE_SITE = {"LICENSE_TOKEN": "of-the-site-5e9d"}


@dataclass(frozen=True)
class Refusal:
    """How a bad cell must fail, and what its message must say."""

    kind: FailureKind
    step: Step
    says: str


UNREADABLE_DLC = Refusal(FailureKind.MODEL_REJECTED, Step.PREPARE, "not a DLC")
BAD_DLCS = {
    "noise": UNREADABLE_DLC,
    "no_bytes": UNREADABLE_DLC,
    "cut_short": UNREADABLE_DLC,
    "no_records": Refusal(FailureKind.MODEL_REJECTED, Step.PREPARE, "holds no network"),
    "flipped_bits": Refusal(FailureKind.MODEL_REJECTED, Step.PREPARE, "cannot be read"),
}
BAD_LISTS = {
    "wrong_name": ("nope:=x.raw", Refusal(FailureKind.INPUT_REJECTED, Step.NET_RUN, "'nope' does not fit")),
    "wrong_size": ("x:=short.raw", Refusal(FailureKind.INPUT_REJECTED, Step.NET_RUN, "has 100 bytes")),
    "no_file": ("x:=absent.raw", Refusal(FailureKind.INPUT_UNREADABLE, Step.NET_RUN, "absent.raw")),
    "no_inputs": ("", Refusal(FailureKind.INPUT_REJECTED, Step.NET_RUN, "names no input")),
    "no_output": (
        "#nope\nx:=x.raw",
        Refusal(FailureKind.INPUT_REJECTED, Step.NET_RUN, "'nope' is not an output"),
    ),
}
REFUSED = {f"{name}/sa8255/default": refusal for name, refusal in BAD_DLCS.items()}
REFUSED |= {f"{name}/sa8255/default": refusal for name, (_, refusal) in BAD_LISTS.items()}
each_refusal = pytest.mark.parametrize("key", REFUSED)


@dataclass(frozen=True)
class Swept:
    """A finished sweep of good and bad cells."""

    folder: Path
    exit_code: int
    printed: str
    run: SweepRecord
    cells: dict[str, CellRecord]

    def prepared_key(self, key: str) -> str:
        """Return the content key of a cell's prepared graph."""
        facts = self.cells[key].prepared
        assert facts is not None
        return facts.key


def qhas(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, with a home below it."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return subprocess.run(
        [str(QHAS), *arguments],
        cwd=folder,
        env=environment() | {"HOME": str(home)} | variables,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def convert(source: Path, target: Path) -> None:
    """Convert ONNX to DLC with the host SDK's own tool."""
    tool = host_sdk_root() / "bin" / HOST_TARGET / "snpe-onnx-to-dlc"
    argv = [str(tool), f"--input_network={source}", f"--output_path={target}"]
    subprocess.run(argv, cwd=source.parent, check=True, capture_output=True, timeout=900)


def rename_op(source: Path, old: str, new: str, target: Path) -> Path:
    """Write the network with another name for an op and its output."""
    model = onnx.load(source)
    for node in model.graph.node:
        node.name = new if node.name == old else node.name
        for tensors in (node.input, node.output):
            tensors[:] = [new if tensor == old else tensor for tensor in tensors]
    onnx.save(model, target)
    return target


def make_dlcs(folder: Path) -> dict[str, Path]:
    """Write DLCs by model name: four good ones, two of them with the same bytes, and every bad one."""
    awkward = folder / 'it\'s [red]"a folder" (v1); $HOME'
    awkward.mkdir()
    good = awkward / "net.dlc"
    onnx_file = networks.conv_net(folder / "net.onnx")
    convert(onnx_file, good)
    convert(rename_op(onnx_file, "relu0", HOSTILE_OP, folder / "hostile.onnx"), folder / "hostile_names.dlc")
    content = good.read_bytes()
    shutil.copy(good, folder / "same_bytes.dlc")
    (folder / "noise.dlc").write_bytes(hashlib.shake_256(b"noise").digest(len(content)))
    (folder / "no_bytes.dlc").write_bytes(b"")
    (folder / "cut_short.dlc").write_bytes(content[: len(content) // 2])
    with zipfile.ZipFile(folder / "no_records.dlc", "w") as archive:
        archive.writestr("readme.txt", "not a network")
    rewritten(good, folder / "flipped_bits.dlc", lambda network: bytes(byte ^ 0x55 for byte in network))
    convert(rename_op(onnx_file, "relu0", "another", folder / "other.onnx"), folder / "other_bytes.dlc")
    names = ("same_bytes", "other_bytes", "hostile_names", *BAD_DLCS)
    return {"good": good} | {name: folder / f"{name}.dlc" for name in names}


def rewritten(source: Path, target: Path, change: Callable[[bytes], bytes]) -> None:
    """Write a copy of a DLC with its record `model` changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for record in old.infolist():
            with old.open(record) as stream:
                stream._expected_crc = None  # type: ignore[attr-defined]
                content = stream.read()
            new.writestr(record.filename, change(content) if record.filename == "model" else content)


def make_lists(folder: Path) -> dict[str, Path]:
    """Write the input lists, by model name."""
    (folder / "x.raw").write_bytes(bytes(4 * 3 * 16 * 16))
    (folder / "short.raw").write_bytes(bytes(100))
    for name, (text, _) in BAD_LISTS.items():
        (folder / f"{name}.txt").write_text(f"{text}\n")
    return {name: folder / f"{name}.txt" for name in BAD_LISTS}


@pytest.fixture(scope="session")
def swept(prefect_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Swept:
    """One sweep over every cell that this module examines."""
    folder = tmp_path_factory.mktemp("refusals")
    (folder / "home/.prefect").mkdir(parents=True)
    shutil.copy(prefect_database, folder / "home/.prefect")
    dlcs, lists = make_dlcs(folder), make_lists(folder)
    models = [{"name": name, "dlc": str(path)} for name, path in dlcs.items()]
    models += [{"name": name, "dlc": str(dlcs["good"]), "inputs": str(path)} for name, path in lists.items()]
    others = [name for name in (*dlcs, *lists) if name != "good"]
    spec = {
        "name": "mixed",
        "models": models,
        "socs": ["sa8255", "sm8450"],
        "exclude": [{"model": name, "soc": "sm8450"} for name in others],
    }
    (folder / "sweep.yaml").write_text(json.dumps(spec))
    (folder / "site.yaml").write_text(json.dumps({"store": "store", "sdk": {"env": SECRET_OF_THE_SITE}}))
    done = qhas(folder, "sweep", "sweep.yaml", "--site", "site.yaml", "--run-id", "mixed", **SECRETS)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    run, records = load_run(Store(str(folder / "store")), "mixed")
    cells = {record.cell.key: record for record in records}
    return Swept(folder, done.returncode, done.stdout + done.stderr, run, cells)


@each_refusal
def test_a_bad_cell_fails_with_its_own_kind_and_a_message_that_says_what_is_wrong(
    swept: Swept, key: str
) -> None:
    failure = swept.cells[key].failure
    expected = REFUSED[key]
    assert failure is not None
    assert (failure.kind, failure.step) == (expected.kind, expected.step)
    assert expected.says in failure.message
    assert failure.hint


@each_refusal
def test_what_cannot_get_better_is_not_tried_again(swept: Swept, key: str) -> None:
    attempts = [attempt for attempt in swept.cells[key].attempts if attempt.step is REFUSED[key].step]
    assert len(attempts) == 1


@each_refusal
def test_a_bad_cell_is_named_with_its_kind_in_what_is_printed(swept: Swept, key: str) -> None:
    cell = swept.cells[key].cell
    assert f"{REFUSED[key].kind} {cell.model.name} on {cell.soc}: " in swept.printed


@pytest.mark.parametrize("key", [GOOD, SAME_BYTES, OTHER_BYTES, HOSTILE_NAMES])
def test_good_cells_beside_bad_ones_are_complete(swept: Swept, key: str) -> None:
    record = swept.cells[key]
    assert record.status is CellStatus.COMPLETE
    assert record.metrics is not None
    assert record.metrics.time_us > 0


def test_the_command_ends_with_1_and_the_run_is_partial(swept: Swept) -> None:
    assert swept.exit_code == 1
    assert swept.run.state is SweepState.PARTIAL
    assert swept.run.failed == sum(record.failure is not None for record in swept.cells.values())
    assert "Traceback" not in swept.printed


def test_every_stored_file_is_in_the_record_beside_it_with_its_digest(swept: Swept) -> None:
    root = swept.folder / "store" / "runs" / "mixed"
    for record in swept.cells.values():
        folder = root / record.cell.key
        stored = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert stored == {artifact.path for artifact in record.artifacts} | {keys.MANIFEST}
        for artifact in record.artifacts:
            assert hashlib.sha256((folder / artifact.path).read_bytes()).hexdigest() == artifact.sha256


def test_only_graphs_that_were_prepared_whole_are_in_the_store(swept: Swept) -> None:
    folders = (swept.folder / "store" / "prepared").iterdir()
    held = [folder for folder in folders if any(path.is_file() for path in folder.rglob("*"))]
    assert all((folder / keys.MANIFEST).is_file() for folder in held)
    graphs = {folder.name for folder in held if not any(folder.rglob(EMULATED))}
    assert graphs == {record.prepared.key for record in swept.cells.values() if record.prepared}
    executed = {
        (record.prepared.key, record.cell.model.name)  # random inputs depend on the name
        for record in swept.cells.values()
        if record.prepared and any(artifact.name == "output_tensor" for artifact in record.artifacts)
    }
    assert len(held) - len(graphs) == 2 * len(executed)  # log and outputs of each run, no two of one program


def test_a_graph_belongs_to_the_bytes_of_its_dlc_wherever_they_lie(swept: Swept) -> None:
    assert swept.prepared_key(SAME_BYTES) == swept.prepared_key(GOOD)
    assert swept.prepared_key(OTHER_BYTES) != swept.prepared_key(GOOD)


def test_names_of_ops_are_never_markup_nor_commands(swept: Swept) -> None:
    record = swept.cells[HOSTILE_NAMES]
    folder = swept.folder / "store" / "runs" / "mixed" / record.cell.key
    pages = [swept.folder / "store" / "reports" / "mixed" / "index.html", *folder.glob("*.html")]
    assert len(pages) == 2
    assert not any("<script>alert" in page.read_text() for page in pages)
    assert "alert(1)" in gzip.decompress((folder / "chrometrace.json.gz").read_bytes()).decode()
    assert list(swept.folder.rglob("executed")) == []


def test_secrets_of_shell_and_site_reach_no_file_and_no_output(swept: Swept) -> None:
    """The search covers the store's files, compressed ones included, and Prefect's database and log."""
    files = [path for path in swept.folder.rglob("*") if path.is_file() and path.name != "site.yaml"]
    assert any(path.name == "prefect.db" for path in files)
    for value in (SECRETS | SECRET_OF_THE_SITE).values():
        assert value not in swept.printed
        assert [str(path) for path in files if value.encode() in _plain_bytes(path)] == []


def _plain_bytes(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_a_soc_without_a_supported_estimate_says_so_and_how_to_ask_for_one(swept: Swept) -> None:
    failure = swept.cells["good/sm8450/default"].failure
    assert failure is not None
    assert failure.kind is FailureKind.TIMELINE_MISSING
    assert "supported" in failure.message + failure.hint


@pytest.mark.parametrize(
    ("key", "file"), [("noise/sa8255/default", "noise.dlc"), ("wrong_size/sa8255/default", "short.raw")]
)
def test_a_message_names_the_users_own_file(swept: Swept, key: str, file: str) -> None:
    failure = swept.cells[key].failure
    assert failure is not None
    assert file in failure.message


def test_the_id_of_a_run_of_another_sweep_is_refused(swept: Swept) -> None:
    spec = json.loads((swept.folder / "sweep.yaml").read_text())
    spec |= {"models": spec["models"][:1], "socs": ["sa8255"], "exclude": []}
    (swept.folder / "other.yaml").write_text(json.dumps(spec))
    done = qhas(swept.folder, "sweep", "other.yaml", "--site", "site.yaml", "--run-id", "mixed")
    assert done.returncode == 2
    assert "started with another spec" in done.stderr
    assert "not measured" not in done.stdout
