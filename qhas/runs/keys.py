"""Every key of the store: made here, and taken apart here.

runs/<run_id>/sweep.json                                the run
runs/<run_id>/<model>/<soc>/<variant>/manifest.json     a cell, beside its artifacts; written last
runs/<run_id>/<model>/<soc>/<variant>/<graph>/...       artifacts of a graph, of a DLC that holds several
prepared/<key>/manifest.json                            a prepared graph
history/date=YYYY-MM-DD/<run_id>.parquet                a run's rows, and history/month=YYYY-MM/ of a month
reports/<run_id>/index.html                             a report, and reports/index.html of all
sweeps/<name>/durations.json                            how long the cells of a sweep took
upgrades/<id>.json, .md                                 what another SDK does to networks
accepted/<sweep>/<model>/<soc>/<variant>/<run_id>.json  a level that somebody has accepted
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
"""Every first part of a key."""

MANIFEST = "manifest.json"
SWEEP_RECORD = "sweep.json"
CLAIM = "claim.json"
PINNED = "pinned"
"""An object of this name in a run's prefix keeps all of the run for as long as it is there."""
USED = "used.txt"
INDEX = "index.html"
REPORT_INDEX = f"{REPORTS}/{INDEX}"
REPORT_ENTRIES = f"{REPORTS}/index"
KNOWN_ENTRIES = f"{REPORTS}/index.json"
ASSETS = f"{REPORTS}/assets"
NO_RUNS = frozenset(
    key.removeprefix(f"{REPORTS}/") for key in (REPORT_INDEX, REPORT_ENTRIES, KNOWN_ENTRIES, ASSETS)
)
"""What no run may be called: of its name the report would lie where all reports have something in common."""

_RERUNS = re.compile(r"reruns(-.+)?\.json")


def run(run_id: str) -> str:
    """Prefix of everything a run stores, apart from prepared graphs. Raises InvalidInput for an id that is no name."""
    try:
        return f"{RUNS}/{check_name(run_id)}"
    except ValueError as error:
        raise InvalidInput(f"The run id is not valid: {error}.") from error


def sweep_record(run_id: str) -> str:
    """The record of a run."""
    return f"{run(run_id)}/{SWEEP_RECORD}"


def claim(run_id: str, site: str | None = None) -> str:
    """Who runs a run, or a site's part of it."""
    return f"{run(run_id)}/claim-{site}.json" if site else f"{run(run_id)}/{CLAIM}"


def pin(run_id: str) -> str:
    """What keeps a run from pruning."""
    return f"{run(run_id)}/{PINNED}"


def verdicts(run_id: str) -> str:
    """The verdicts of a run."""
    return f"{run(run_id)}/verdicts.json"


def reruns(run_id: str, site: str | None = None) -> str:
    """The re-runs of a run, or of a site's part of it."""
    return f"{run(run_id)}/reruns-{site}.json" if site else f"{run(run_id)}/reruns.json"


def are_reruns(name: str) -> bool:
    """Whether an object of that name below a run is of its re-runs."""
    return is_name(name) and bool(_RERUNS.fullmatch(name))


def cell(run_id: str, of: Cell) -> str:
    """Prefix of a cell's artifacts."""
    return f"{run(run_id)}/{of.key}"


def manifest(prefix: str) -> str:
    """The manifest of a cell or of a prepared graph."""
    return f"{prefix}/{MANIFEST}"


def file(record: CellRecord, artifact: Artifact) -> str:
    """A stored file of a cell."""
    return f"{cell(record.run_id, record.cell)}/{artifact.path}"


def prepared(key: str) -> str:
    """Prefix of a prepared graph."""
    return f"{PREPARED}/{key}"


def report(run_id: str, page: str = INDEX) -> str:
    """A page of a run's report, by its path below the report: as it stands, the first."""
    return f"{REPORTS}/{run_id}/{page}"


def report_asset(name: str) -> str:
    """What all reports share."""
    return f"{ASSETS}/{name}"


def report_entries(run_id: str) -> str:
    """Prefix of a run's lines in the index."""
    return f"{REPORT_ENTRIES}/{run_id}"


def report_entry(run_id: str, digest: str) -> str:
    """A run's line in the index, named by its content."""
    return f"{report_entries(run_id)}/{digest}.json"


def accepted(sweep: str, cell_key: str | None = None, run_id: str | None = None) -> str:
    """Prefix of what was accepted of a sweep or of a cell of it, or the acceptance of a run's level."""
    place = "/".join(filter(None, (ACCEPTED, sweep, cell_key)))
    return f"{place}/{run_id}.json" if run_id else place


def upgrade(upgrade_id: str, ending: str) -> str:
    """What an SDK does to networks: the answer, json, or its page, md."""
    return f"{UPGRADES}/{upgrade_id}.{ending}"


def trial(key: str) -> str:
    """An estimate of a network compiled one way."""
    return f"{TRIALS}/{key}.json"


def tuning(tuning_id: str, ending: str) -> str:
    """The best options of a network: the answer, json, or its page, md."""
    return f"{TUNINGS}/{tuning_id}.{ending}"


def durations(sweep: str) -> str:
    """How long the cells of a sweep took last time."""
    return f"{SWEEPS}/{sweep}/durations.json"


def history_of_run(table: str, night: date, run_id: str) -> str:
    """A run's rows of a table of the history."""
    return f"{table}/date={night.isoformat()}/{run_id}.parquet"


def history_month(table: str, month: str) -> str:
    """Prefix of the rows of a month, as in `2026-03`."""
    return f"{table}/month={month}"


def parse_history(table: str, key: str) -> tuple[str, str] | None:
    """Month and night of a file of the history, the night empty for one of a whole month; None for another key."""
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
    """Where an object of a cell lies."""

    run_id: str
    cell: str
    """As in `Cell.key`."""
    name: str
    """Below the cell."""

    @property
    def prefix(self) -> str:
        """Of the cell."""
        return f"{RUNS}/{self.run_id}/{self.cell}"


def parse(key: str) -> CellKey | None:
    """The parts of a key below a cell; None for a key of something else."""
    parts = key.split("/")
    if parts[0] != RUNS or len(parts) < len(("runs", "run", "model", "soc", "variant", "name")):
        return None
    return CellKey(parts[1], "/".join(parts[2:5]), "/".join(parts[5:]))


def whole_cell(cell_key: str) -> str:
    """The key of the cell, of that of one of its graphs, `<model>/<soc>/<variant>/<graph>`."""
    return "/".join(cell_key.split("/")[:3])


def network_of(cell_key: str) -> str:
    """The network in a cell's key, `<model>/<soc>/<variant>`."""
    return cell_key.split("/")[0]


def soc_of(cell_key: str) -> str:
    """The SoC in a cell's key, `<model>/<soc>/<variant>`."""
    return cell_key.split("/")[1]
