"""Does a mere re-export of a network raise an alarm?

Known networks are re-exported up to a thousand times in all, converted, compiled and compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.cause_changes import Conv, Tiny
from bench.cause_changes import write as write_network
from bench.cause_runs import convert
from bench.failure import BenchFailed
from bench.reexport import write as write_anew
from bench.size import Size
from qhas.diff.compare import THRESHOLD_PERCENT
from qhas.diff.network_causes import network_causes
from qhas.diff.network_changes import network_diff
from qhas.estimate.estimator import Estimator, open_estimator
from qhas.estimate.trial import Subject, Trial
from qhas.estimate.worker import TrialRefused
from qhas.machine.digest import file_digest
from qhas.network.dlc import read_network
from qhas.site import Site
from qhas.site.sdk import find_sdk
from qhas.store import Store

SOC = "sa8255"
EXPORTS = {Size.QUICK: 20, Size.NORMAL: 200, Size.FULL: 1_000}


@dataclass(frozen=True)
class Export:
    """One re-export of a network, the changes made in it, and the alarms that it raised."""

    network: str
    changes: tuple[str, ...]
    before_us: float
    after_us: float | None
    """None if it was refused."""
    said: tuple[str, ...]
    """Why it was refused, or the changes in the network that the comparison reports."""

    @property
    def percent(self) -> float:
        """Change of the time in percent; 0 if the export was refused."""
        return 0.0 if self.after_us is None else 100 * (self.after_us / self.before_us - 1)

    @property
    def alarm(self) -> bool:
        """Whether a gate would stop it or report a change."""
        return bool(self.said) or abs(self.percent) >= THRESHOLD_PERCENT


def networks() -> dict[str, Tiny]:
    """Return float and 8-bit networks, with and without descriptive names, that cover what `Tiny` can be built from."""
    base = Tiny()
    kinds = {
        "skip": base,
        "two outputs": replace(base, tap=True),
        "concat": replace(base, join="Concat"),
        "bilinear": replace(base, resize="linear"),
        "average pool": replace(base, pool="AveragePool"),
        "numbered": replace(base, names=tuple(range(5))),
        "grouped": base.with_conv(2, groups=4),
        "dilated": base.with_convs(dilation=2),
        "equal branches": replace(base, join="Add", convs=(Conv(seed=3),) * 5),
        "sigmoid": base.with_convs(activation="Sigmoid"),
    }
    return kinds | {f"{name}, 8 bit": replace(tiny, bits=8) for name, tiny in kinds.items()}


def measure(folder: Path, size: Size, console: Console) -> object:
    """Print how many re-exports of each network raised an alarm, and each alarm."""
    site = Site(store=str(folder / "store"))
    with open_estimator(find_sdk(site.sdk), Store(site.store)) as estimator:
        rounds = EXPORTS[size] // len(networks())
        rows = list(track(_exports(folder, estimator, rounds), "exports", EXPORTS[size], console=console))
    console.print(_table(rows))
    for row in rows:
        if row.alarm:
            console.print(
                f"{row.network} ({', '.join(row.changes)}): {row.percent:+.2f} %; {'; '.join(row.said)}"
            )
    return [asdict(row) for row in rows]


def _exports(folder: Path, estimator: Estimator, rounds: int) -> Iterator[Export]:
    for number, (name, tiny) in enumerate(networks().items()):
        source = folder / f"{number}.onnx"
        write_network(tiny, source)
        before = _Made.of(source, estimator)
        for seed in range(rounds):
            anew = source.with_stem(f"{number}-{seed}")
            changes = tuple(write_anew(source, anew, seed=1000 * number + seed))
            yield _compared(name, changes, before, anew, estimator)
            for file in folder.glob(f"{anew.stem}.*"):
                file.unlink()


@dataclass(frozen=True)
class _Made:
    """A network that was converted, and its estimated time."""

    dlc: Path
    time_us: float

    @classmethod
    def of(cls, source: Path, estimator: Estimator) -> _Made:
        dlc = source.with_suffix(".dlc")
        convert(source, dlc)
        (outcome,) = estimator.try_all([Trial(Subject(dlc, file_digest(dlc), SOC))])
        if isinstance(outcome, TrialRefused):
            raise BenchFailed(f"{source.name} has no estimate: {outcome}")
        return cls(dlc, outcome.time_us)


def _compared(name: str, changes: tuple[str, ...], before: _Made, anew: Path, estimator: Estimator) -> Export:
    try:
        after = _Made.of(anew, estimator)
    except BenchFailed as failed:
        return Export(name, changes, before.time_us, None, (str(failed),))
    diff = network_diff(read_network(before.dlc), read_network(after.dlc))
    said = () if diff.same else tuple(cause.sentence for cause in network_causes(diff))
    return Export(name, changes, before.time_us, after.time_us, said)


def _table(rows: list[Export]) -> Table:
    table = Table(box=SIMPLE)
    for column in ("network", "exports", "alarms", "other time", "largest change"):
        table.add_column(column, justify="left" if column == "network" else "right")
    for name in dict.fromkeys(row.network for row in rows):
        own = [row for row in rows if row.network == name]
        largest = max((row.percent for row in own), key=abs)
        table.add_row(
            name,
            str(len(own)),
            str(sum(row.alarm for row in own)),
            str(sum(row.percent != 0 for row in own)),
            f"{largest:+.2f} %",
        )
    kinds = Counter(change for row in rows for change in row.changes)
    table.caption = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
    return table
