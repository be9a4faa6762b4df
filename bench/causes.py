"""Does the diff name the true cause? Known changes to real inputs, compiled and simulated for real, then compared.

Each experiment changes one thing. The diff sees it twice: with the cell records, which state options and digests, and
with the QHAS figures alone, without what the host SDK writes into their header, like a file from a device.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.cause_runs import cells_run, convert
from bench.cause_trials import Verdict, verdicts_of
from bench.size import Size
from qhas.diff.circumstances import Evidence
from qhas.diff.compare import compare
from qhas.diff.model import CellDiff, CircumstanceKind, Part
from qhas.sweep.spec import Cell, ModelRef, PrepareOptions

Kind = CircumstanceKind
_SOC = "sa8255"
_USUAL = PrepareOptions(optimization_level=3, vtcm_mb=8, hvx_threads=4)
_NETWORKS: Mapping[Size, tuple[str, ...]] = {
    Size.QUICK: ("squeezenet",),
    Size.NORMAL: ("squeezenet", "inception_v2", "resnet50"),
    Size.FULL: ("squeezenet", "inception_v1", "inception_v2", "resnet50", "shufflenet", "densenet121"),
}


@dataclass(frozen=True)
class Input:
    """What is compiled: a form of a network (`bench.cause_networks.Form`), a SoC and prepare options."""

    form: str = "plain"
    soc: str = _SOC
    prepare: PrepareOptions = _USUAL

    @property
    def key(self) -> str:
        """The name of its cell."""
        options = [f"{name}-{value}" for name, value in self.prepare if value is not None]
        return ".".join([self.form, self.soc, *options])


@dataclass(frozen=True)
class Experiment:
    """One change. `cause` is the true cause; `seen` is the one that the figures alone can show."""

    name: str
    before: Input
    after: Input
    cause: CircumstanceKind
    seen: CircumstanceKind


EXPERIMENTS = (
    Experiment(
        "VTCM 8 to 2 MB",
        Input(),
        Input(prepare=_USUAL.model_copy(update={"vtcm_mb": 2})),
        Kind.VTCM,
        Kind.VTCM,
    ),
    Experiment(
        "HVX threads 4 to 2",
        Input(),
        Input(prepare=_USUAL.model_copy(update={"hvx_threads": 2})),
        Kind.HVX_THREADS,
        Kind.HVX_THREADS,
    ),
    Experiment(
        "optimisation level 3 to 1",
        Input(),
        Input(prepare=_USUAL.model_copy(update={"optimization_level": 1})),
        Kind.OPTIMIZATION_LEVEL,
        Kind.COMPILED,
    ),
    Experiment("one layer widened", Input(), Input("widened"), Kind.NETWORK, Kind.NETWORK),
    Experiment("one op unfused", Input("leaky"), Input("unfused"), Kind.NETWORK, Kind.NETWORK),
    Experiment("8 bit to float", Input(), Input("float"), Kind.DATA_TYPE, Kind.DATA_TYPE),
    Experiment("another SoC", Input(), Input(soc="sa8797"), Kind.SOC, Kind.CLOCK),
)


@dataclass(frozen=True)
class Answer:
    """What the diff said of an experiment. `named` and `seen` are its first causes, with and without records.

    `carriers` are its largest contributions, and `missing_percent` is the share of the difference in cycles that all
    named contributions leave out.
    """

    network: str
    experiment: str
    change_percent: float
    cause: str
    named: str | None
    seen: str | None
    missing_percent: float
    carriers: tuple[str, ...]
    sentence: str
    sentence_without_records: str
    remarks: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether the true cause comes first and the parts add up."""
        return self.named == self.cause and self.missing_percent <= 1.0


def measure(folder: Path, size: Size, console: Console) -> object:
    """Run all experiments and trials, and print what the diff says. Raises BenchFailed."""
    answers = [
        answer for network in _NETWORKS[size] for answer in answers_of(network, EXPERIMENTS, folder / network)
    ]
    console.print(_table(answers))
    for answer in answers:
        console.print(Text(f"{answer.network}, {answer.experiment}: {answer.sentence}"))
        console.print(Text(f"   without records: {answer.sentence_without_records}", "dim"))
        for remark in answer.remarks:
            console.print(Text(f"   {remark}", "yellow"))
    verdicts = verdicts_of(folder / "kinds")
    console.print(_kinds(verdicts))
    for verdict in verdicts:
        console.print(Text(f"{verdict.trial}: {verdict.sentence}"))
        for complaint in (*verdict.wrong, *(f"not told: {each}" for each in verdict.untold)):
            console.print(Text(f"   {complaint}", "yellow"))
    return {
        "changes": [asdict(answer) for answer in answers],
        "kinds": [asdict(verdict) for verdict in verdicts],
    }


