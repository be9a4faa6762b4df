"""Parts of a network under both conditions: ordinary runs in a separate store, so that no part is compiled twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qhas.direct import run_direct
from qhas.failures import InvalidInput
from qhas.machine.digest import data_digest
from qhas.machine.packing import arriving
from qhas.network.cut import cut
from qhas.profile.figures import HEADLINE
from qhas.reproducer.parts import Part
from qhas.runs.record import CellRecord
from qhas.runs.stored import load_run
from qhas.site import Site
from qhas.store import Store
from qhas.sweep.spec import RANDOM_INPUTS, ModelRef, PrepareOptions, RunOptions, SweepSpec, Variants

NAME = "reproducer"


@dataclass(frozen=True)
class Conditions:
    """How one side was compiled and run."""

    soc: str
    sdk: str | None
    """Its name at the site; None for the site's own."""
    prepare: PrepareOptions
    run: RunOptions

    def sweep(self, models: Iterable[ModelRef]) -> SweepSpec:
        """Return a sweep of networks under these conditions."""
        sdks = [self.sdk] if self.sdk else []
        return SweepSpec(
            name=NAME,
            models=list(models),
            socs=[self.soc],
            variants=Variants(sdk=sdks),
            prepare=self.prepare,
            run=self.run,
        )


@dataclass
class Trials:
    """Parts of one graph of a DLC. `site.store` keeps the trials, `folder` the parts."""

    dlc: Path
    site: Site
    folder: Path
    before: Conditions
    after: Conditions
    inputs: str = RANDOM_INPUTS
    runs: list[str] = field(default_factory=list)

    def measure(self, parts: list[Part]) -> Mapping[Part, float]:
        """Return the percent change of the parts that run under both conditions. Raises InvalidInput and StoreError."""
        models = dict(self._models(parts))
        old, new = (self._times(models.values(), side) for side in (self.before, self.after))
        times = {part: (old.get(model.name), new.get(model.name)) for part, model in models.items()}
        return {part: 100 * (new / old - 1) for part, (old, new) in times.items() if old and new}

    def part(self, ops: Part) -> Path:
        """Return the DLC of a part, cutting it if missing. Raises InvalidInput for a DLC that cannot be cut."""
        target = self.folder / f"{data_digest(sorted(ops))[:16]}.dlc"
        if not target.is_file():
            try:
                with arriving(target) as partial:
                    cut(self.dlc, partial, ops)
            except ValueError as error:
                raise InvalidInput(f"The DLC cannot be cut into parts: {error}.") from error
        return target

    def _models(self, parts: Iterable[Part]) -> Iterator[tuple[Part, ModelRef]]:
        for ops in parts:
            dlc = self.part(ops)
            yield ops, ModelRef(name=f"part-{dlc.stem}", dlc=str(dlc), inputs=self.inputs)

    def _times(self, models: Iterable[ModelRef], side: Conditions) -> dict[str, float]:
        spec = side.sweep(models)
        run_id = f"{NAME}-{data_digest(spec.model_dump(mode='json'))[:16]}"
        run_direct(spec, self.site, run_id)
        self.runs.append(run_id)
        _, records = load_run(Store(self.site.store), run_id)
        return {record.cell.model.name: time for record in records if (time := _time(record))}


def _time(record: CellRecord) -> float | None:
    return HEADLINE[record.origin].read(record) if record.good else None
