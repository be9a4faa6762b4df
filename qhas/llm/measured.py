"""Language models that were measured, by architecture: shown beside simulated figures, never mixed with them.

Facts of Qualcomm AI Hub Models 0.65.0 (licence BSD-3-Clause, published perf.yaml files, read on 2026-11-28): w4a16,
everything on the NPU. Rows published for several devices but measured on one are listed under that one. Architectures
are those of the models' published config.json files. Simulated figures come from the `onnxruntime-qnn` wheel named in
their row.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from typing import NamedTuple

from qhas.network.architecture import Architecture
from qhas.truth.tables import Device, device_of

SOURCE = "Qualcomm AI Hub Models 0.65.0"
_ABSENT = "-"
_QWEN2 = "qwen2"


class Known(NamedTuple):
    """An architecture, the context that most of its models were measured at, and these models' names on AI Hub."""

    name: str
    arch: Architecture
    context: int
    models: tuple[str, ...]


class Measured(NamedTuple):
    """A model measured on a device; `first_token_ms` is for a prompt of one pass."""

    model: str
    device: str
    runtime: str
    context: int
    decode_tokens_per_s: float
    first_token_ms: float | None

    @property
    def text(self) -> str:
        """In words, as in `llama_v3_2_1b_instruct by genie: 41.6 tokens/s, first token after 53 ms`."""
        first = "" if self.first_token_ms is None else f", first token after {self.first_token_ms:.0f} ms"
        return f"{self.model} by {self.runtime}: {self.decode_tokens_per_s:.1f} tokens/s{first}"


class Simulated(NamedTuple):
    """The simulated microseconds of a pass of `tokens` new tokens."""

    architecture: str
    soc: str
    attention: str
    tokens: int
    context: int
    time_us: float


@cache
def known() -> dict[str, Known]:
    """Return every measured architecture, keyed by name, smallest first."""
    return {row["architecture"]: _known(row) for row in _rows("architectures.tsv")}


@cache
def measured() -> tuple[Measured, ...]:
    """Return every measured figure in use."""
    return tuple(
        Measured(
            row["model"],
            row["device"],
            row["runtime"],
            int(row["context"]),
            float(row["decode_tokens_per_s"]),
            None if row["first_token_ms"] == _ABSENT else float(row["first_token_ms"]),
        )
        for row in _rows("measured.tsv")
    )


@cache
def simulated() -> tuple[Simulated, ...]:
    """Return every simulated figure that is shipped for comparison with measured ones."""
    return tuple(
        Simulated(
            row["architecture"],
            row["soc"],
            row["attention"],
            int(row["tokens"]),
            int(row["context"]),
            float(row["time_us"]),
        )
        for row in _rows("simulated.tsv")
    )


def measured_of(models: tuple[str, ...], device: Device | None, context: int) -> list[Measured]:
    """Return the measurements of models on a device at a context."""
    return [
        each
        for each in measured()
        if device and each.device == device.name and each.context == context and each.model in models
    ]


def beside(arch: Architecture, soc: str, context: int) -> str:
    """Say what was measured of the architecture's models on a device with the SoC; empty if nothing was."""
    same = tuple(model for each in known().values() if _alike(each.arch, arch) for model in each.models)
    device = device_of(soc)
    measurements = measured_of(same, device, context)
    if not device or not measurements:
        return ""
    rates = "; ".join(each.text for each in measurements)
    return f"Measured on {device.title} at context {context:,}, w4a16, by {SOURCE}: {rates}."


def _alike(one: Architecture, other: Architecture) -> bool:
    """Whether both have the same graphs, whatever their families are called."""
    left, right = (
        each.model_dump(exclude={"model_type", "window"}) | {"family": each.family} for each in (one, other)
    )
    return left == right


def _known(row: dict[str, str]) -> Known:
    names = ("hidden", "intermediate", "layers", "heads", "kv_heads", "head_dim", "vocabulary")
    widths = {name: int(row[name]) for name in names}
    kind = {"model_type": row["model_type"], "qkv_bias": row["model_type"] == _QWEN2}
    arch = Architecture.model_validate(widths | kind | {"rotary": widths["head_dim"]})
    return Known(row["architecture"], arch, int(row["context"]), tuple(row["models"].split()))


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t"))
