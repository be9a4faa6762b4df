"""How long a report takes, and how large its pages are: a night of many cells beside the night before, in a local store.

Every cell has a QHAS summary of a network of some size, with its HTP ops, a trace, and the picture that was made when the
trace was checked; latency, condition and attempts as a device leaves them. The report reads both nights, compares them
cell by cell and writes every page. In a second measurement no cell has a picture, as in runs from before there were
pictures, so that every trace is read.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import orjson
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.figures import Spread
from bench.size import Size
from bench.trace_file import Layout, write_trace
from bench.usage import Usage, peak_memory
from fakes.profiles import core, htp_op, qhas, qnn_op
from fakes.records import health, latency, metrics, record, run_record
from qhas.failures import Step
from qhas.profile.picture import read_timeline
from qhas.report.publish import publish_report
from qhas.runs import keys
from qhas.runs.record import Attempt, CellRecord, Origin, SweepRecord
from qhas.runs.stored import planned_cells
from qhas.store import Artifact, Store
from qhas.sweep.spec import ModelRef, SweepSpec

_SOCS = ("sm8550", "sm8650", "sm8750", "sa8255", "sa8797", "qcs9100")
_NETWORKS = {Size.QUICK: (5, 2), Size.NORMAL: (50, 10), Size.FULL: (50, 50)}
"""Numbers of networks in a night with pictures, and in one without, whose report reads every trace."""
_ROUNDS = {Size.QUICK: 1, Size.NORMAL: 2, Size.FULL: 5}
_OPS, _HTP_OPS, _STRETCHES = 100, 1_200, 1_250
"""QNN ops, HTP ops and stretches of the dominant path: the means of the demo's networks, whose files have 2 MB."""
_TRACE_MEGABYTES = 4
_TYPES = ("Conv2d", "DepthWiseConv2d", "ElementWiseAdd", "Concat", "PoolAvg2d", "FullyConnected", "Softmax")
_EVENING = datetime(2026, 3, 1, 22, tzinfo=UTC)


@dataclass(frozen=True)
class Report:
    """A report of `cells` cells: seconds of wall and CPU time, including the page writers', and bytes of pages.

    Memory, in bytes, is that of the process that reads.
    """

    what: str
    cells: int
    wall: Spread
    cpu: Spread
    pages: int
    pages_bytes: int
    largest_page: int
    read_bytes: int
    peak_memory: int


def measure(folder: Path, size: Size, console: Console) -> object:
    """Measure both cases; print a table and return the figures."""
    now, before = _NETWORKS[size]
    found = [
        _measure(folder / "pictures", "as runs are now", now, _ROUNDS[size], pictures=True),
        _measure(folder / "traces", "as runs were: every trace is read", before, 1, pictures=False),
    ]
    console.print(_table(found))
    return [asdict(report) for report in found]


def _measure(folder: Path, what: str, networks: int, rounds: int, *, pictures: bool) -> Report:
    files = _Files(folder, pictures)
    store, run, cells = _two_nights(folder, networks, files)
    walls, cpus = [], []
    for _ in range(rounds):
        before = Usage.so_far()
        publish_report(store, run, cells)
        used = Usage.so_far() - before
        walls.append(used.wall)
        cpus.append(used.cpu + used.children_cpu)
    pages = [path.stat().st_size for path in (folder / "store" / "reports").rglob("*.html")]
    return Report(
        what=what,
        cells=len(cells),
        wall=Spread.of(walls),
        cpu=Spread.of(cpus),
        pages=len(pages),
        pages_bytes=sum(pages),
        largest_page=max(pages),
        read_bytes=files.read_bytes(len(cells)),
        peak_memory=peak_memory(),
    )


def two_nights(folder: Path, networks: int) -> tuple[Store, SweepRecord, list[CellRecord]]:
    """Return a store with two nights whose traces have pictures, and the later night."""
    return _two_nights(folder, networks, _Files(folder / "files", pictures=True))


def _two_nights(folder: Path, networks: int, files: _Files) -> tuple[Store, SweepRecord, list[CellRecord]]:
    store = Store(str(folder / "store"))
    spec = SweepSpec(
        name="night",
        models=[ModelRef(name=f"net{n:02}", dlc=f"/models/net{n:02}.dlc") for n in range(networks)],
        socs=list(_SOCS),
    )
    _put_night(store, spec, "night-0", 0, files.of(1.0))
    return store, *_put_night(store, spec, "night-1", 1, files.of(1.07))


class _Files:
    """The files of a cell, made once: the cost of a report does not depend on whether two cells share them."""

    def __init__(self, folder: Path, pictures: bool) -> None:
        folder.mkdir(parents=True)
        self._trace = folder / "chrometrace.json.gz"
        write_trace(self._trace, _TRACE_MEGABYTES, Layout.GZIP)
        self._picture = gzip.compress(read_timeline(self._trace).model_dump_json().encode())
        self._pictures = pictures
        self._sizes: dict[str, int] = {}

    def of(self, slower: float) -> dict[str, bytes]:
        """Return bytes keyed by artifact name, for ops that take `slower` times their cycles."""
        found = {
            "qhas": gzip.compress(orjson.dumps(_summary(slower), option=orjson.OPT_INDENT_2)),
            "chrometrace": self._trace.read_bytes(),
            **({"timeline": self._picture} if self._pictures else {}),
        }
        self._sizes = {name: len(content) for name, content in found.items()}
        return found

    def read_bytes(self, cells: int) -> int:
        """Return the stored bytes that a report of `cells` cells reads, of them and of the night before."""
        own = self._sizes["timeline" if self._pictures else "chrometrace"]
        return cells * (2 * self._sizes["qhas"] + own)


