"""What to run: the sweep as its author writes it, and the cell as it is run."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from qhas.documents import Written, parse_yaml, require_distinct
from qhas.failures import InvalidInput
from qhas.naming import Name, SocName, StoredPath
from qhas.network.recipe import ActivationBits, Attention, Projections
from qhas.sweep.budget import Budget, NetworkBudget
from qhas.sweep.language import Context
from qhas.sweep.model_ref import INPUT_WORDS as INPUT_WORDS
from qhas.sweep.model_ref import NO_INPUTS as NO_INPUTS
from qhas.sweep.model_ref import RANDOM_INPUTS as RANDOM_INPUTS
from qhas.sweep.model_ref import ModelRef as ModelRef
from qhas.sweep.model_ref import anchored_model
from qhas.sweep.quantization import NAMES as QUANTISATIONS
from qhas.sweep.quantization import QuantizeName

DEFAULT = "default"
"""The variant of a sweep without a grid."""
OptimizationLevel = Annotated[int, Field(ge=1, le=3)]
VtcmMegabytes = Annotated[int, Field(ge=0, le=64)]
HvxThreads = Annotated[int, Field(ge=1, le=16)]


def _is_empty(values: list[object]) -> bool:
    """Whether to leave out the field: axes added later are not in older records."""
    return not values


class PerfProfile(StrEnum):
    """Clock and power behaviour requested from the runtime (`snpe-net-run --perf_profile`)."""

    BURST = "burst"
    BALANCED = "balanced"
    DEFAULT = "default"
    HIGH_PERFORMANCE = "high_performance"
    SUSTAINED_HIGH_PERFORMANCE = "sustained_high_performance"
    LOW_BALANCED = "low_balanced"
    HIGH_POWER_SAVER = "high_power_saver"
    LOW_POWER_SAVER = "low_power_saver"
    POWER_SAVER = "power_saver"
    EXTREME_POWER_SAVER = "extreme_power_saver"
    SYSTEM_SETTINGS = "system_settings"


class PrepareOptions(Written):
    """Options of graph-prepare. Those not given keep the SDK's default."""

    optimization_level: OptimizationLevel | None = Field(
        default=None,
        title="Optimisation level",
        description="1, 2 or 3; higher levels take longer to prepare.",
    )
    vtcm_mb: VtcmMegabytes | None = Field(
        default=None, title="VTCM in MB", description="0 to 64; 0 is the SoC's maximum."
    )
    hvx_threads: HvxThreads | None = Field(
        default=None, title="HVX threads", description="1 to 16 threads that the graph may use."
    )
    dlbc: bool | None = Field(
        default=None,
        title="DLBC",
        description="Lossless bandwidth compression. None keeps the SDK's default.",
    )

    @property
    def words(self) -> str:
        """The options in words, as in `vtcm_mb: 2, dlbc: true`; `the default` for none."""
        requested = self.model_dump(mode="json", exclude_none=True)
        return (
            ", ".join(f"{name}: {str(value).lower()}" for name, value in requested.items()) or "the default"
        )


class RunOptions(Written):
    """Options of the run on the device."""

    perf_profile: PerfProfile = Field(
        default=PerfProfile.BURST, title="Perf profile", description="Clocks and power during the run."
    )
    warmups: int = Field(
        default=3,
        ge=0,
        le=1000,
        title="Warm-ups",
        description="0 to 1000 inferences before the latency is measured (devices only).",
    )
    repetitions: int = Field(
        default=30,
        ge=0,
        le=100_000,
        title="Repetitions",
        description="0 to 100000 timed inferences (devices only); 0 skips the latency.",
    )
    timeout_seconds: int = Field(
        default=600,
        ge=1,
        le=86_400,
        title="Time limit in seconds",
        description="Per tool, 1 to 86400.",
    )


