"""The question that an upgrade answers, and the sweeps needed for that."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from pydantic import ValidationError

from qhas.documents import describe
from qhas.failures import InvalidInput
from qhas.machine.digest import data_digest
from qhas.machine.secrets import name_in
from qhas.naming import safe_name
from qhas.network.architecture import name_of
from qhas.site import Site, Transport
from qhas.site.sdk import SdkKind, find_sdks, host_sdk_versions
from qhas.sweep.spec import (
    NO_INPUTS,
    RANDOM_INPUTS,
    ModelRef,
    PrepareOptions,
    RunOptions,
    Selection,
    SweepSpec,
    Variants,
)

THRESHOLD_PERCENT = 3.0
_CONFIG = ".json"
"""Suffix of a language model's configuration."""


@dataclass(frozen=True)
class Question:
    """Networks on SoCs, from the first of `sdks` to the last; those between are run if something changed."""

    models: tuple[ModelRef, ...]
    socs: tuple[str, ...]
    sdks: tuple[str, ...]
    threshold_percent: float = THRESHOLD_PERCENT
    prepare: PrepareOptions = field(default_factory=PrepareOptions)
    run: RunOptions = field(default_factory=RunOptions)
    every: bool = False
    """Whether every cell is run with every SDK, changed or not."""

    @property
    def name(self) -> str:
        """The name of its sweeps."""
        return f"upgrade-{self.sdks[0]}-{self.sdks[-1]}"

    @property
    def upgrade_id(self) -> str:
        """The upgrade's id; the same for equal questions, so that repeating one runs only what is missing."""
        question: dict[str, object] = {
            "models": [model.source for model in self.models],
            "socs": self.socs,
            "sdks": self.sdks,
        }
        if estimated := [model.name for model in self.models if not model.executes]:
            question["estimated"] = estimated
        options = self.prepare.model_dump(exclude_none=True) | self.run.model_dump(exclude_defaults=True)
        return f"{self.name}-{data_digest(question | options)[:8]}"

    def sweep(
        self,
        sdks: Sequence[str],
        cells: Sequence[str] = (),
        options: Mapping[str, int | bool] | None = None,
    ) -> SweepSpec:
        """Return the sweep with these SDKs, of all cells or those with these keys.

        `options` override its own prepare options.
        """
        return SweepSpec(
            name=self.name,
            models=list(self.models),
            socs=list(self.socs),
            variants=Variants(sdk=list(sdks)),
            prepare=PrepareOptions.model_validate(self.prepare.model_dump() | dict(options or {})),
            run=self.run,
            select=Selection(cells=list(cells)),
        )


def question_of(
    dlcs: Sequence[str],
    socs: Sequence[str],
    before: str,
    after: str,
    site: Site,
    threshold_percent: float = THRESHOLD_PERCENT,
    *,
    every: bool = False,
) -> Question:
    """Return the question about networks at a site.

    Raises InvalidInput for SDKs that are not there, and for networks and SoCs that form no valid sweep.
    """
    sdks = sdks_between(site, before, after)
    try:
        models = named(dlcs, inputs_for(site, socs, sdks))
        question = Question(models, tuple(socs), sdks, threshold_percent, every=every)
        question.sweep(sdks)
    except ValidationError as error:
        raise InvalidInput(
            f"These networks and SoCs do not form a valid sweep: {describe(error)}."
        ) from error
    return question


def named(dlcs: Sequence[str], inputs: str = RANDOM_INPUTS) -> tuple[ModelRef, ...]:
    """Name networks after their files; a config.json is a language model, named after its folder, at its defaults."""
    return tuple(
        ModelRef.model_validate({"name": name_of(Path(dlc)), "llm": dlc})
        if PurePath(dlc).suffix == _CONFIG
        else ModelRef(name=safe_name(PurePath(name_in(dlc)).stem), dlc=dlc, inputs=inputs)
        for dlc in dlcs
    )


def inputs_for(site: Site, socs: Sequence[str], sdks: Sequence[str]) -> str:
    """Return `none` if the host SDK estimates every cell: executing it would show nothing more. Raises InvalidInput."""
    real = {device.soc for device in site.devices if device.transport is not Transport.HOST}
    ends = find_sdks(site, (sdks[0], sdks[-1])).values()
    estimated = real.isdisjoint(socs) and all(sdk.kind is SdkKind.HOST for sdk in ends)
    return NO_INPUTS if estimated else RANDOM_INPUTS


def sdks_between(site: Site, before: str, after: str) -> tuple[str, ...]:
    """Return the site's SDKs from one to the other, in the order of site.yaml or its reverse.

    If site.yaml lists none, they are versions of the host SDK. Raises InvalidInput for an SDK that is not there, and
    if both are the same.
    """
    sdks = list(site.sdks) or host_sdk_versions()
    if before == after:
        raise InvalidInput(f"--from and --to are both {before}; name two SDKs.")
    for name in (before, after):
        if name not in sdks:
            raise InvalidInput(
                f"There is no SDK {name} here, only {', '.join(sdks) or 'none'}: {_how_to_install(site, name)}."
            )
    first, last = sdks.index(before), sdks.index(after)
    return tuple(sdks[first : last + 1] if first < last else sdks[last : first + 1][::-1])


def _how_to_install(site: Site, name: str) -> str:
    if site.sdks or not re.fullmatch(r"\d+\.\d+(\.\d+)?", name):
        return "add it to sdks of site.yaml"
    return f"run python -m hostsdk install {name}"
