"""What users write and stores contain: specs, sites, input lists, DLCs, records, Parquet."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from fakes.dlc import make_dlc
from fakes.records import measured, model, run_record, spec
from hostsdk.dlc.dlc import Dlc
from hostsdk.errors import ToolError
from hostsdk.input_list import parse as parse_list
from hostsdk.viewer.framework import FrameworkError, framework_names
from qhas.cell.dlc import prepared_graphs
from qhas.cell.inputs import gather_inputs
from qhas.failures import InvalidInput, StepFailed
from qhas.history import Where, read_history
from qhas.history.damage import DamagedFile
from qhas.network.dlc import read_network
from qhas.runs import keys
from qhas.runs.stored import load_run, stored_cells
from qhas.site import load_site
from qhas.store import Store
from qhas.sweep.plan import plan_sweep
from qhas.sweep.spec import load_sweep
from qhas.upkeep.prune import PruningPolicy, plan_pruning
from qhas.upkeep.verify import verify_run
from tests.fuzz.fuzzing import SECONDS, fuzz
from tests.fuzz.test_profiles import NOW, from_file, stored
from tests.qhas.history.test_damage import GOOD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(int(SECONDS) + 600)]
ROOT = Path(__file__).parents[2]


def test_specs(tmp_path: Path) -> None:
    seeds = [path.read_bytes() for path in sorted((ROOT / "examples").glob("*.yaml"))]

    def read(path: Path) -> None:
        plan_sweep(load_sweep(path), look_up=False)

    fuzz([*seeds, *stored("inputs/*.yaml")], from_file(tmp_path, "sweep.yaml", read), InvalidInput)


def test_sites(tmp_path: Path) -> None:
    site = (
        b"store: s3://lab/store\nsdk: {root: /opt/qairt}\nviewer: host\ngate: {max_celsius: 45}\ndevices:\n"
        b"  - {name: rack-1, soc: sm8750, transport: adb, address: 'R58N:5555'}\n"
        b"  - {name: board, soc: qcs9100, transport: ssh, address: 'root@10.0.0.2'}\n"
    )
    seeds = [site, *(path.read_bytes() for path in sorted((ROOT / "examples").glob("*.yaml")))]
    fuzz(seeds, from_file(tmp_path, "site.yaml", lambda path: load_site(path, {})), InvalidInput)


def test_input_lists(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(b"raw")
    (staged := tmp_path / "staged").mkdir()
    seeds = [b"a.raw\n", b"#conv\n%out\ninput:=a.raw other:=a.raw\na.raw\n", b"\xef\xbb\xbfa.raw\r\n"]
    dlc = tmp_path / "none.dlc"

    def read(path: Path) -> None:
        with_model = model(dlc=str(dlc), inputs=str(path))
        gather_inputs(with_model, dlc, staged)

    fuzz(seeds, from_file(tmp_path, "list.txt", parse_list), ToolError, share=0.5)
    fuzz(seeds, from_file(tmp_path, "list.txt", read), StepFailed, share=0.5)


def test_dlcs(tmp_path: Path, prepared_dlc: bytes) -> None:
    seeds = [
        (ROOT / "hostsdk" / "trial.dlc").read_bytes(),
        prepared_dlc,
        make_dlc(tmp_path / "seed.dlc").read_bytes(),
        *stored("inputs/*.dlc", "data/vendor/*.dlc"),
    ]

    def tools(path: Path) -> None:
        dlc = Dlc(path)
        dlc.check()
        dlc.copy_without_caches(tmp_path / "copy.dlc", ["sm8750", *dlc.cached_socs()])
        for name in dlc.names():
            dlc.digest(name)

    fuzz(seeds, from_file(tmp_path, "net.dlc", tools), ToolError, share=0.4)
    fuzz(seeds, from_file(tmp_path, "net.dlc", prepared_graphs), ValueError, share=0.2)
    fuzz(seeds, from_file(tmp_path, "net.dlc", read_network), ValueError, share=0.2)
    names = from_file(tmp_path, "net.dlc", lambda path: framework_names(path, "net"))
    fuzz(seeds, names, FrameworkError, share=0.2)


def test_records() -> None:
    store, run = Store("memory://fuzzed"), run_record()
    (cell,) = plan_sweep(spec(), look_up=False).cells
    whole, part = run.model_dump_json().encode(), measured(cell, run_id=run.run_id).model_dump_json().encode()
    place = keys.manifest(keys.cell(run.run_id, cell))

    def read(content: bytes) -> None:
        kind = keys.sweep_record(run.run_id) if b'"spec"' in content else place
        store.write(keys.sweep_record(run.run_id), whole)
        store.write(place, part)
        store.write(kind, content)
        stored_cells(store, run.run_id, [cell])
        verify_run(store, run.run_id)
        plan_pruning(store, PruningPolicy(), NOW, frozenset())
        load_run(store, run.run_id)

    fuzz([whole, part, json.dumps(json.loads(part), indent=2).encode()], read, InvalidInput)


def test_parquet() -> None:
    store, named = Store("memory://parquet"), list[DamagedFile]()

    def read(content: bytes) -> None:
        store.write("history/date=2026-03-01/night.parquet", content)
        read_history(store, Where(), left_out=named.append)

    assert io.BytesIO(GOOD).read(4) == b"PAR1"
    fuzz([GOOD, *stored("inputs/*.parquet")], read)
