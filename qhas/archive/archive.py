"""The store as a whole."""

from __future__ import annotations

from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Self

import pyarrow as pa

from qhas.archive.asked import asked
from qhas.archive.comparison import Comparison
from qhas.archive.display import html_table
from qhas.archive.files import Files
from qhas.archive.run import ArchivedCell, ArchivedRun
from qhas.diff.compare import THRESHOLD_PERCENT
from qhas.diff.runs import CellNotComparable, compare_cells, compare_runs
from qhas.failures import InvalidInput
from qhas.history.files import Kind
from qhas.history.reading import Where, read_history
from qhas.profile.figures import BY_COLUMN, HEADLINE
from qhas.query import ask, runs_table
from qhas.runs.listing import find_run, run_lines
from qhas.runs.stored import load_run
from qhas.site import load_site
from qhas.store import Store
from qhas.units import counted

_SHOWN = 20
"""Maximum number of runs that a notebook shows."""
_OF_A_NIGHT = (
    "date",
    "finished_at",
    "run_id",
    "variant",
    "sweep",
    "origin",
    "device",
    "build",
    "sdk_version",
)


class Archive:
    """A store opened for reading.

    Every method may raise StoreError, and raises InvalidInput for a name of something that is not stored.
    """

    def __init__(self, store: Store, folder: Path | None = None) -> None:
        self._files = Files(store, folder)
        self.root = store.root
        """The store's location, without any password in the address."""

    @property
    def _store(self) -> Store:
        return self._files.store

    def close(self) -> None:
        """Release the store; from then on it, its runs and its cells raise InvalidInput when used."""
        self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def runs(self) -> pa.Table:
        """Return a row per run, the last started first: the view `runs` of docs/query.md."""
        return runs_table(self._store)

    def run(self, name: str = "latest") -> ArchivedRun:
        """Return a run by its id, the beginning of its id, or `latest`."""
        record, cells = load_run(self._store, find_run(self._store, asked(name, "A run", "latest")))
        return ArchivedRun(self._files, record, cells)

    def cell(self, address: str) -> ArchivedCell:
        """Return a cell, named as `RUN/MODEL/SOC/VARIANT`; the variant `default` may be left out."""
        name, _, key = asked(address, "A cell", "latest/resnet50/sa8255").partition("/")
        return self.run(name).cell(key)

    def cells(self, *networks: str, soc: str | None = None, since: date | None = None) -> pa.Table:
        """Return the history: a row per cell of every run, oldest first, for these networks or for all."""
        return read_history(self._store, Where(networks, soc, since=since))

    def ops(self, *networks: str, soc: str | None = None, since: date | None = None) -> pa.Table:
        """Return the history of op types: a row for each of the top op types of every cell."""
        return read_history(self._store, Where(networks, soc, since=since), kind=Kind.OPS)

    def history(
        self, network: str, soc: str, *figures: str, variant: str | None = None, since: date | None = None
    ) -> pa.Table:
        """Return figures of a network on a SoC over the nights, by default each origin's headline figure."""
        wanted = figures or tuple(str(figure.column) for figure in HEADLINE.values())
        for name in wanted:
            if name not in BY_COLUMN:
                near = ", ".join(get_close_matches(name, BY_COLUMN) or BY_COLUMN)
                raise InvalidInput(f"The history has no figure {name}; choose from {near}.")
        where = Where([network], soc, variant, since=since)
        return read_history(self._store, where, (*_OF_A_NIGHT, *wanted))

    def query(self, question: str) -> pa.Table:
        """Return the answer to a SELECT over the views of docs/query.md."""
        return ask(self._store, asked(question, "A query", "select * from runs"))

    def compare(self, before: str, after: str, *, threshold_percent: float = THRESHOLD_PERCENT) -> Comparison:
        """Compare two runs, or two cells as `RUN/MODEL/SOC/VARIANT`: what changed, and why (docs/compare.md)."""
        for name in (before, after):
            asked(name, "A run or a cell", "latest/resnet50/sa8255")
        if ("/" in before) != ("/" in after):
            raise InvalidInput(f"{before} and {after} are a run and a cell; give two runs or two cells.")
        if "/" not in before:
            runs = (find_run(self._store, name) for name in (before, after))
            return Comparison(compare_runs(self._store, *runs, threshold_percent=threshold_percent))
        sides = (self.cell(address).record for address in (before, after))
        try:
            return Comparison(compare_cells(self._store, *sides, threshold_percent=threshold_percent))
        except CellNotComparable as error:
            raise InvalidInput(f"{before} and {after} cannot be compared: {error}.") from error

    def __repr__(self) -> str:
        return f"<Archive {self.root}>"

    def _repr_html_(self) -> str:
        lines = run_lines(self._store)
        titles = ("run", "sweep", "state", "began", "cells", "good")
        rows = [
            (line.run_id, line.sweep, line.state, f"{line.started_at:%Y-%m-%d %H:%M}", line.cells, line.good)
            for line in lines[:_SHOWN]
        ]
        return html_table(f"{self.root}: {counted(len(lines), 'run')}", titles, rows, len(lines) - len(rows))


def open_archive(where: str | Path | None = None, folder: Path | None = None) -> Archive:
    """Open a store for reading, at a path or URL, or by default that of the site (`QHAS_SITE`, else the defaults).

    Files of a store that is not local are copied to `folder`, or to a temporary one that is removed with the archive.
    Raises InvalidInput if there is no store, and StoreError.
    """
    if where is not None:
        asked(str(where) if isinstance(where, Path) else where, "A store", "s3://bucket/lab")
    root = str(where) if where is not None else load_site(None).store
    if "://" not in root and not Path(root).expanduser().is_dir():
        raise InvalidInput(f"There is no store at {root}; give the folder or URL that runs were stored in.")
    return Archive(Store(root if "://" in root else str(Path(root).expanduser())), folder)
