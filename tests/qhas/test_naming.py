"""Names become paths and object keys: what could leave its folder or needs quoting is refused."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qhas.naming import check_name, check_soc, safe_name

REFUSED = [
    "",
    " ",
    ".",
    "..",
    "../x",
    "a/../b",
    "a/b",
    "a\\b",
    "a..b",
    ".hidden",
    "-option",
    "_private",
    "a b",
    " a",
    "a ",
    "a\n",
    "\na",
    "a\tb",
    "a\0b",
    "a;b",
    "a|b",
    "a&b",
    "a$b",
    "a`b",
    "a'b",
    'a"b',
    "a*b",
    "a?b",
    "a:b",
    "a%2e",
    "~a",
    "\u0430bc",  # Cyrillic a
    "model\u2024dlc",  # one dot leader
    "\uff41",  # full-width a
    "caf\u00e9",
    "\u0661",  # Arabic-Indic one
    "x" * 101,
]


@pytest.mark.parametrize("name", REFUSED, ids=repr)
def test_a_name_that_is_no_safe_path_is_refused_and_quoted(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a name") as refusal:
        check_name(name)
    assert repr(name) in str(refusal.value)


@pytest.mark.parametrize("name", ["a", "0", "inception_v2", "v1.5-int8", "A.b_C-9", "x" * 100, "a.", "a-"])
def test_ordinary_names_pass_as_they_are(name: str) -> None:
    assert check_name(name) == name


@given(st.text(min_size=1))
@example("_private")
@example(".hidden")
@example("...")
@example("a..b")
@example("-x")
@example("/" * 300)
@example("." + "a" * 99 + ".b")
@example("a" * 50 + "-" + "b" * 99)
def test_whatever_safe_name_returns_is_a_name(text: str) -> None:
    check_name(safe_name(text))


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", fullmatch=True))
def test_safe_name_leaves_a_safe_name_alone(name: str) -> None:
    assert safe_name(name) == name


def test_safe_name_keeps_the_end_of_a_long_name_where_its_suffix_is() -> None:
    assert safe_name("graph" * 40 + "_schematic.bin").endswith("_schematic.bin")


@pytest.mark.parametrize("soc", ["sm8750", "sar2230p", "sc8380xp", "sm_8750"])
def test_soc_names_as_graph_prepare_takes_them_pass(soc: str) -> None:
    assert check_soc(soc) == soc


@pytest.mark.parametrize(
    "soc", ["", "SM8750", "sm8750 ", "sm8750\n", "sm8750,sm8650", "--version", "sm.8750", "s" * 41], ids=repr
)
def test_other_soc_names_are_refused(soc: str) -> None:
    with pytest.raises(ValueError, match="cannot be a SoC"):
        check_soc(soc)


@given(st.from_regex(r"[a-z0-9_]{1,41}", fullmatch=True))
@example("__")
def test_every_soc_name_can_be_part_of_a_path(text: str) -> None:
    try:
        soc = check_soc(text)
    except ValueError:
        return
    check_name(soc)
