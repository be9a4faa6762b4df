"""`python -m bench ceilings`: the highest rates on each SoC; --write makes the table that `qhas explain` reads."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from rich.console import Console

from bench.ceilings.networks import dlcs
from bench.truth.estimating import host_sdk
from hostsdk import socs
from qhas.estimate.model import GraphEstimate
from qhas.estimate.worker import TrialRefused, Worker
from qhas.explain.ceilings import TABLE, Ceiling
from qhas.explain.rates import HMX, HVX, rates
from qhas.network.dlc import read_network
from qhas.truth.tables import Precision

_TABLE = Path(__file__).parents[2] / "qhas/explain" / TABLE
_DMA = "DMA"
_NEAR = 0.8


def main(argv: Sequence[str]) -> int:
    """Return exit code 0; a SoC that the simulator refuses is reported and left out."""
    parser = argparse.ArgumentParser(prog="python -m bench ceilings", description=__doc__)
    parser.add_argument("--soc", nargs="+", default=_estimated(), metavar="SOC")
    parser.add_argument("--write", action="store_true", help=f"make {TABLE}")
    wanted = parser.parse_args(argv)
    console, made = Console(highlight=False, width=120), list[Ceiling]()
    with tempfile.TemporaryDirectory(prefix="qhas-ceilings-") as scratch:
        for precision in Precision:
            for row in _measured(precision, wanted.soc, Path(scratch, precision), console):
                console.print(
                    f"{row.soc} {precision}: HMX {row.hmx_macs:,.0f} MACs, HVX {row.hvx_bytes:.1f} bytes a thread, "
                    f"DRAM {row.dram_bytes:.1f} bytes a cycle"
                )
                made.append(row)
    if wanted.write:
        _TABLE.write_text(_as_table(made), encoding="ascii")
    return 0


def _estimated() -> list[str]:
    """Return the SoCs that are estimated without an explicit override."""
    return [soc.name for soc in socs.table().values() if soc.estimate_supported or soc.checked]


def _measured(
    precision: Precision, names: Sequence[str], folder: Path, console: Console
) -> Iterator[Ceiling]:
    networks, sdk = dlcs(precision, folder), host_sdk()
    worker = Worker(sdk, folder / "worker")
    try:
        for soc in names:
            try:
                estimates = [_asked(worker, dlc, soc) for dlc in networks]
            except TrialRefused as refused:
                console.print(f"{soc} {precision}: {refused}", markup=False)
                continue
            yield _ceiling(soc, precision, networks, estimates, sdk.version)
    finally:
        worker.end()


def _asked(worker: Worker, dlc: Path, soc: str) -> GraphEstimate:
    request = {"dlc": str(dlc), "soc": soc, "options": {}, "settings": {}, "ops": True}
    return GraphEstimate.model_validate(worker.ask(request)[0])


def _ceiling(
    soc: str,
    precision: Precision,
    networks: Sequence[Path],
    estimates: Sequence[GraphEstimate],
    compiler: str,
) -> Ceiling:
    worked = [
        rate
        for dlc, estimate in zip(networks, estimates, strict=True)
        for rate in rates(read_network(dlc).graphs[0], estimate.ops or ()).values()
        if rate.precision is precision
    ]
    transfers = [
        (op.dram_read + op.dram_write) / op.busy
        for estimate in estimates
        for op in estimate.ops or ()
        if op.unit == _DMA and op.busy
    ]
    return Ceiling(
        soc=soc,
        precision=precision,
        hmx_macs=_fastest([rate.work / rate.busy for rate in worked if rate.unit == HMX]),
        hvx_bytes=max((rate.work / rate.cycles for rate in worked if rate.unit == HVX), default=0.0),
        dram_bytes=max(transfers, default=0.0),
        core_mhz=estimates[0].core_mhz,
        compiler=compiler,
        made=datetime.now(UTC).date().isoformat(),
    )


def _fastest(speeds: list[float]) -> float:
    """Return the highest speed that another comes close to: the simulator may be wrong about a single shape."""
    ordered = sorted(speeds, reverse=True)
    return next((one for one, other in pairwise(ordered) if other >= _NEAR * one), 0.0)


def _as_table(made: Sequence[Ceiling]) -> str:
    """Format the table, including a row for every other name of a SoC."""
    others = [(name, same) for name, (same, _) in socs.other_names().items() if same]
    rows = [*made, *(row._replace(soc=name) for name, same in others for row in made if row.soc == same)]
    lines = [
        "\t".join(f"{value:.6g}" if isinstance(value, float) else str(value) for value in row)
        for row in sorted(rows)
    ]
    return "\n".join(["\t".join(Ceiling._fields), *lines]) + "\n"
