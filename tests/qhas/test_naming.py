"""Names become paths and object keys: those that could leave their folder or would need quoting are refused."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qhas.naming import below, check_file, check_key, check_name, check_path, check_soc, safe_name, safe_paths

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
RESERVED = ["con", "NUL", "aux", "Aux.dlc", "com1", "lpt9.tar.gz"]


@pytest.mark.parametrize("name", REFUSED, ids=repr)
def test_a_name_that_is_no_safe_path_is_refused_and_quoted(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a name") as refusal:
        check_name(name)
    assert repr(name) in str(refusal.value)


@pytest.mark.parametrize("name", RESERVED)
def test_a_device_of_another_system_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="device under Windows"):
        check_name(name)
    assert check_name(safe_name(name)) != name


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


OUTSIDE = [
    "",
    ".",
    "..",
    "/",
    "/etc/passwd",
    "//etc/passwd",
    "../x",
    "a/../b",
    "a/..",
    "output/Result_0/../../../x",
    "a//b",
    "a/",
    "./a",
    "a/./b",
    "...",
    "a\0b",
    "a\nb",
    "a\rb",
    "a\x1b[2Jb",
    "a\x7fb",
    "a\x9bb",
    "a\u2028b",
    "a\udc80b",
    "..\\x",
    "C:\\x",
    "x" * 256,
    "\u00e9" * 128,
    "d/" * 1024 + "x",
]


@pytest.mark.parametrize("path", OUTSIDE, ids=ascii)
def test_a_path_that_leads_elsewhere_or_breaks_a_line_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be the path") as refusal:
        check_path(path)
    assert len(str(refusal.value).splitlines()) == 1
    with pytest.raises(ValueError, match="cannot be the path"):
        below(tmp_path, path)
    with pytest.raises(ValueError, match="cannot be the"):
        check_file(path)


@pytest.mark.parametrize(
    "path", ["a", "Result_0/Reshape_1:0.raw", "a b/\u65e5\u672c.raw", ".a", "-a", "a..b", "aux.raw"]
)
def test_paths_as_tensors_make_them_are_taken_as_they_are(path: str, tmp_path: Path) -> None:
    assert below(tmp_path, check_path(path)) == tmp_path / path


@given(st.text())
@example("a/..")
def test_no_path_leads_out_of_its_folder(path: str) -> None:
    folder = Path("/nowhere/folder")
    try:
        target = below(folder, path)
    except ValueError:
        return
    assert target.is_relative_to(folder)
    assert ".." not in target.parts
    assert target != folder


@pytest.mark.parametrize("path", ["link/x", "link", "sub/link"])
def test_a_link_leads_nobody_out_of_a_folder(path: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (folder := tmp_path / "folder" / "sub").mkdir(parents=True)
    for link in (folder / "link", folder.parent / "link"):
        link.symlink_to(tmp_path / "other")
    with pytest.raises(ValueError, match="through a link"):
        below(folder.parent, path)


ALIKE = [
    ["out:0.raw", "out_0.raw"],
    ["\u65e5\u672c.raw", "\u4e2d\u56fd.raw", "raw"],
    ["A.raw", "a.raw"],
    ["a/x.raw", "a_/x.raw", "a:/x.raw"],
    ["x" * 120 + "1.raw", "y" + "x" * 120 + "1.raw"],
    ["aux.raw", "aux_.raw"],
    [".a", "a", "_a", "__a"],
    ["a.-b", "a..b"],
    ["x_.raw", "x\xe9.raw/y.raw"],
    ["A", "a/b"],
    ["a./b.raw", "a/b.raw"],
    ["a.raw", "a.raw.gz/b.raw"],
    ["a/b", "a/b/c", "a\xe9/b/c/d"],
    ["\xe9.raw", "e\u0301.raw"],
    [f"{'d/' * 900}x.raw", f"{'d/' * 901}x.raw"],
    ["x" * 94 + ".raw", "x" * 100],
]


@pytest.mark.parametrize("paths", ALIKE, ids=ascii)
def test_paths_whose_safe_names_are_alike_get_keys_of_their_own(paths: list[str]) -> None:
    keys = safe_paths(paths)
    assert list(keys) == paths
    assert_apart(keys.values())


def assert_apart(keys: Iterable[str]) -> None:
    """Assert that all can be stored together, packed or not, even if case and trailing dots do not count."""
    lower = ["/".join(part.rstrip(".") for part in key.lower().split("/")) for key in keys]
    assert len(set(lower)) == len(lower)
    for key in lower:
        check_key(f"{key}.gz")
        assert not [other for other in lower if other.startswith((f"{key}/", f"{key}.gz/"))]
        assert len(key) < 600, "with a run and a cell before it S3 takes no longer one"


@given(st.lists(st.text(min_size=1), max_size=6, unique=True))
@example(["a:", "A:", "a_"])
def test_no_two_paths_have_one_key(paths: list[str]) -> None:
    keys = safe_paths(paths)
    again = safe_paths([*paths, *keys.values()])
    for found in (keys, again):
        assert_apart(found.values())


def test_paths_that_are_keys_stay_as_they_are() -> None:
    paths = ["net_schematic.bin", "Result_0/prob.raw", "Result_1/prob.raw"]
    assert safe_paths(paths) == {path: path for path in paths}


def test_a_marked_path_keeps_its_folder_and_its_ending() -> None:
    (key,) = safe_paths(["Result_0/out:0.raw"]).values()
    assert key.startswith("Result_0/")
    assert key.endswith("-out_0.raw")
