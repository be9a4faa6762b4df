"""Are planted causes named, and no others? Defaults, options, versions and ops are changed on purpose and compiled.

A default is planted by an SDK whose graph-prepare is the host SDK's with one more option, and another version: this is
what an upgrade looks like from outside; `planted_versions` has several in a row. Options and ops are planted between
two stored cells, which are compared as by `qhas bisect`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.cause_runs import convert
from bench.plant import SOC, THRESHOLD, Planted, answered, planted_sdk
from bench.planted_versions import versions
from bench.size import Size
from qhas.direct import run_direct
from qhas.runs.record import CellRecord
from qhas.runs.stored import load_run
from qhas.site import Site
from qhas.site.site import NamedSdk
from qhas.store import Store
from qhas.sweep.spec import NO_INPUTS, ModelRef, PrepareOptions, RunOptions, SweepSpec
from qhas.upgrade.bisection import Bisection
from qhas.upgrade.line import Point
from qhas.upgrade.model import Cause, Changed
from qhas.upgrade.question import Question
from qhas.upgrade.search import search

_OLD = "old"
DEFAULTS: Mapping[str, tuple[str, str]] = {
    "vtcm-2": ("--vtcm_override=2", "VTCM 8 → 2 MiB (the SDK's default)"),
    "vtcm-1": ("--vtcm_override=1", "VTCM 8 → 1 MiB (the SDK's default)"),
    "threads-2": ("--num_hvx_threads=2", "HVX threads 4 → 2 (the SDK's default)"),
    "threads-1": ("--num_hvx_threads=1", "HVX threads 4 → 1 (the SDK's default)"),
    "level-1": ("--optimization_level=1", "optimisation level 2 → 1 (the SDK's default)"),
    "level-3": ("--optimization_level=3", "optimisation level 2 → 3 (the SDK's default)"),
    "dlbc": ("--htp_dlbc=true", "DLBC off → on (the SDK's default)"),
    "same": ("--vtcm_override=8", ""),
    "version": ("--htp_dlbc=false", ""),
}
"""SDKs by name: the option that graph-prepare adds, and the true cause, empty if the default stays the same."""
OPTIONS: Mapping[str, tuple[dict[str, int | bool], str]] = {
    "VTCM": ({"vtcm_mb": 2}, "VTCM 8 → 2 MiB"),
    "HVX threads": ({"hvx_threads": 2}, "HVX threads 4 → 2"),
    "level": ({"optimization_level": 1}, "optimisation level 2 → 1"),
    "nothing": ({"vtcm_mb": 8, "hvx_threads": 4}, ""),
}


def measure(folder: Path, size: Size, console: Console) -> object:
    """Plant all causes and print which were named. Raises BenchFailed."""
    found = list(planted(folder, ("plain", "wide") if size is not Size.QUICK else ("plain",)))
    console.print(_table(found))
    return [asdict(trial) for trial in found]


def planted(folder: Path, networks: Sequence[str]) -> Iterator[Planted]:
    """Plant every change, the defaults in each of these networks, and search for the causes."""
    folder.mkdir(parents=True, exist_ok=True)
    dlcs = _dlcs(folder)
    site = _site(folder)
    yield from _between(site, dlcs)
    yield from _defaults(site, {name: dlcs[name] for name in networks})
    yield from versions(folder, dlcs["plain"])


def _defaults(site: Site, dlcs: Mapping[str, Path]) -> Iterator[Planted]:
    models = tuple(ModelRef(name=name, dlc=str(dlc), inputs=NO_INPUTS) for name, dlc in dlcs.items())
    for sdk, (_, truth) in DEFAULTS.items():
        question = Question(models, (SOC,), (_OLD, sdk), THRESHOLD)
        answer = answered(search(question, Store(site.store)), site)
        for cell in answer.cells:
            named = tuple(step.why for step in cell.steps)
            yield Planted("default", f"{sdk}, {cell.cell}", cell.time.percent or 0.0, truth, named)


def _between(site: Site, dlcs: Mapping[str, Path]) -> Iterator[Planted]:
    base = _run(site, "base", dlcs, PrepareOptions())
    for name, (options, truth) in OPTIONS.items():
        after = _run(site, f"option-{'-'.join(options)}", {"plain": dlcs["plain"]}, PrepareOptions(**options))  # type: ignore[arg-type]
        yield _held(site, "option", name, truth, (base["plain"], after["plain"]))
    for name, truth in SWAPS.items():
        yield _held(site, "op", name, truth, (base["plain"], base[name]))


def _held(site: Site, kind: str, name: str, truth: str, sides: tuple[CellRecord, CellRecord]) -> Planted:
    changed = Changed.DLC if kind == "op" else Changed.OPTION
    points = [
        Point(side.run_id, how, side.cell.model, SOC, None, side.cell.prepare, RunOptions())
        for side, how in zip(sides, (Changed.NOTHING, changed), strict=True)
    ]
    answer = answered(Bisection(Store(site.store), points, *sides, THRESHOLD).stages(), site)
    (cell,) = answer.cells
    named = tuple(step.why for step in cell.steps)
    causes = {step.cause for step in cell.steps}
    if causes - {Cause.ASKED, Cause.NETWORK}:
        named += ("another kind of cause",)
    return Planted(kind, name, cell.time.percent or 0.0, truth, named)


def _run(site: Site, run_id: str, dlcs: Mapping[str, Path], prepare: PrepareOptions) -> dict[str, CellRecord]:
    models = [ModelRef(name=name, dlc=str(dlc), inputs=NO_INPUTS) for name, dlc in dlcs.items()]
    spec = SweepSpec(name="planted", models=models, socs=[SOC], prepare=prepare)
    run_direct(spec, site, run_id)
    _, records = load_run(Store(site.store), run_id)
    return {record.cell.model.name: record for record in records}


def _site(folder: Path) -> Site:
    roots = {name: planted_sdk(folder / "sdks" / name, options) for name, options in _added().items()}
    sdks = {name: NamedSdk(root=root) for name, root in roots.items()}
    return Site(store=str(folder / "store"), sdks=sdks)


def _added() -> dict[str, str]:
    return {_OLD: "", **{name: option for name, (option, _) in DEFAULTS.items()}}


SWAPS: Mapping[str, str] = {
    "activation": "activation Relu → Sigmoid",
    "pooling": "pool type PoolMax2d → PoolAvg2d",
    "kernel": "kernel 3x3 → 5x5",
    "depthwise": "became DepthWiseConv2d",
    "join": "operation Add → Multiply",
    "resize": "became ResizeBilinear",
    "channels": "output channels 32 → 48",
    "dilation": "dilation 1x1 → 2x2",
    "renamed": "",
}
"""Networks that are the plain one with an op swapped: what is true of each; empty for the one with only new names."""


def _dlcs(folder: Path) -> dict[str, Path]:
    from bench.cause_changes import Tiny, write  # needs the host SDK's extra

    plain = Tiny()
    forms = {
        "plain": plain,
        "wide": replace(plain, image=96),
        "activation": plain.with_convs(activation="Sigmoid"),
        "pooling": replace(plain, pool="AveragePool"),
        "kernel": plain.with_conv(1, kernel=5),
        "depthwise": plain.with_conv(3, groups=32),
        "join": replace(plain, join="Mul"),
        "resize": replace(plain, resize="linear"),
        "channels": plain.with_conv(3, channels=48),
        "dilation": plain.with_conv(1, dilation=2).with_conv(3, dilation=2),
        "renamed": replace(plain, prefix="stage"),
    }
    made = {name: folder / f"{name}.dlc" for name in forms}
    for name, tiny in forms.items():
        if not made[name].is_file():
            onnx = made[name].with_suffix(".onnx")
            write(tiny, onnx)
            convert(onnx, made[name])
    return made


def _table(found: Sequence[Planted]) -> Table:
    counted = [trial for trial in found if trial.counts]
    right, invented = sum(trial.right for trial in counted), sum(trial.invented for trial in found)
    title = f"{right} of {len(counted)} planted causes named right, {invented} invented, {len(found) - len(counted)} silent"
    shown = Table("kind", "plant", title=title, title_justify="left", box=SIMPLE)
    for column in ("time", "named", "right"):
        shown.add_column(column)
    for trial in found:
        named = "; ".join(trial.named) or "nothing"
        shown.add_row(
            trial.kind, trial.name, f"{trial.change_percent:+.1f} %", named, "yes" if trial.right else "no"
        )
    return shown
