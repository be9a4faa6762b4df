"""The option `--trace`: both traces of a comparison in one file."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from qhas.cli.options import cell_of, store_of
from qhas.cli.screen import errors
from qhas.diff.model import CellDiff
from qhas.failures import InvalidInput
from qhas.profile.figures import CLOCK
from qhas.profile.merged_trace import Side, merge_traces, time_unit
from qhas.profile.trace import TraceInvalid

TraceOption = Annotated[
    Path | None,
    typer.Option("--trace", help="Also write both traces into this file (.json, .json.gz) for Perfetto."),
]
_QHAS = "_qnn_htp_analysis_summary.json"


def require_target(target: Path | None) -> None:
    """Check, before anything is compared, that the file can be written and that Perfetto would recognise its name.

    Raises InvalidInput.
    """
    if target is None:
        return
    if not target.name.endswith((".json", ".json.gz")):
        raise InvalidInput(f"{target} is not a trace file name; it must end in .json or .json.gz.")
    if target.is_dir() or not target.parent.is_dir():
        raise InvalidInput(f"{target} cannot be written; name a file in a folder that exists.")


def merge(diff: CellDiff, addresses: Sequence[str], target: Path, site: Path | None) -> None:
    """Write the traces of the two compared cells or QHAS files into one file.

    Raises InvalidInput if a trace is missing or invalid, or the file cannot be written.
    """
    clock = diff.figure(CLOCK.name)
    clocks = (clock.before, clock.after) if clock else (None, None)
    try:
        with tempfile.TemporaryDirectory(prefix="qhas-merge-") as folder:
            sides = [
                _side(letter, address, site, Path(folder))._replace(clock_mhz=clock_mhz)
                for letter, address, clock_mhz in zip("AB", addresses, clocks, strict=True)
            ]
            merge_traces(sides, target)
    except TraceInvalid as error:
        raise InvalidInput(f"The traces cannot be merged: {error}.") from error
    except OSError as error:
        raise InvalidInput(f"{target} cannot be written: {error.strerror or error}.") from error
    errors.print(
        f"Both traces: {target}, in {time_unit(sides)}; ui.perfetto.dev opens it.",
        style="dim",
        soft_wrap=True,
    )


def _side(letter: str, address: str, site: Path | None, copies: Path) -> Side:
    if _is_file(address):
        return Side(f"{letter} {Path(address).name.partition('.')[0]}", _beside(Path(address)))
    from qhas.archive.files import Files  # Arrow takes half a second to import, needless without traces

    store = store_of(site)
    record = cell_of(store, address)
    return Side(
        f"{letter} {record.run_id} {record.cell.label}", Files(store, copies).path(record, "chrometrace")
    )


def _is_file(address: str) -> bool:
    return address.endswith((".json", ".json.gz"))


def _beside(qhas: Path) -> Path:
    """Return the trace that the viewer wrote beside its summary. Raises InvalidInput if there is none."""
    stem = qhas.name.removesuffix(".gz").removesuffix(_QHAS)
    for name in (f"{stem}.json", f"{stem}.json.gz"):
        if stem != qhas.name.removesuffix(".gz") and (path := qhas.with_name(name)).is_file():
            return path
    raise InvalidInput(f"There is no trace beside {qhas}; qnn-profile-viewer names it chrometrace.json.")
