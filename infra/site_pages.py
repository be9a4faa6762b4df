"""Hooks of mkdocs.yml: they add pages from elsewhere in the repository to docs/, and the API from its docstrings.

A link between pages leads to the page; one to a source file, which the site lacks, is shown as that file's name.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ELSEWHERE = {
    "README.md": "index.md",
    **{
        name: name
        for name in (
            "infra/README.md",
            "infra/systemd/README.md",
            "infra/kubernetes/README.md",
            "infra/bucket/README.md",
            "fakes/README.md",
            "fakes/s3/README.md",
            "CONTRIBUTING.md",
            "CHANGELOG.md",
        )
    },
}
"""Pages that are not in docs/: their paths in the repository, and in the site."""
API = "api.md"
_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages from elsewhere, and that of the API."""
    from mkdocs.structure.files import File

    for path, page in ELSEWHERE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / path)))
    files.append(File.generated(config, API, content=api_page()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return the page with links that work in the site."""
    return with_links(markdown, page.file.src_uri)


def with_links(markdown: str, page: str) -> str:
    """Return the text of a page of the site, with its links between repository files replaced."""
    there = next((path for path, name in ELSEWHERE.items() if name == page), f"docs/{page}")
    return _LINK.sub(lambda link: _linked(link, posixpath.dirname(there), posixpath.dirname(page)), markdown)


def _linked(link: re.Match[str], folder: str, page_folder: str) -> str:
    path, hash_, anchor = link["target"].partition("#")
    if not path or "://" in path:
        return link[0]
    target = posixpath.normpath(posixpath.join(folder, path))
    if (page := ELSEWHERE.get(target) or _below_docs(target)) is None:
        return f"{link['text']} (`{target}`)"
    return f"[{link['text']}]({posixpath.relpath(page, page_folder or '.')}{hash_}{anchor})"


def _below_docs(target: str) -> str | None:
    below = target.removeprefix("docs/")
    return below if below != target else None


def api_page() -> str:
    """Return a page, from the docstrings, of what a notebook or a script may rely on, as docs/python.md shows it."""
    names = "\n\n".join(f"::: {name}" for name in public_names())
    return f"# API\n\nThe names of `import qhas`. [From Python](python.md) shows them at work.\n\n{names}\n"


def public_names() -> Iterator[str]:
    """Yield the full path of each name in `qhas.__all__` except the version; the source is read, not imported."""
    tree = ast.parse((ROOT / "qhas" / "__init__.py").read_text(encoding="utf-8"))
    tables = {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and statement.targets[0].id in ("_HOMES", "_THERE")
    }
    for home, names in tables["_HOMES"].items():
        yield from (f"{home}.{tables['_THERE'].get(name, name)}" for name in names)
