"""The pages for engineers agree with the code: every kind of failure, every key of a device, every default."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qhas.failures import FailureKind
from qhas.site import TRANSPORTS, DeviceRef, Gate, Transport, load_site

ROOT = Path(__file__).parents[2]
WHY = (ROOT / "docs/no-chrometrace.md").read_text(encoding="utf-8")
RACK = (ROOT / "docs/provisioning.md").read_text(encoding="utf-8")


def rows(page: str) -> list[list[str]]:
    """The cells of every table's rows; a pipe in a command line is preceded by a backslash."""
    lines = [line for line in page.splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


KINDS = [row for row in rows(WHY) if len(row) == 4 and row[1].startswith("`")]


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_of_failure_has_a_symptom_and_a_next_step(kind: FailureKind) -> None:
    assert any(row[0] and row[2] for row in KINDS if row[1] == f"`{kind}`")


def test_the_page_of_reasons_names_no_kind_that_there_is_not() -> None:
    assert {row[1].strip("`") for row in KINDS} <= set(FailureKind)


def test_every_row_of_a_table_has_as_many_cells_as_its_title() -> None:
    for page in (WHY, RACK):
        for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
            widths = {len(row) for row in rows(table)}
            assert len(widths) == 1, table


@pytest.mark.parametrize("name", DeviceRef.model_fields)
def test_every_key_of_a_device_is_explained(name: str) -> None:
    assert any(row[0] == f"`{name}`" and row[2] for row in rows(RACK) if len(row) == 3)


@pytest.mark.parametrize("name", Gate.model_fields)
def test_every_key_of_the_gate_is_explained_with_its_default(name: str) -> None:
    default = f"`{Gate.model_fields[name].default:g}`"
    assert any(row[:2] == [f"`{name}`", default] and row[2] for row in rows(RACK))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_a_transport_brings_is_told(transport: Transport) -> None:
    assert f"`{TRANSPORTS[transport].target}`" in RACK
    assert f"`{TRANSPORTS[transport].directory}`" in RACK


def test_the_example_of_a_rack_is_a_site() -> None:
    site = load_site(ROOT / "examples/rack.yaml")
    assert {ref.transport for ref in site.devices} == {Transport.ADB, Transport.SSH}


@pytest.mark.parametrize("page", sorted([*ROOT.glob("docs/*.md"), ROOT / "README.md"]), ids=lambda p: p.name)
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, heading = target.partition("#")
        file = (page.parent / name) if name else page
        assert file.exists(), target
        titles = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE) if heading else []
        assert not heading or heading in {anchor(title) for title in titles}, target


def anchor(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


SECURITY = rows((ROOT / "docs/security.md").read_text(encoding="utf-8"))
SAFETY = [row for row in SECURITY if len(row) == 4][1:]
BROKEN = [row for row in SECURITY if len(row) == 2 and row[1] != "held by"]


@pytest.mark.parametrize("number", range(len(SAFETY)))
def test_who_may_do_what_is_held_by_tests_that_there_are(number: int) -> None:
    who, may, may_not, held = SAFETY[number]
    assert all((who, may, may_not))
    named = re.findall(r"`(tests/[^`]+)`", held)
    beside = re.findall(r"`(test_[^`]+)`", held)
    assert named or held.startswith("the same")
    for path in named:
        assert (ROOT / path).exists(), path
    for name in beside:
        assert any((ROOT / path).parent.joinpath(name).exists() for path in named), name


def test_what_broke_once_has_a_test_each() -> None:
    assert len(BROKEN) >= 59
    for case, held in BROKEN:
        named = re.fullmatch(r"`(tests/[^`:]+\.py)::(test_\w+)`", held)
        assert named, case
        path, name = named.groups()
        assert re.search(
            rf"^\s*(async )?def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE
        ), held
