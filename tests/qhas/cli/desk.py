"""A folder with a sweep, a site and a network, and the command run in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from qhas.cli import main as cli
from qhas.store import Store
from tests.documents import write_yaml

LIBRARIES = (
    "pydantic",
    "Traceback",
    "Errno",
    "instance of",
    "Input should",
    "Value error",
    "Assertion",
    "HOSTSDK",
    "codec",
    "os error",
)
"""Words from libraries' own messages, which mean nothing to a user."""


class Desk:
    """A folder with a sweep, a site and a network, and the command run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(str(folder / "store"))
        (folder / "net.dlc").write_bytes(b"dlc")
        write_yaml(
            folder / "sweep.yaml",
            {"name": "nightly", "models": [{"name": "net", "dlc": "net.dlc"}], "socs": ["sm8650", "sm8750"]},
        )
        write_yaml(folder / "site.yaml", {"store": "store"})

    def site(self, document: Any) -> None:
        write_yaml(self.folder / "site.yaml", document)

    def sweep(self, **changes: Any) -> None:
        document = json.loads((self.folder / "sweep.yaml").read_text())
        write_yaml(self.folder / "sweep.yaml", document | changes)

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli.app, list(arguments))

    def refused(self, *arguments: str) -> str:
        """The one sentence on standard error with which the command refuses its arguments."""
        result = self.run(*arguments)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        (sentence,) = result.stderr.splitlines()
        assert sentence.startswith("qhas: ")
        return sentence

    def plain_refusal(self, *arguments: str) -> str:
        """As `refused`, for a sentence that ends in a full stop and contains no library's words."""
        sentence = self.refused(*arguments)
        assert sentence.endswith(".")
        assert not any(library in sentence for library in LIBRARIES)
        return sentence
