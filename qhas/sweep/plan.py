"""Expand a sweep into its cells and check them, without running anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import partial
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem
from pydantic import ValidationError

from qhas.documents import describe
from qhas.failures import InvalidInput
from qhas.machine.secrets import masked
from qhas.naming import check_name
from qhas.socs import KNOWN_SOCS
from qhas.store.addresses import describe_error, kind_at, open_address
from qhas.sweep.budget import NetworkBudget
from qhas.sweep.language import LanguageModel
from qhas.sweep.other_models import require_format, require_settled
from qhas.sweep.quantization import FLOAT, Quantization, bits
from qhas.sweep.spec import (
    Cell,
    ModelRef,
    PrepareOptions,
    RunOptions,
    Selection,
    SweepSpec,
    Variants,
)

CANARY = "canary"
"""Tag of the models that suffice to see whether a SoC and its SDK work."""

MOST_CELLS = 20_000
"""Maximum cells of one sweep, before its exclusions: a month on a lab of eight devices.

They are planned in seconds, in 100 MB.
"""

_RUNS_OWN = re.compile(r"(?i).*\.json|pinned")
"""Names of objects beside the models in a run: its record, its claim, its verdicts, the mark that keeps it."""


@dataclass(frozen=True)
class Plan:
    """The cells of a sweep in the order of work, and what its author should know before starting it."""

    spec: SweepSpec
    cells: tuple[Cell, ...]
    excluded: int
    warnings: tuple[str, ...]

    @property
    def sdks(self) -> tuple[str | None, ...]:
        """The SDKs that its cells name; None stands for the site's own."""
        return tuple(dict.fromkeys(cell.sdk for cell in self.cells))


def plan_sweep(spec: SweepSpec, *, look_up: bool = True) -> Plan:
    """Expand and check a sweep; `look_up` also checks whether its files exist. Raises InvalidInput."""
    for model in spec.models:
        if _RUNS_OWN.fullmatch(model.name):
            raise InvalidInput(
                f"Sweep {spec.name} cannot have a model called {model.name}: a run uses such names for its own objects; "
                "choose another name."
            )
    _require_few(spec)
    everything = list(_expand(spec))
    excluded = {(rule.model, rule.soc, rule.variant) for rule in spec.exclude}
    wanted = [cell for cell in everything if excluded.isdisjoint(_rules_matching(cell))]
    if not wanted:
        raise InvalidInput(
            f"Sweep {spec.name} has no cell left: its exclusions remove all {len(everything)}."
        )
    cells = tuple(select(wanted, spec.select))
    if not cells:
        raise InvalidInput(f"None of the {len(wanted)} cells of sweep {spec.name} matches the selection.")
    if look_up:
        require_files(cells)
    return Plan(
        spec, cells, excluded=len(everything) - len(cells), warnings=tuple(_warnings(spec, everything))
    )


def require_files(cells: Iterable[Cell]) -> None:
    """Raise InvalidInput if a file of these cells does not exist, as seen from this host, or is of the wrong kind.

    The files are networks, their references, input lists and calibration data.
    """
    models = {cell.model.source: cell.model for cell in cells}
    lists = {address for cell in cells for address in cell.model.input_lists}
    data = {cell.model.calibration for cell in cells if cell.model.calibration}
    references = {cell.model.reference: cell.model.of_reference() for cell in cells if cell.model.reference}
    for address in sorted(data - lists):
        _require(address, "file or folder", ("file", "directory"))
    for address in sorted(models.keys() | references.keys() | lists):
        if address in models:
            require_network(models[address])
            continue
        fs, path = _require(address)
        if address in references and isinstance(fs, LocalFileSystem):
            require_format(references[address], partial(fs.open, path))


def require_network(model: ModelRef) -> None:
    """Raise InvalidInput if a network does not exist, or is certainly not of its format.

    Only local files are read.
    """
    fs, path = _require(model.source)
    if isinstance(fs, LocalFileSystem):
        require_format(model, partial(fs.open, path))
        require_settled(model, Path(path))


def select(cells: list[Cell], selection: Selection) -> list[Cell]:
    """Return the cells that fit the selection, in their order."""
    fitting = [cell for cell in cells if _fits(cell, selection)]
    return _canaries(fitting) if selection.canary else fitting


def _fits(cell: Cell, selection: Selection) -> bool:
    named = (
        (cell.model.name, selection.models),
        (cell.soc, selection.socs),
        (cell.variant, selection.variants),
    )
    return (
        all(not patterns or any(fnmatchcase(name, p) for p in patterns) for name, patterns in named)
        and (not selection.tags or not set(selection.tags).isdisjoint(cell.model.tags))
        and (not selection.cells or cell.key in selection.cells)
    )


def _canaries(cells: list[Cell]) -> list[Cell]:
    first: dict[str, Cell] = {}
    for cell in sorted(cells, key=lambda cell: CANARY not in cell.model.tags):
        first.setdefault(cell.soc, cell)
    return [cell for cell in cells if first[cell.soc] is cell]


