"""Every key of the store: built and parsed here.

runs/<run_id>/sweep.json                                the run
runs/<run_id>/<model>/<soc>/<variant>/manifest.json     a cell, beside its artifacts; written last
runs/<run_id>/<model>/<soc>/<variant>/<graph>/...       artifacts of one graph of a DLC that holds several
prepared/<key>/manifest.json                            a prepared graph
history/date=YYYY-MM-DD/<run_id>.parquet                a run's rows; history/month=YYYY-MM/ for a month
reports/<run_id>/index.html                             a report; reports/index.html lists them all
sweeps/<name>/durations.json                            how long the cells of a sweep took
upgrades/<id>.json, .md                                 what a different SDK does to networks
accepted/<sweep>/<model>/<soc>/<variant>/<run_id>.json  an accepted level
trials/<key>.json                                       a simulator's estimate, by content key
tunings/<id>.json, .md                                  the best options of a network on a SoC
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from qhas.failures import InvalidInput
from qhas.naming import check_name, is_key, is_name

if TYPE_CHECKING:
    from qhas.runs.record import CellRecord
    from qhas.store import Artifact
    from qhas.sweep.spec import Cell

RUNS = "runs"
PREPARED = "prepared"
REPORTS = "reports"
HISTORY = "history"
HISTORY_OPS = "history/ops"
SWEEPS = "sweeps"
UPGRADES = "upgrades"
ACCEPTED = "accepted"
TRIALS = "trials"
TUNINGS = "tunings"
PARTS = (RUNS, PREPARED, REPORTS, HISTORY, SWEEPS, UPGRADES, ACCEPTED, TRIALS, TUNINGS)
"""Every possible first part of a key."""

MANIFEST = "manifest.json"
SWEEP_RECORD = "sweep.json"
CLAIM = "claim.json"
PINNED = "pinned"
"""An object of this name in a run's prefix keeps the whole run for as long as it exists."""
USED = "used.txt"
INDEX = "index.html"
REPORT_INDEX = f"{REPORTS}/{INDEX}"
REPORT_ENTRIES = f"{REPORTS}/index"
KNOWN_ENTRIES = f"{REPORTS}/index.json"
ASSETS = f"{REPORTS}/assets"
NO_RUNS = frozenset(
    key.removeprefix(f"{REPORTS}/") for key in (REPORT_INDEX, REPORT_ENTRIES, KNOWN_ENTRIES, ASSETS)
)
"""Names that a run may not have: its report would be written where all reports share something."""

_RERUNS = re.compile(r"reruns(-.+)?\.json")


def run(run_id: str) -> str:
    """Return the prefix of all that a run stores, except prepared graphs. Raises InvalidInput for an invalid id."""
    try:
        return f"{RUNS}/{check_name(run_id)}"
    except ValueError as error:
        raise InvalidInput(f"The run id is not valid: {error}.") from error


def sweep_record(run_id: str) -> str:
    """Return the key of a run's record."""
    return f"{run(run_id)}/{SWEEP_RECORD}"


def claim(run_id: str, site: str | None = None) -> str:
    """Return the key of the claim to a run, or to a site's part of it."""
    return f"{run(run_id)}/claim-{site}.json" if site else f"{run(run_id)}/{CLAIM}"


def pin(run_id: str) -> str:
    """Return the key of the object that protects a run from pruning."""
    return f"{run(run_id)}/{PINNED}"


def verdicts(run_id: str) -> str:
    """Return the key of a run's verdicts."""
    return f"{run(run_id)}/verdicts.json"


def reruns(run_id: str, site: str | None = None) -> str:
    """Return the key of the re-runs of a run, or of a site's part of it."""
    return f"{run(run_id)}/reruns-{site}.json" if site else f"{run(run_id)}/reruns.json"


def are_reruns(name: str) -> bool:
    """Whether an object of that name in a run's prefix holds re-runs."""
    return is_name(name) and bool(_RERUNS.fullmatch(name))


def cell(run_id: str, of: Cell) -> str:
    """Return the prefix of a cell's artifacts."""
    return f"{run(run_id)}/{of.key}"


def manifest(prefix: str) -> str:
    """Return the key of the manifest of a cell or of a prepared graph."""
    return f"{prefix}/{MANIFEST}"


