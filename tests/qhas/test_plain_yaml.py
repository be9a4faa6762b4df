"""YAML that would be read differently from how it was written, or without end, is refused at its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qhas import plain_yaml
from qhas.documents import LARGEST_YAML
from qhas.failures import InvalidInput
from qhas.site import load_site
from qhas.sweep.sites import load_sites
from qhas.sweep.spec import load_sweep

INPUTS = Path(__file__).parents[2] / ".." / "shared" / "inputs"
given = pytest.mark.skipif(not INPUTS.is_dir(), reason="the inputs given are not beside the repository")
READERS = [load_site, load_sites, load_sweep]


def refusal(path: Path) -> str:
    """The sentence in which a sweep file is refused."""
    with pytest.raises(InvalidInput) as refused:
        load_sweep(path)
    return str(refused.value)


def refusal_of(text: str, folder: Path) -> str:
    (folder / "sweep.yaml").write_text(text, encoding="utf-8")
    return refusal(folder / "sweep.yaml")


@given
def test_a_key_that_stands_twice_is_refused_with_both_lines() -> None:
    told = refusal(INPUTS / "duplicate-keys.yaml")
    assert "line 4, column 1: this key is in line 3 already" in told


@given
def test_a_bomb_of_merges_is_refused() -> None:
    assert "has more than 20000 keys and values, with aliases expanded" in refusal(INPUTS / "merge-bomb.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "name: a\nrun:\n  warmups: 1\n  warmups: 2\n",
        "models:\n- {name: a, name: b}\n",
        '"name": a\nname: b\n',
        "&k name: a\n*k : b\n",
        "a: &x {b: 1}\nc: {<<: *x, <<: *x}\n",
    ],
)
def test_a_key_twice_is_refused_at_every_depth_and_in_every_spelling(text: str, tmp_path: Path) -> None:
    assert "already; keep one of the two" in refusal_of(text, tmp_path)


def test_the_same_key_in_two_mappings_and_over_a_merge_is_no_key_twice() -> None:
    text = "a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}\ne: [b, b, {b: b}]\n"
    assert plain_yaml.load(text)["d"] == {"b": 3, "c": 2}


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(["x0: &x0 [1, 2]", *(f"x{i}: &x{i} [*x{i - 1}, *x{i - 1}]" for i in range(1, 40))]),
        "\n".join(["x0: &x0 {a: 1}", *(f"x{i}: &x{i} {{a: *x{i - 1}, b: *x{i - 1}}}" for i in range(1, 40))]),
        f"name: [{'a, ' * 30_000}]",
    ],
    ids=["sequences of aliases", "mappings of aliases", "a long list"],
)
def test_more_nodes_than_anybody_writes_are_refused(text: str, tmp_path: Path) -> None:
    assert "more than 20000 keys and values" in refusal_of(text, tmp_path)


@pytest.mark.parametrize(
    "value",
    [
        *("9" * 200, "-0x" + "f" * 60_000, "0b" + "1" * 5000, "0o" + "7" * 5000, "1" + ":59" * 60),
        *('!!int "0x' + "f" * 5000 + '"', "1_" * 200 + "1", "1" + "0" * 400 + ".5"),
    ],
)
@pytest.mark.parametrize("place", ["name: {}", "run: {{repetitions: {}}}", "a: &a {}\nb: *a", "{}: a"])
def test_a_number_that_nobody_writes_is_refused(value: str, place: str, tmp_path: Path) -> None:
    assert "a number has more than 100 digits" in refusal_of(place.format(value), tmp_path)


def test_a_long_text_of_digits_is_no_number() -> None:
    assert plain_yaml.load(f"a: '{'9' * 200}'\nb: {'f9' * 100}") == {"a": "9" * 200, "b": "f9" * 100}


def test_tags_in_their_thousands_are_refused_before_they_are_looked_at(tmp_path: Path) -> None:
    text = "".join(f"%TAG !a{number}! tag:x\n" for number in range(50_000))
    assert "declares more than 10 tags" in refusal_of(f"{text}---\nname: a", tmp_path)


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: *a}", "a: *b"])
def test_an_alias_of_what_has_not_ended_is_refused(text: str, tmp_path: Path) -> None:
    assert "an alias comes before, or inside, what it refers to" in refusal_of(text, tmp_path)


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 3000, "? " * 3000])
def test_deep_nesting_is_refused(text: str, tmp_path: Path) -> None:
    assert "nested more than 50 levels deep" in refusal_of(text, tmp_path)


@pytest.mark.parametrize("value", ["1" + ":59" * 30_000, "x" * 70_000])
def test_a_value_longer_than_any_is_refused(value: str, tmp_path: Path) -> None:
    assert "a value has more than 65536 characters" in refusal_of(f"name: {value}", tmp_path)


@pytest.mark.parametrize(
    "value",
    ["!!bool maybe", '!!int ""', "!!timestamp soon", "!!float x", "2026-02-30"],
)
def test_a_value_that_is_none_of_its_type_is_no_yaml(value: str, tmp_path: Path) -> None:
    assert "is not YAML" in refusal_of(f"name: {value}", tmp_path)


def test_a_number_without_end_in_base_60_is_refused(tmp_path: Path) -> None:
    assert "uses YAML that is not accepted" in refusal_of(f"name: 1{':1' * 900}.5", tmp_path)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("name", ["/dev/zero", "pipe", "."])
def test_what_is_no_regular_file_is_refused(
    read: object, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    assert callable(read)
    with pytest.raises(InvalidInput, match="cannot be read: it is not a regular file; name one"):
        read(Path(name))


def test_a_large_file_is_refused_with_the_limit(tmp_path: Path) -> None:
    assert "it is over 1 MB" in refusal_of("#" * (LARGEST_YAML + 1), tmp_path)


def test_of_many_faults_the_first_are_told_and_the_others_counted(tmp_path: Path) -> None:
    told = refusal_of(f"name: a\nsocs: [sm8750]\nmodels: [{'x, ' * 500}]", tmp_path)
    assert told.count("it should be") == 20
    assert told.endswith("; and 480 more.")


def test_a_value_with_an_apostrophe_is_not_shown_either(tmp_path: Path) -> None:
    assert "hunter22" not in refusal_of('name: !!float "it\'s hunter22"', tmp_path)
