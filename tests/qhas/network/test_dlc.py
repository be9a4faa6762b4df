"""A network is read from its DLC's own records, and damaged bytes end in one sentence."""

from __future__ import annotations

import math
import random
import struct
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from qhas.network.dlc import read_network
from qhas.network.network import Network, Role

INPUTS = Path(__file__).parents[4] / "shared" / "inputs"
SAMPLE = INPUTS / "int32-input.dlc"
needs_sample = pytest.mark.skipif(not SAMPLE.is_file(), reason="the shared inputs are not on this machine")


def rewritten(target: Path, **records: bytes) -> Path:
    """The sample with the contents of some records replaced."""
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
    """The sentence that damage ends in, or None if it leaves a network, as damage to a weight does."""
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


class Encoded(NamedTuple):
    """The bytes of an encoded value, and the offset in them where it begins."""

    content: bytes
    start: int


def encoded(value: Any) -> tuple[bytes, int]:
    """Encode a flatbuffer value, a table by slot, a list or text; return its bytes and the offset where it begins."""
    if isinstance(value, Encoded):
        return value
    if isinstance(value, str | bytes):
        content = value.encode() if isinstance(value, str) else value
        return struct.pack("<I", len(content)) + content, 0
    fields = value if isinstance(value, dict) else dict(enumerate(value))
    head, start = struct.pack("<I", len(value)), 0
    if isinstance(value, dict):
        slots = [4 + 4 * list(fields).index(slot) if slot in fields else 0 for slot in range(max(fields) + 1)]
        start = 4 + 2 * len(slots)
        head = struct.pack(f"<HH{len(slots)}Hi", start, 4 + 4 * len(fields), *slots, start)
    inline, behind = b"", b""
    for field in fields.values():
        if isinstance(field, int | float):
            inline += struct.pack("<f" if isinstance(field, float) else "<i", field)
            continue
        content, entry = encoded(field)
        inline += struct.pack("<I", 4 * len(fields) - len(inline) + len(behind) + entry)
        behind += content
    return head + inline + behind, start


def with_attribute(path: Path, attribute: dict[int, Any], content: bytes = b"") -> Path:
    """A DLC of one op with one attribute whose constant is `content`."""
    op = {0: "clip", 1: "ReluMinMax", 2: ["in"], 3: ["out"], 4: [{0: "border", **attribute}]}
    constants = {0: "net", 2: [{0: [{0: "border", 1: content}]}]}
    with zipfile.ZipFile(path, "w") as archive:
        for name, kind, graph in (
            ("model", b"NETD", {0: "net", 1: [op]}),
            ("model.params", b"NETP", constants),
        ):
            body, start = encoded({0: [graph]})
            archive.writestr(name, struct.pack("<HHII", 0x0AD5, 4, 0, 8 + start) + kind + body)
    return path


@pytest.mark.parametrize(
    ("number", "value"), [(6.0, 6.0), (math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "nan")]
)
def test_a_number_that_json_does_not_know_is_stored_as_text(
    tmp_path: Path, number: float, value: float | str
) -> None:
    single = {3: {0: 0x0232, 2: number}}
    several = {4: {1: "border", 6: 0x0232}}
    numbers = struct.pack("<2f", 0.0, number)
    for dlc, border in (
        (with_attribute(tmp_path / "single.dlc", single), value),
        (
            with_attribute(tmp_path / "several.dlc", several, numbers),
            f"0.0,{value}" if isinstance(value, str) else [0.0, value],
        ),
    ):
        network = read_network(dlc)
        assert network.graphs[0].ops[0].attributes == {"border": border}
        assert Network.model_validate_json(network.model_dump_json(exclude_defaults=True)) == network


def with_parameters(
    path: Path, kind: bytes, parameters: dict[int, Any], shape: list[int] | None = None
) -> Path:
    """A DLC of one op with two constants and a tensor attribute."""
    op = {0: "add", 1: "Add", 2: ["in", "b", "a"], 3: ["out"], 4: [{0: "axes", 4: {1: "axes", 6: 0x0032}}]}
    tensors = [{1: name, 2: 4, 3: shape or [1], 6: 0x0232} for name in "ba"]
    with zipfile.ZipFile(path, "w") as archive:
        for name, mark, root in (
            ("model", b"NETD", {0: [{0: "net", 1: [op], 2: tensors}]}),
            ("model.params", kind, parameters),
        ):
            body, start = encoded(root)
            archive.writestr(name, struct.pack("<HHII", 0x0AD5, 4, 0, 8 + start) + mark + body)
    return path


def named_parameters(**contents: bytes) -> dict[int, Any]:
    """Parameters for a record in which constants hold their own contents."""
    own = [{0: name, 1: contents.get(name, b"")} for name in "ba"]
    axes = {0: [{0: "axes", 1: contents.get("axes", b"")}]}
    return {0: [{0: "net", 1: own, 2: [axes]}]}


CONTENTS = {"a": struct.pack("<f", 1.0), "b": struct.pack("<f", 2.0), "axes": struct.pack("<2i", 0, 2)}


def listed_parameters(contents: list[bytes], named: dict[int, Any]) -> dict[int, Any]:
    """Parameters for a record of kind NR64: the contents in a list of their own, the rest in a nested record."""
    body, start = encoded(named)
    return {0: [{0: content} for content in contents], 1: struct.pack("<I", 8 + start) + b"NETP" + body}


def test_contents_in_a_list_are_those_of_the_constants_by_name_then_of_the_attributes(tmp_path: Path) -> None:
    named = read_network(with_parameters(tmp_path / "named.dlc", b"NETP", named_parameters(**CONTENTS)))
    listed = listed_parameters([CONTENTS[name] for name in ("a", "b", "axes")], named_parameters())
    network = read_network(with_parameters(tmp_path / "listed.dlc", b"NR64", listed))
    assert network == named
    assert network.graphs[0].ops[0].attributes == {"axes": [0, 2]}
    other = listed_parameters([CONTENTS[name] for name in ("b", "a", "axes")], named_parameters())
    assert read_network(with_parameters(tmp_path / "other.dlc", b"NR64", other)).digest != named.digest


def test_constants_behind_the_end_of_the_list_have_contents_of_their_own(tmp_path: Path) -> None:
    named = read_network(with_parameters(tmp_path / "named.dlc", b"NETP", named_parameters(**CONTENTS)))
    listed = listed_parameters([CONTENTS["a"]], named_parameters(**CONTENTS))
    assert read_network(with_parameters(tmp_path / "listed.dlc", b"NR64", listed)) == named


@pytest.mark.parametrize("shape", [[-1], [-1, -1], [3, -2, -5]])
def test_a_negative_dimension_is_damage_however_many_there_are(tmp_path: Path, shape: list[int]) -> None:
    dlc = with_parameters(tmp_path / "net.dlc", b"NETP", named_parameters(**CONTENTS), shape)
    with pytest.raises(ValueError, match="a tensor has dimensions"):
        read_network(dlc)
