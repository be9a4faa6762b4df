"""Every link of a page leads to an existing file and heading; the site, built by `make docs`, lists every page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import qhas
from infra.site_pages import API, ELSEWHERE, public_names, with_links

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("docs/*.md"), *(ROOT / path for path in ELSEWHERE)])
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^( *)```.*?^\1```|^ {4,}[^\s*-].*?$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)


def links(page: Path) -> Iterator[str]:
    """Yield the targets of a page's links within the repository."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    yield from (target for target in LINK.findall(text) if "://" not in target)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as both GitHub and Python-Markdown derive them from plain words."""
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower()) for title in headings}


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def listed(nav: Any) -> Iterator[str]:
    """Yield the pages in a part of the navigation."""
    if isinstance(nav, str):
        yield nav
    else:
        for each in nav.values() if isinstance(nav, dict) else nav:
            yield from listed(each)


def test_the_site_lists_every_page_once() -> None:
    nav = list(listed(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))
    pages = {str(page.relative_to(ROOT / "docs")) for page in ROOT.glob("docs/**/*.md")}
    assert sorted(nav) == sorted(pages | {API} | set(ELSEWHERE.values()))


def test_every_readme_that_is_for_people_is_a_page() -> None:
    there = {
        str(path.relative_to(ROOT)) for part in ("infra", "fakes") for path in (ROOT / part).rglob("*.md")
    }
    assert there <= set(ELSEWHERE)


def test_the_api_page_has_the_whole_public_face() -> None:
    names = {name.rpartition(".")[2].replace("open_archive", "open") for name in public_names()}
    assert names == set(qhas.__all__) - {"__version__"}


@pytest.mark.parametrize(
    ("page", "written", "shown"),
    [
        ("sites.md", "[a](prefect.md#x)", "[a](prefect.md#x)"),
        ("sites.md", "[a](../infra/README.md)", "[a](infra/README.md)"),
        ("sites.md", "[a](../README.md#two-commands)", "[a](index.md#two-commands)"),
        ("sites.md", "[a](#here)", "[a](#here)"),
        ("sites.md", "[a](https://example.com/docs/x.md)", "[a](https://example.com/docs/x.md)"),
        ("sites.md", "[the file](../examples/sites.yaml)", "the file (`examples/sites.yaml`)"),
        ("index.md", "![a](docs/report.png) and [b](docs/sites.md)", "![a](report.png) and [b](sites.md)"),
        (
            "infra/systemd/README.md",
            "[a](../../docs/operations.md#backups)",
            "[a](../../operations.md#backups)",
        ),
        ("infra/README.md", "[a](image/Dockerfile)", "a (`infra/image/Dockerfile`)"),
    ],
)
def test_a_link_between_files_is_one_between_pages(page: str, written: str, shown: str) -> None:
    assert with_links(written, page) == shown
