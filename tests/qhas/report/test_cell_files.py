"""A cell's page is built from stored files and the run before, and from what is left if some are gone."""

from __future__ import annotations

import gzip
import json
from hashlib import sha256
from pathlib import Path

import pytest

from fakes.profiles import chrometrace, op_event, qhas
from fakes.records import record, run_record
from qhas.diff.runs import compare_cells
from qhas.network.network import Graph, Network
from qhas.report.gather import Baseline, CellFiles, read_baseline, read_contents, understood
from qhas.runs import keys
from qhas.runs.record import CellRecord, GraphRecord, ModelFacts
from qhas.store import Artifact, Store
from tests.qhas.diff.networks import Layer, network
from tests.qhas.report.cell_pages import drawn, put_run


def stored(store: Store, cell: CellRecord, **contents: bytes) -> CellRecord:
    """The record, with files under these artifact names in the store."""
    artifacts = [
        Artifact(
            name=name.rpartition("/")[2],
            path=f"{name}.gz",
            sha256=sha256(content).hexdigest(),
            size=len(content),
        )
        for name, content in contents.items()
    ]
    for name, content in contents.items():
        store.write(f"{keys.cell(cell.run_id, cell.cell)}/{name}.gz", gzip.compress(content))
    kept = cell.model_copy(update={"artifacts": artifacts})
    store.write(keys.manifest(keys.cell(cell.run_id, cell.cell)), kept.model_dump_json().encode())
    return kept


def read_files(store: Store, cell: CellRecord, baseline: Baseline | None) -> CellFiles:
    return understood(read_contents(store, cell, baseline))


def test_a_cell_is_compared_with_the_last_finished_run_of_its_sweep(store: Store) -> None:
    for run_id, days in (("nightly-0", -2), ("nightly-last", -1), ("nightly-1", 0)):
        put_run(store, run_id, days)
    document = json.dumps(qhas()).encode()
    stored(store, record(run_id="nightly-last"), qhas=document)
    cell = stored(store, record(), qhas=document)
    baseline = read_baseline(store, run_record(), [cell])
    files = read_files(store, cell, baseline)
    assert files.diff is not None
    assert (files.diff.before.label, files.diff.time.change) == ("nightly-last", 0)


def test_a_network_that_changed_is_told_on_the_page_as_compare_tells_it(store: Store) -> None:
    for run_id, days in (("nightly-0", -1), ("nightly-1", 0)):
        put_run(store, run_id, days)
    document = json.dumps(qhas()).encode()
    plain, dilated = ([Layer("conv", attributes={"dilation": [by, by]})] for by in (1, 4))
    made = [
        stored(
            store,
            record(run_id=run_id, model=ModelFacts(dlc="/models/net.dlc", sha256=digest * 64, size=9)),
            qhas=document,
            network=network(layers).model_dump_json().encode(),
        )
        for run_id, layers, digest in (("nightly-0", plain, "a"), ("nightly-1", dilated, "b"))
    ]
    files = read_files(store, made[1], read_baseline(store, run_record(), [made[1]]))
    assert files.diff is not None
    told = compare_cells(store, *made)
    assert "dilation 1x1 → 4x4 in Conv2d conv" in files.diff.sentence
    assert [each.sentence for each in files.diff.circumstances] == [
        each.sentence for each in told.circumstances
    ]


@pytest.mark.parametrize("named", [("prefill", "decode"), ("decode", "prefill"), ("2", "1")], ids="-".join)
def test_each_graph_of_several_is_compared_by_its_own_part_of_the_network(
    store: Store, named: tuple[str, str]
) -> None:
    """Matched by its name in the DLC, in whatever order, or by its place if the DLC has no graph of that name."""
    for run_id, days in (("nightly-0", -1), ("nightly-1", 0)):
        put_run(store, run_id, days)
    document = json.dumps(qhas()).encode()
    graphs = [
        GraphRecord(name=name, folder=name, schematic_sha256="0" * 64) for name in ("prefill", "decode")
    ]

    def put(run_id: str, dilation: int) -> list[CellRecord]:
        """Store a cell whose decode graph has a convolution with that dilation."""
        layers = {
            name: Layer("conv", attributes={"dilation": [dilation if name in ("decode", "1") else 1] * 2})
            for name in named
        }
        parts = [
            Graph(name=name, ops=made.ops, tensors=made.tensors)
            for name, layer in layers.items()
            for made in network([layer]).graphs
        ]
        cell = record(
            run_id=run_id,
            graphs=graphs,
            model=ModelFacts(dlc="/models/net.dlc", sha256=f"{dilation}" * 64, size=9),
        )
        files = {f"{graph.name}/qhas": document for graph in graphs}
        both = Network(graphs=tuple(parts)).model_dump_json().encode()
        return stored(store, cell, network=both, **files).by_graph()

    before, after = put("nightly-0", 1), put("nightly-1", 4)
    prefill, decode = (compare_cells(store, *sides).sentence for sides in zip(before, after, strict=True))
    assert "dilation" not in prefill
    assert "not recorded" not in prefill
    assert "dilation 1x1 → 4x4 in Conv2d conv" in decode
    page = read_files(store, after[1], read_baseline(store, run_record(), [after[1].whole]))
    assert page.diff is not None
    assert "dilation 1x1 → 4x4 in Conv2d conv" in page.diff.sentence


def test_without_an_earlier_run_there_is_no_comparison(store: Store) -> None:
    put_run(store, "nightly-1", 0)
    cell = stored(store, record(), qhas=json.dumps(qhas()).encode())
    assert read_baseline(store, run_record(), [cell]) is None
    assert read_files(store, cell, None).ops is not None


def test_a_record_without_a_picture_gets_one_from_its_trace(store: Store) -> None:
    cell = stored(store, record(), chrometrace=chrometrace().encode())
    picture = read_files(store, cell, None).timeline
    assert picture is not None
    assert picture.end_cycle == 150


def test_a_stored_picture_is_shown_without_the_trace(store: Store, tmp_path: Path) -> None:
    picture = drawn(tmp_path, op_event())
    cell = stored(store, record(), timeline=picture.model_dump_json().encode())
    assert read_files(store, cell, None).timeline == picture


@pytest.mark.parametrize("content", [b"", b"{}", b"no JSON"])
def test_files_that_cannot_be_read_cost_their_part_of_the_page_only(store: Store, content: bytes) -> None:
    cell = stored(store, record(), timeline=content, qhas=content, chrometrace=content)
    assert read_files(store, cell, None) == CellFiles()


def test_files_that_are_gone_cost_their_part_of_the_page_only(store: Store) -> None:
    assert read_files(store, record(), None) == CellFiles()
