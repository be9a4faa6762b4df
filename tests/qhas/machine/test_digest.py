"""Digests of files and of plain data."""

from __future__ import annotations

from pathlib import Path

import pytest

from qhas.machine.digest import data_digest, file_digest


def test_a_files_digest_is_the_sha_256_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert (
        file_digest(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_the_order_of_keys_does_not_matter() -> None:
    assert data_digest({"a": 1, "b": {"c": 2, "d": 3}}) == data_digest({"b": {"d": 3, "c": 2}, "a": 1})


@pytest.mark.parametrize(
    ("one", "other"), [({"a": 1}, {"a": 2}), ({"a": 1}, {"a": "1"}), ([1, 2], [2, 1]), ({"a": None}, {})]
)
def test_other_data_have_another_digest(one: object, other: object) -> None:
    assert data_digest(one) != data_digest(other)


def test_any_text_an_environment_can_hold_has_a_digest() -> None:
    assert data_digest({"NAME": b"\xff".decode(errors="surrogateescape")})