def variant_grid(variants: Variants) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every combination of the grid: its name and its options. An empty grid is one variant, `default`."""
    axes = {axis: values for axis, values in variants if values}
    if not axes:
        yield "default", {}
        return
    for values in product(*axes.values()):
        options = dict(zip(axes, values, strict=True))
        name = ".".join(f"{axis}-{str(value).lower()}" for axis, value in options.items())
        yield name, options


def _expand(spec: SweepSpec) -> Iterator[Cell]:
    for variant, options in variant_grid(spec.variants):
        prepare = PrepareOptions.model_validate(
            spec.prepare.model_dump() | _fields_of(PrepareOptions, options)
        )
        run = RunOptions.model_validate(spec.run.model_dump() | _fields_of(RunOptions, options))
        for model, soc in product(spec.models, spec.socs):
            yield Cell(
                model=_varied(model, options),
                soc=soc,
                variant=check_name(variant),
                sdk=options.get("sdk"),
                prepare=prepare,
                run=run,
                trace=spec.trace,
                explain=spec.explain,
                budget=(budget := spec.budgets.get(model.name, NetworkBudget())).on(soc),
                graph_budgets=budget.of_graphs_on(soc),
            )


def _varied(model: ModelRef, options: Mapping[str, Any]) -> ModelRef:
    """Apply a variant's model options to the model. Raises InvalidInput if the model does not have them."""
    model = quantized(model, options["quantize"]) if "quantize" in options else model
    own = {name: value for name, value in options.items() if name in LanguageModel.model_fields}
    if not own:
        return model
    if not model.llm:
        raise InvalidInput(
            f"Model {model.name} is not a language model: a grid of `{next(iter(own))}` applies only to models given as `llm`; put it into a "
            "separate sweep."
        )
    return _language_changed(model, own)


def _language_changed(model: ModelRef, changes: Mapping[str, Any]) -> ModelRef:
    try:
        return model.model_copy(update={"llm": model.llm and model.llm.changed(dict(changes))})
    except ValidationError as error:
        raise InvalidInput(f"Model {model.name}: {describe(error)}.") from error


def quantized(model: ModelRef, name: str) -> ModelRef:
    """Return the model with the bits of that name, calibrated as before.

    Raises InvalidInput for a DLC, whose bits are fixed.
    """
    if model.llm:
        return _language_changed(model, bits(name) or {"weights": FLOAT})
    if not model.onnx:
        raise InvalidInput(
            f"Model {model.name} is a DLC, whose bits are fixed: a grid of `quantize` applies only to ONNX networks; give it as `onnx`."
        )
    kept = {"calibration": model.quantize.calibration} if model.quantize else {}
    chosen = bits(name)
    quantize = None if chosen is None else Quantization.model_validate(chosen | kept)
    return model.model_copy(update={"quantize": quantize})


def _fields_of(model: type[PrepareOptions | RunOptions], options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name in model.model_fields}


def _require_few(spec: SweepSpec) -> None:
    variants = prod(len(values) for _, values in spec.variants if values)
    cells = len(spec.models) * len(spec.socs) * variants
    if cells > MOST_CELLS:
        raise InvalidInput(
            f"Sweep {spec.name} has {cells} cells ({len(spec.models)} models x {len(spec.socs)} SoCs x "
            f"{variants} variants); the maximum is {MOST_CELLS}; shorten its grid or split it."
        )


def _rules_matching(cell: Cell) -> Iterator[tuple[str | None, str | None, str | None]]:
    """Yield every exclusion that would leave the cell out: each field is the cell's or not given."""
    return product((None, cell.model.name), (None, cell.soc), (None, cell.variant))


def _require(
    address: str, what: str = "file", kinds: Sequence[str] = ("file",)
) -> tuple[AbstractFileSystem, str]:
    try:
        fs, path = open_address(address)
        kind = kind_at(fs, path, address)
    except Exception as error:  # every fsspec backend raises its own, and its text holds the address
        raise InvalidInput(
            f"{masked(address)} cannot be accessed: {describe_error(address, error)}."
        ) from None
    if kind == "directory" and kind not in kinds:
        raise InvalidInput(f"{masked(address)} is a folder; name a file.")
    if kind not in kinds:
        raise InvalidInput(f"There is no {what} {masked(address)}; correct its path.")
    return fs, path


def _warnings(spec: SweepSpec, cells: Iterable[Cell]) -> Iterator[str]:
    if spec.exclude:
        fitting = {rule for cell in cells for rule in _rules_matching(cell)}
        for rule in spec.exclude:
            if (rule.model, rule.soc, rule.variant) not in fitting:
                fields = rule.model_dump(exclude_none=True).items()
                listed = ", ".join(f"{field}: {value}" for field, value in fields)
                yield f"The exclusion {{{listed}}} has no effect: it matches no cell of the sweep."
    for soc in spec.socs:
        if soc not in KNOWN_SOCS:
            near = get_close_matches(soc, KNOWN_SOCS)
            meant = f" (similar: {', '.join(near)})" if near else ""
            yield f"SoC {soc} is not in this version's list{meant}; the SDK decides whether it can prepare for it."