def _put_night(
    store: Store, spec: SweepSpec, run_id: str, day: int, files: dict[str, bytes]
) -> tuple[SweepRecord, list[CellRecord]]:
    planned = planned_cells(spec)
    started = _EVENING + timedelta(days=day)
    run = run_record(
        len(planned), spec=spec, run_id=run_id, started_at=started, finished_at=started + timedelta(hours=3)
    )
    artifacts = [
        Artifact(
            name=name, path=f"{name}.json.gz", sha256=hashlib.sha256(content).hexdigest(), size=len(content)
        )
        for name, content in files.items()
    ]
    attempts = [
        Attempt(step=step, number=1, started_at=started + timedelta(seconds=at), seconds=9)
        for at, step in enumerate(Step)
    ]
    cells = []
    for number, cell in enumerate(planned):
        made = record(
            cell,
            run_id=run_id,
            origin=Origin.DEVICE,
            latency=latency(*(1000 + number + sample for sample in range(30))),
            health=health(),
            metrics=metrics(time_us=1300 + 40 * number + 90 * day),
            attempts=attempts,
            artifacts=artifacts,
        )
        prefix = keys.cell(run_id, cell)
        for artifact in artifacts:
            store.write(f"{prefix}/{artifact.path}", files[artifact.name])
        store.write(f"{prefix}/manifest.json", made.model_dump_json().encode())
        cells.append(made)
    store.write(keys.sweep_record(run_id), run.model_dump_json().encode())
    return run, cells


def _summary(slower: float) -> dict[str, Any]:
    names = [(f"layer{n}", _TYPES[n % len(_TYPES)]) for n in range(_OPS)]
    cycles = {name: int(4000 * (1 + n % 13) * (slower if n % 3 else 1)) for n, (name, _) in enumerate(names)}
    total = sum(cycles.values())
    return qhas(
        htp_overall_summary=[
            core(timeline_cycles=total, percent_idle=0.0, percent_utilization=100.0, time_us=total // 1400)
        ],
        qnn_op_instances_nodes=[
            {
                **qnn_op(name, 4 * cycles[name], cycles[name]),
                "qnn_op": name,
                "qnn_op_type": kind,
                "dram_read": cycles[name],
            }
            for name, kind in names
        ],
        htp_op_types=[htp_op(f"q::{kind}.{n}", 20 + n) for n, kind in product(range(8), _TYPES)],
        htp_op_instances=list(_htp_ops(names, cycles)),
        dominant_path_htp_0=list(_dominant_path(names, total)),
    )


def _htp_ops(names: list[tuple[str, str]], cycles: dict[str, int]) -> Iterator[dict[str, Any]]:
    for n in range(_HTP_OPS):
        name, kind = names[n % _OPS]
        flags = dict.fromkeys(("fmt_change", "ref_op", "hvx", "dma_wait", "dma_set", "dma", "sync"), False)
        moved = dict.fromkeys(("dram_read", "dram_write", "vtcm_read", "vtcm_write"), 4096)
        yield {
            "htp": 0,
            "tid": 256 + n % 6,
            "op_id": f"{n << 32 | n % _OPS:#x}",
            "htp_op": f"q::{kind}.{n % 8}",
            "qnn_op": name,
            "qnn_op_type": kind,
            "dtype": "QUInt8",
            "rank": 4,
            "step_size": 0.0078,
            "zero_offset": 128,
            "dims": [1, 8, 32, 256],
            "input_nodes": [f"{n - 1:#x}"],
            "start_cycle": n * 40,
            "cycles": cycles[name] // 16,
            "num_dominant_path_cycles": cycles[name] // 17,
            "percent_dominant_path_cycles": 0.01,
            "cycles_per_packet": 4.2,
            "hmx": True,
            **flags,
            **moved,
        }


def _dominant_path(names: list[tuple[str, str]], total: int) -> Iterator[dict[str, Any]]:
    length = total // _STRETCHES
    for n in range(_STRETCHES):
        name, kind = names[n % _OPS]
        yield {
            "op_id": f"{n << 32 | n % _OPS:#x}",
            "htp_op": f"q::{kind}.{n % 8}",
            "qnn_op": name,
            "start_cycle": n * length,
            "end_cycle": (n + 1) * length,
            "partial": False,
            "dp_cycles": length,
            "cycles": 2 * length,
        }


def _table(found: list[Report]) -> Table:
    shown = Table(
        title="a report of a night", title_justify="left", padding=(0, 1), box=SIMPLE, pad_edge=False
    )
    shown.add_column("")
    for report in found:
        shown.add_column(f"{report.cells} cells, {report.what}", justify="right")
    rows: tuple[tuple[str, Callable[[Report], str]], ...] = (
        ("wall, s", lambda of: _three(of.wall)),
        ("CPU, s", lambda of: _three(of.cpu)),
        ("pages", lambda of: str(of.pages)),
        ("largest page, kB", lambda of: f"{of.largest_page / 1e3:.0f}"),
        ("all pages, MB", lambda of: f"{of.pages_bytes / 1e6:.1f}"),
        ("read, MB as stored", lambda of: f"{of.read_bytes / 1e6:.0f}"),
        ("peak RSS, MB", lambda of: f"{of.peak_memory / 1e6:.0f}"),
    )
    for title, figure in rows:
        shown.add_row(title, *map(figure, found))
    return shown


def _three(spread: Spread) -> str:
    return f"{spread.low:.1f}/{spread.middle:.1f}/{spread.high:.1f}"