class TraceFeatures(Written):
    """The eight switches of `qnn-profile-viewer --config`, by the vendor's names. All eight are always written."""

    qhas_json: bool = Field(default=True, title="qhas_json", description="The QHAS summary as JSON.")
    qhas_schema: bool = Field(
        default=True, title="qhas_schema", description="The JSON schema of the QHAS summary."
    )
    htp_json: bool = Field(default=True, title="htp_json", description="The HTP graph, for Netron.")
    runtrace: bool = Field(
        default=True, title="runtrace", description="Time of each inference on the device."
    )
    memory_info: bool = Field(
        default=True, title="memory_info", description="VTCM and DRAM counters in the chrometrace."
    )
    traceback: bool = Field(default=True, title="traceback", description="Where each HTP op comes from.")
    enable_input_output_flow_events: bool = Field(
        default=False,
        title="enable_input_output_flow_events",
        description="Arrows from producer to consumer. The trace then needs chrome://tracing.",
    )
    enable_sequencer_flow_events: bool = Field(
        default=False,
        title="enable_sequencer_flow_events",
        description="Arrows of the sequencer. The trace then needs chrome://tracing.",
    )


class Variants(Written):
    """A grid over SDKs, prepare and run options: every combination of the listed values is a cell of its own."""

    sdk: list[Name] = Field(
        default=[], title="SDKs", description="Each of these SDKs of the site, by their names under `sdks`."
    )
    perf_profile: list[PerfProfile] = Field(
        default=[], title="Perf profiles", description="Each of these clock and power settings."
    )
    optimization_level: list[OptimizationLevel] = Field(
        default=[], title="Optimisation levels", description="Each of 1, 2, 3."
    )
    vtcm_mb: list[VtcmMegabytes] = Field(
        default=[], title="VTCM in MB", description="Each 0 to 64; 0 is the SoC's maximum."
    )
    hvx_threads: list[HvxThreads] = Field(default=[], title="HVX threads", description="Each 1 to 16.")
    dlbc: list[bool] = Field(
        default=[], title="DLBC", description="Lossless bandwidth compression: off, on, or both."
    )
    quantize: list[QuantizeName] = Field(
        default=[],
        exclude_if=_is_empty,
        title="Quantise",
        description=f"For ONNX networks: each of {', '.join(QUANTISATIONS)}; for language models, those with a single bit width for activations.",
    )
    context: list[Context] = Field(
        default=[],
        exclude_if=_is_empty,
        title="Contexts",
        description="For language models: tokens in each context.",
    )
    cache: list[ActivationBits] = Field(
        default=[],
        exclude_if=_is_empty,
        title="Caches",
        description="For language models: bits of cached keys and values, each of 8, 16.",
    )
    attention: list[Attention] = Field(
        default=[], exclude_if=_is_empty, title="Attention", description="For language models: each form."
    )
    projections: list[Projections] = Field(
        default=[], exclude_if=_is_empty, title="Projections", description="For language models: each form."
    )

    @model_validator(mode="after")
    def _values_are_unique(self) -> Self:
        for axis, values in self:
            require_distinct(f"{axis} must have different values", values)
        return self


class Exclusion(Written):
    """Cells to leave out: those that match every field given here."""

    model: Name | None = Field(default=None, title="Network", description="Its name.")
    soc: SocName | None = Field(default=None, title="SoC", description="As in sm8750.")
    variant: str | None = Field(default=None, title="Variant", description="As in vtcm_mb-2.")

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.model is None and self.soc is None and self.variant is None:
            raise ValueError(
                "an exclusion names a model, a soc or a variant; an empty one would exclude every cell"
            )
        return self


class Selection(Written):
    """The cells to run: those that fit every field given. Models, SoCs and variants are glob patterns."""

    models: list[str] = Field(default=[], title="Networks", description="As in inception_*.")
    socs: list[str] = Field(default=[], title="SoCs", description="As in sa8*.")
    variants: list[str] = Field(default=[], title="Variants", description="As in perf_profile-burst*.")
    tags: list[Name] = Field(default=[], title="Tags", description="A model needs at least one of them.")
    cells: list[str] = Field(
        default=[], title="Cells", description="Keys, as in inception_v2/sa8255/default."
    )
    canary: bool = Field(
        default=False,
        title="Canary",
        description="One cell per SoC: of the first model tagged canary, or else of the first model.",
    )