def answers_of(network: str, experiments: Sequence[Experiment], folder: Path) -> list[Answer]:
    """Run what the experiments need, each input once, and compare. Raises BenchFailed."""
    evidence = run_inputs(network, [side for e in experiments for side in (e.before, e.after)], folder)
    return [_answer(network, e, evidence[e.before.key], evidence[e.after.key]) for e in experiments]


def run_inputs(network: str, inputs: Iterable[Input], folder: Path) -> dict[str, Evidence]:
    """Compile and simulate inputs; return their records and files, keyed by input. Raises BenchFailed."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = {each.key: _cell(network, each, folder) for each in inputs}
    return cells_run(cells, folder)


def _answer(network: str, experiment: Experiment, before: Evidence, after: Evidence) -> Answer:
    known, bare = compare(before, after), compare(_bare(before), _bare(after))
    time = known.figure("time_us")
    return Answer(
        network=network,
        experiment=experiment.name,
        change_percent=time.percent if time and time.percent else 0.0,
        cause=experiment.cause,
        named=known.cause.kind if known.cause else None,
        seen=bare.cause.kind if bare.cause else None,
        missing_percent=missing_percent(known),
        carriers=tuple(part.name for part in known.contributions[:3]),
        sentence=known.sentence,
        sentence_without_records=bare.sentence,
        remarks=tuple(known.remarks),
    )


def missing_percent(diff: CellDiff) -> float:
    """Return the share of the difference in timeline cycles that the named contributions leave out, in per cent."""
    cycles = diff.figure("timeline_cycles")
    change = cycles.change if cycles and cycles.change else 0.0
    named = sum(part.cycles for part in diff.contributions if part.part is not Part.UNNAMED)
    return 100 * abs(change - named) / abs(change) if change else 0.0


def _bare(side: Evidence) -> Evidence:
    """Return the figures alone, as in a device's file, which says nothing of SoC, options or clock."""
    return Evidence(side.file.model_copy(update={"provenance": {}}))


def _cell(network: str, source: Input, folder: Path) -> Cell:
    name = f"{network}_{source.form}"
    dlc = folder / f"{name}.dlc"
    if not dlc.is_file():
        _make(network, source.form, folder, dlc)
    model = ModelRef(name=network, dlc=str(dlc))
    return Cell(model=model, soc=source.soc, variant=source.key, prepare=source.prepare)


def _make(network: str, form: str, folder: Path, dlc: Path) -> None:
    from bench.cause_networks import Form, build  # needs the host SDK's extra

    onnx = build(network, Form(form), folder)
    convert(onnx, dlc)


def _table(answers: Sequence[Answer]) -> Table:
    shown = Table("network", "experiment", box=SIMPLE)
    for title in ("time", "true cause", "named first", "from figures alone", "not explained"):
        shown.add_column(title, justify="right")
    for answer in answers:
        shown.add_row(
            answer.network,
            answer.experiment,
            f"{answer.change_percent:+.1f} %",
            answer.cause,
            Text(str(answer.named), "green" if answer.right else "red"),
            str(answer.seen),
            f"{answer.missing_percent:.2f} %",
        )
    return shown


def _kinds(verdicts: Sequence[Verdict]) -> Table:
    right = sum(verdict.first for verdict in verdicts)
    false = sum(bool(verdict.wrong) for verdict in verdicts)
    title = f"{right} of {len(verdicts)} true causes first, {false} with a false statement"
    shown = Table("change", title=title, title_justify="left", box=SIMPLE)
    for column in ("time", "true cause first", "false statements", "left out"):
        shown.add_column(column, justify="right")
    for verdict in verdicts:
        shown.add_row(
            verdict.trial,
            f"{verdict.change_percent:+.1f} %",
            Text("yes" if verdict.first else "no", "green" if verdict.right else "red"),
            str(len(verdict.wrong)),
            str(len(verdict.untold)),
        )
    return shown