def file(record: CellRecord, artifact: Artifact) -> str:
    """Return the key of a cell's stored file."""
    return f"{cell(record.run_id, record.cell)}/{artifact.path}"


def prepared(key: str) -> str:
    """Return the prefix of a prepared graph."""
    return f"{PREPARED}/{key}"


def report(run_id: str, page: str = INDEX) -> str:
    """Return the key of a page of a run's report, given by its path below the report; by default the first page."""
    return f"{REPORTS}/{run_id}/{page}"


def report_asset(name: str) -> str:
    """Return the key of a file that all reports share."""
    return f"{ASSETS}/{name}"


def report_entries(run_id: str) -> str:
    """Return the prefix of a run's lines in the index."""
    return f"{REPORT_ENTRIES}/{run_id}"


def report_entry(run_id: str, digest: str) -> str:
    """Return the key of a run's line in the index, named after its content."""
    return f"{report_entries(run_id)}/{digest}.json"


def accepted(sweep: str, cell_key: str | None = None, run_id: str | None = None) -> str:
    """Return the prefix of the acceptances of a sweep or of one of its cells, or the key of one run's acceptance."""
    place = "/".join(filter(None, (ACCEPTED, sweep, cell_key)))
    return f"{place}/{run_id}.json" if run_id else place


def upgrade(upgrade_id: str, ending: str) -> str:
    """Return the key of what an SDK does to networks: the answer (json) or its page (md)."""
    return f"{UPGRADES}/{upgrade_id}.{ending}"


def trial(key: str) -> str:
    """Return the key of an estimate of a network compiled in one way."""
    return f"{TRIALS}/{key}.json"


def tuning(tuning_id: str, ending: str) -> str:
    """Return the key of the best options of a network: the answer (json) or its page (md)."""
    return f"{TUNINGS}/{tuning_id}.{ending}"


def durations(sweep: str) -> str:
    """Return the key of how long the cells of a sweep took last time."""
    return f"{SWEEPS}/{sweep}/durations.json"


def history_of_run(table: str, night: date, run_id: str) -> str:
    """Return the key of a run's rows in a table of the history."""
    return f"{table}/date={night.isoformat()}/{run_id}.parquet"


def history_month(table: str, month: str) -> str:
    """Return the prefix of a month's rows, as in `2026-03`."""
    return f"{table}/month={month}"


def parse_history(table: str, key: str) -> tuple[str, str] | None:
    """Return the month and night of a history file; the night is empty for a whole month. None for other keys."""
    match = re.fullmatch(rf"{table}/(?:date=((\d{{4}}-\d\d)-\d\d)|month=(\d{{4}}-\d\d))/[^/]+\.parquet", key)
    if match is None or not is_key(key):
        return None
    night, month = match[1] or "", match[2] or match[3]
    try:
        date.fromisoformat(night or f"{month}-01")
    except ValueError:
        return None
    return month, night


class CellKey(NamedTuple):
    """The parts of the key of a cell's object."""

    run_id: str
    cell: str
    """The cell's key, as in `Cell.key`."""
    name: str
    """The path below the cell."""

    @property
    def prefix(self) -> str:
        """The prefix of the cell."""
        return f"{RUNS}/{self.run_id}/{self.cell}"


def parse(key: str) -> CellKey | None:
    """Split the key of an object below a cell into its parts; None for any other key."""
    parts = key.split("/")
    if parts[0] != RUNS or len(parts) < len(("runs", "run", "model", "soc", "variant", "name")):
        return None
    return CellKey(parts[1], "/".join(parts[2:5]), "/".join(parts[5:]))


def whole_cell(cell_key: str) -> str:
    """Return the cell's key, given that of one of its graphs, `<model>/<soc>/<variant>/<graph>`."""
    return "/".join(cell_key.split("/")[:3])


def network_of(cell_key: str) -> str:
    """Return the network in a cell's key, `<model>/<soc>/<variant>`."""
    return cell_key.split("/")[0]


def soc_of(cell_key: str) -> str:
    """Return the SoC in a cell's key, `<model>/<soc>/<variant>`."""
    return cell_key.split("/")[1]
