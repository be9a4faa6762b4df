"""The network in a DLC's own records: what is read, and what damaged bytes end in."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

import pytest

from qhas.network.dlc import read_network
from qhas.network.network import Network, Role

INPUTS = Path(__file__).parents[4] / "shared" / "inputs"
SAMPLE = INPUTS / "int32-input.dlc"
needs_sample = pytest.mark.skipif(not SAMPLE.is_file(), reason="the shared inputs are not on this machine")


def rewritten(target: Path, **records: bytes) -> Path:
    """The sample with other contents of some records."""
    with zipfile.ZipFile(SAMPLE) as source, zipfile.ZipFile(target, "w") as copy:
        for member in source.infolist():
            with source.open(member) as record:
                record._expected_crc = None  # type: ignore[attr-defined]
                copy.writestr(member.filename, records.get(member.filename, record.read()))
    return target


def content(name: str) -> bytes:
    with zipfile.ZipFile(SAMPLE) as archive, archive.open(name) as record:
        record._expected_crc = None  # type: ignore[attr-defined]
        return record.read()


@needs_sample
def test_ops_have_their_attributes_and_tensors_their_shapes_types_and_digests() -> None:
    (graph,) = read_network(SAMPLE).graphs
    assert {tensor.role for tensor in graph.tensors} >= {Role.INPUT, Role.OUTPUT}
    assert all(tensor.dtype and not tensor.dtype.startswith("0x") for tensor in graph.tensors)
    constants = [tensor for tensor in graph.tensors if tensor.weights]
    assert constants
    assert all(len(tensor.weights or "") == 32 for tensor in constants)
    assert all(set(op.inputs) | set(op.outputs) <= graph.by_name.keys() for op in graph.ops)


@needs_sample
def test_what_is_stored_reads_back_as_the_same_network() -> None:
    network = read_network(SAMPLE)
    stored = Network.model_validate_json(network.model_dump_json(exclude_defaults=True))
    assert stored == network
    assert stored.digest == network.digest


@needs_sample
def test_a_time_stamp_is_no_other_network_and_a_weight_is_one(tmp_path: Path) -> None:
    network = read_network(SAMPLE)
    stamped = rewritten(tmp_path / "stamped.dlc", **{"dlc.metadata2.3.0": b"{}"})
    assert read_network(stamped).digest == network.digest
    weights = bytearray(content("model.params.bin"))
    weights[0] ^= 1
    changed = rewritten(tmp_path / "changed.dlc", **{"model.params.bin": bytes(weights)})
    assert read_network(changed).digest != network.digest


@needs_sample
@pytest.mark.parametrize("record", ["model", "model.params", "model.params.bin"])
def test_damaged_records_end_in_one_sentence(record: str, tmp_path: Path) -> None:
    whole, chance = content(record), random.Random(7)
    damaged = [whole[: len(whole) // 2], b"", whole[:9]]
    for _ in range(60):
        flipped = bytearray(whole)
        for place in chance.choices(range(len(whole)), k=4):
            flipped[place] = chance.randrange(256)
        damaged.append(bytes(flipped))
    complaints = [complaint for one in damaged if (complaint := complaint_of(tmp_path, record, one))]
    assert complaints
    assert all(one.startswith("the network of damaged.dlc cannot be read: ") for one in complaints)


def complaint_of(folder: Path, record: str, damaged: bytes) -> str | None:
    """None for damage that leaves a network, as of a weight."""
    try:
        read_network(rewritten(folder / "damaged.dlc", **{record: damaged}))
    except ValueError as error:
        return str(error)
    return None


def test_a_file_that_is_no_dlc_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.dlc"
    path.write_bytes(b"no zip")
    with pytest.raises(ValueError, match=r"net\.dlc cannot be read"):
        read_network(path)
