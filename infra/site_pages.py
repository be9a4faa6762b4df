"""What mkdocs.yml adds to the pages of docs/: pages that lie elsewhere in the repository, and the API from its docstrings.

A link between them leads to the page; one to a source file, which the site has not, is shown as that file's name.
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
"""Pages that are not in docs/, by their paths in the repository and in the site."""
API = "api.md"
_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that lie elsewhere, and the API's."""
    from mkdocs.structure.files import File

    for path, page in ELSEWHERE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / path)))
    files.append(File.generated(config, API, content=api_page()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page with its links as the site has them."""
    return with_links(markdown, page.file.src_uri)


def with_links(markdown: str, page: str) -> str:
    """The text of a page of the site, its links no longer between files of the repository."""
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
    """What a notebook or a script may rely on, as docs/python.md shows it, from the docstrings."""
    names = "\n\n".join(f"::: {name}" for name in public_names())
    return f"# API\n\nThe names of `import qhas`. [From Python](python.md) shows them at work.\n\n{names}\n"


def public_names() -> Iterator[str]:
    """Where each name of `qhas.__all__` is at home, but the version; read, not imported."""
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
