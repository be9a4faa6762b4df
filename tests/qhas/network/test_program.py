"""The digest of a compiled program: blind to the SoC's name and number, and to nothing else."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

import pytest

from qhas.network.program import program_digest

HEADER = 256
NUMBER_AT = 188


def record(soc: str, number: int, code: bytes = b"\1\2\3", options: str = "O=3", padded: int = 64) -> bytes:
    """Build a cache record as the compiler writes it: header, code, options with zeros up to a fixed size."""
    text = f";debug=false;soc_type={soc};arch=73;{options}".encode().ljust(padded, b"\0")
    header = bytearray(b"\xff" * HEADER)
    struct.pack_into("<I", header, NUMBER_AT, number)
    return bytes(header) + code + text + code + text


def dlc(
    folder: Path, cache: bytes, number: object = 52, soc: str = "sa8255", timeline: bool = True, **more: bytes
) -> Path:
    metadata = b"\1\0" + json.dumps({"cacheList": [{"socModel": number}]}).encode() + b"\0"
    with zipfile.ZipFile(path := folder / f"{len(list(folder.iterdir()))}.dlc", "w") as out:
        out.writestr("dlc.metadata2.3.0", metadata)
        out.writestr(f"htp.cache.{soc}.0", cache)
        if timeline:
            out.writestr(f"hostsdk.timeline.{soc}", f"of {soc}")
        for name, content in more.items():
            out.writestr(name, content)
    return path


@pytest.fixture
def first(tmp_path: Path) -> str:
    digest = program_digest(dlc(tmp_path, record("SA8255", 52)))
    assert digest
    return digest


@pytest.mark.parametrize(("soc", "number"), [("QCS9100", 77), ("SA8255", 52), ("A1", 300)])
def test_socs_for_which_the_compiler_writes_the_same_share_it(
    tmp_path: Path, first: str, soc: str, number: int
) -> None:
    assert program_digest(dlc(tmp_path, record(soc, number), number, soc.lower())) == first


@pytest.mark.parametrize("change", [{"code": b"\1\2\4"}, {"options": "O=2"}, {"padded": 68}])
def test_any_other_byte_makes_another(tmp_path: Path, first: str, change: dict[str, object]) -> None:
    other = program_digest(dlc(tmp_path, record("QCS9100", 77, **change), 77))  # type: ignore[arg-type]
    assert other not in (None, first)


def test_another_number_in_the_header_makes_another(tmp_path: Path, first: str) -> None:
    changed = bytearray(record("SA8255", 52))
    struct.pack_into("<I", changed, NUMBER_AT - 4, 77)
    assert program_digest(dlc(tmp_path, bytes(changed))) not in (None, first)


def test_a_number_that_stands_twice_in_the_header_is_not_guessed_at(tmp_path: Path) -> None:
    twice = bytearray(record("SA8255", 52))
    struct.pack_into("<I", twice, 0, 52)
    assert program_digest(dlc(tmp_path, bytes(twice))) is None


@pytest.mark.parametrize("number", [51, -1, 1 << 40, "52", None, [52]])
def test_a_number_that_the_header_lacks_leaves_no_digest(tmp_path: Path, number: object) -> None:
    assert program_digest(dlc(tmp_path, record("SA8255", 52), number)) is None


def test_a_program_without_its_socs_name_has_none(tmp_path: Path) -> None:
    nameless = record("SA8255", 52).replace(b"soc_type", b"soc_kind")
    assert program_digest(dlc(tmp_path, nameless)) is None


def test_two_programs_in_a_dlc_have_none(tmp_path: Path) -> None:
    cache = record("SA8255", 52)
    assert program_digest(dlc(tmp_path, cache, **{"htp.cache.qcs9100.0": cache})) is None


def test_a_program_whose_log_only_a_run_can_write_has_none(tmp_path: Path) -> None:
    assert program_digest(dlc(tmp_path, record("SA8255", 52), timeline=False)) is None


@pytest.mark.parametrize("cut", [0, 100, 270])
def test_a_record_that_is_cut_has_none(tmp_path: Path, cut: int) -> None:
    assert program_digest(dlc(tmp_path, record("SA8255", 52)[:cut])) is None


def test_what_is_no_dlc_has_none(tmp_path: Path) -> None:
    (file := tmp_path / "net.dlc").write_bytes(b"no zip")
    assert program_digest(file) is None
    assert program_digest(tmp_path / "missing.dlc") is None