class OnUpgrade(StrEnum):
    """The consequence of a cell being slower with a new SDK."""

    TABLE = "table"
    """It is listed in the table of the upgrade."""
    EVENTS = "events"
    """In addition, an event is sent, as for any regression."""
    FAIL = "fail"
    """In addition, the run's exit code is 1."""


class SweepSpec(Written):
    """Models x SoCs x variants."""

    name: Name = Field(title="Name", description="Short name of the sweep, part of every run id.")
    models: list[ModelRef] = Field(min_length=1, title="Networks", description="At least one.")
    socs: list[SocName] = Field(
        min_length=1, title="SoCs", description="Names that graph-prepare accepts, as in sm8750."
    )
    variants: Variants = Field(default=Variants(), title="Grid")
    prepare: PrepareOptions = Field(default=PrepareOptions(), title="Prepare")
    run: RunOptions = Field(default=RunOptions(), title="Run")
    trace: TraceFeatures = Field(default=TraceFeatures(), title="Trace")
    explain: bool = Field(
        default=False,
        exclude_if=lambda explain: not explain,
        title="Explain",
        description="Also find what bounds each network, with about nine compilations on the simulator.",
    )
    exclude: list[Exclusion] = Field(default=[], title="Exclude", description="Cells left out.")
    select: Selection = Field(default=Selection(), title="Select")
    budgets: dict[Name, NetworkBudget] = Field(
        default={},
        title="Budgets",
        description="By model: what its cells may cost. If a cell is over budget, the exit code is 1.",
    )

    on_upgrade: OnUpgrade = Field(
        default=OnUpgrade.TABLE,
        title="On a new SDK",
        description="What follows if cells are slower than with the previous SDK: a table, also events, or also exit code 1.",
    )

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for what, names in (("models", [m.name for m in self.models]), ("socs", self.socs)):
            # Names become folders, and some stores and file systems fold case or drop trailing dots.
            require_distinct(
                f"{what} must have different names", [name.lower().rstrip(".") for name in names]
            )
        return self

    @model_validator(mode="after")
    def _budgets_are_of_cells(self) -> Self:
        models, socs = {model.name: None for model in self.models}, dict.fromkeys(self.socs)
        for name, budget in self.budgets.items():
            for what, given, known in (("model", [name], models), ("SoC", budget.socs, socs)):
                if unknown := [label for label in given if label not in known]:
                    raise ValueError(
                        f"the budget of {name} names a {what} {unknown[0]!r} that the sweep does not have; "
                        f"choose from {', '.join(known)}"
                    )
        return self


class Cell(Written):
    """One network on one SoC in one variant: the unit of work, of failure and of publication."""

    model: ModelRef
    soc: SocName
    variant: StoredPath = DEFAULT
    sdk: Name | None = Field(
        default=None,
        exclude_if=lambda sdk: sdk is None,
        description="The SDK's name at the site; None for the site's own.",
    )
    prepare: PrepareOptions = PrepareOptions()
    run: RunOptions = RunOptions()
    trace: TraceFeatures = TraceFeatures()
    explain: bool = Field(default=False, exclude_if=lambda explain: not explain)
    budget: Budget = Budget()
    graph_budgets: dict[str, Budget] = Field(default={}, exclude_if=lambda budgets: not budgets)

    @property
    def key(self) -> str:
        """Path of the cell below its run, `<model>/<soc>/<variant>`."""
        return f"{self.model.name}/{self.soc}/{self.variant}"

    @property
    def label(self) -> str:
        """The cell for display: with its variant only if there is a choice."""
        variant = "" if self.variant == DEFAULT else f" ({self.variant.removeprefix(f'{DEFAULT}/')})"
        return f"{self.model.name} on {self.soc}{variant}"


def load_sweep(path: Path | str) -> SweepSpec:
    """Read sweep.yaml; relative model paths are resolved against its folder. Raises InvalidInput."""
    if not isinstance(path, str | os.PathLike):
        raise InvalidInput(f"{path!r} cannot be a sweep file: give its path.")
    path = Path(path)
    spec = parse_yaml(path, SweepSpec, "sweep", filled=("budgets",))
    models = [anchored_model(path, f"models.{index}", model) for index, model in enumerate(spec.models)]
    return spec.model_copy(update={"models": models})
