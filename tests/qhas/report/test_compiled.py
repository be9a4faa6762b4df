"""Compiled templates are stored beside the templates, and used until anything they are built from changes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

from qhas.report.compiled import CompiledTemplates


@pytest.fixture(autouse=True)
def python_keeps_its_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    template = tmp_path / "page.html"
    template.write_text("first {{ word }}")
    return template


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The templates that were compiled instead of loaded."""
    names: list[str] = []
    compile_ = Environment.compile

    def noted(self: Environment, source: str, name: str, *args: object) -> object:
        names.append(name)
        return compile_(self, source, name, *args)  # type: ignore[call-overload]

    monkeypatch.setattr(Environment, "compile", noted)
    return names


def page(template: Path, compiled_by: bytes = b"ours") -> str:
    """The page as a new process renders it."""
    templates = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        bytecode_cache=CompiledTemplates(compiled_by),
    )
    return templates.get_template(template.name).render(word="word")


def test_the_next_process_compiles_nothing(template: Path, compiled: list[str]) -> None:
    assert [page(template), page(template)] == ["first word"] * 2
    assert compiled == ["page.html"]
    assert Path(cache_from_source(str(template))).is_file()


def test_a_template_that_was_written_anew_is_compiled_anew(template: Path, compiled: list[str]) -> None:
    page(template)
    template.write_text("other {{ word }}")
    assert [page(template), page(template)] == ["other word"] * 2
    assert compiled == ["page.html"] * 2


def test_templates_are_compiled_anew_where_what_they_are_compiled_with_has_changed(
    template: Path, compiled: list[str]
) -> None:
    page(template)
    page(template, b"changed")
    assert compiled == ["page.html"] * 2


def _cut(kept: bytes) -> bytes:
    return kept[: len(kept) // 2]


@pytest.mark.parametrize(
    "damage", [_cut, lambda _: b"", lambda kept: kept.partition(b"\n")[0] + b"\n", lambda _: b"\xff\n"]
)
def test_what_is_kept_and_damaged_is_made_again(
    template: Path, compiled: list[str], damage: Callable[[bytes], bytes]
) -> None:
    page(template)
    kept = Path(cache_from_source(str(template)))
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))
    assert page(template) == "first word"
    assert kept.read_bytes() == whole
    assert compiled == ["page.html"] * 2


def test_where_nothing_can_be_written_a_page_is_made_all_the_same(template: Path) -> None:
    (template.parent / "__pycache__").write_text("no folder")
    assert page(template) == "first word"


def test_python_that_keeps_no_modules_keeps_no_templates(
    template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert page(template) == "first word"
    assert not (template.parent / "__pycache__").exists()
