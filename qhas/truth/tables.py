"""The facts: what was simulated, what was measured, on which devices, for which networks.

Measured figures are facts of Qualcomm AI Hub Models 0.65.0 (licence BSD-3-Clause, published perf.yaml files, read on
2026-11-28): milliseconds of one inference with every layer on the NPU, compiled with QAIRT 2.50 (a few, of
`SA8775P ADP`, with 2.45). Simulated ones were produced from networks of the same structure with seeded weights by the
compilers of the PyPI wheels `onnxruntime-qnn` (2.6.0 holds QAIRT 2.50). Rows published for several devices but measured
on one are listed under that one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import NamedTuple

AS_OF = "2026-11-28"
"""When the measured figures were read."""
SOURCE = "Qualcomm AI Hub Models 0.65.0"
LICENCE = "BSD-3-Clause"
WHEEL = "2.6.0"
"""The wheel whose compiler is of the same generation as the measurements."""
QAIRT = "2.50"
_ABSENT = "-"
_OLDER_QAIRT = "*"


class Precision(StrEnum):
    """Number formats of weights and activations, as AI Hub names them."""

    FLOAT = "float"
    """16-bit floating point."""
    W8A8 = "w8a8"
    """8-bit weights and activations."""
    W8A16 = "w8a16"
    """8-bit weights, 16-bit activations."""


class NetworkClass(StrEnum):
    """Kinds of network on which the simulator errs differently."""

    CONVOLUTIONAL = "convolutional"
    """Without attention or layer normalisation."""
    ATTENTION = "attention"
    """With either."""


class Runtime(StrEnum):
    """What ran the network on the device."""

    QNN_DLC = "qnn_dlc"
    """A DLC from the vendor's own converter; calibrations are against this runtime."""
    TFLITE = "tflite"
    """LiteRT with the QNN delegate."""
    ONNX = "onnx"
    """ONNX Runtime with the QNN provider."""


class Network(NamedTuple):
    """A network. Networks of one family are variations of one design: leaving one out leaves all out."""

    name: str
    family: str
    kind: NetworkClass
    ops: str
    """What most of its time is spent on, in words."""


class Device(NamedTuple):
    """A device that AI Hub measures on. `simulated_as` is the soc_model id whose estimates represent it.

    `options` are the simulator's: `top` is the highest voltage corner. `refused` says why it cannot be simulated.
    """

    name: str
    title: str
    socs: tuple[str, ...]
    soc_model: int
    simulated_as: int
    options: str
    copies: tuple[str, ...]
    refused: str


class Pair(NamedTuple):
    """One network, simulated and measured. `form` is how the network was lowered, empty if as published."""

    network: Network
    precision: Precision
    form: str
    wheel: str
    soc_model: int
    options: str
    device: Device
    runtime: Runtime
    simulated_ms: float
    measured_ms: float
    older_qairt: bool
    low_ms: float | None = None
    """The simulator's own lower estimate; `high_ms` is the upper one. None if they were not kept."""
    high_ms: float | None = None
    ops_without_cost: int | None = None
    """Ops that the simulated time leaves out."""

    @property
    def ratio(self) -> float:
        """Measured over simulated."""
        return self.measured_ms / self.simulated_ms


class Measured(NamedTuple):
    """Milliseconds of one inference; `older_qairt` means compiled with 2.45."""

    ms: float
    older_qairt: bool


@cache
def networks() -> dict[str, Network]:
    """Return the networks that are simulated, or that have a structure file to simulate."""
    return {
        row["model"]: Network(row["model"], row["family"], NetworkClass(row["class"]), row["ops"])
        for row in rows("networks.tsv")
    }


@cache
def devices() -> tuple[Device, ...]:
    """Return the devices in the order in which they are shown."""
    return tuple(
        Device(
            row["device"],
            row["title"],
            tuple(row["socs"].split()),
            int(row["soc_model"]),
            int(row["simulated_as"]),
            _text(row["options"]),
            tuple(name for name in _text(row["copies"]).split(", ") if name),
            _text(row["refused"]),
        )
        for row in rows("devices.tsv")
    )


def device_of(soc: str) -> Device | None:
    """Return the device that was measured for a SoC, by the name a user gives it; None if none was."""
    name = soc.lower()
    return next((device for device in devices() if name in device.socs), None)


def measured(model: str, precision: str, component: str = "") -> dict[tuple[str, Runtime], Measured]:
    """Return the latencies of an AI Hub model, keyed by device name and runtime; empty if there are none."""
    row = _measured().get((model, component or _ABSENT, precision))
    if row is None:
        return {}
    return {
        (device.name, runtime): Measured(float(text.rstrip(_OLDER_QAIRT)), text.endswith(_OLDER_QAIRT))
        for device in devices()
        if row[device.name] != _ABSENT
        for runtime, text in zip(Runtime, row[device.name].split("/"), strict=True)
        if text != _ABSENT
    }


def measured_models() -> list[str]:
    """List every model that has a measured latency."""
    return sorted({model for model, _, _ in _measured()})


def measured_count(device: Device, precision: Precision) -> tuple[int, int]:
    """Count the whole networks, and the parts of networks, of a format that were measured as a DLC on the device."""
    parts = [
        part != _ABSENT
        for name, part, kind in _measured()
        if kind == precision
        and (device.name, Runtime.QNN_DLC) in measured(name, kind, "" if part == _ABSENT else part)
    ]
    return parts.count(False), parts.count(True)


def components(model: str) -> list[str]:
    """List the parts of an AI Hub model that were measured one by one; a single empty name if it has none."""
    return sorted({"" if part == _ABSENT else part for name, part, _ in _measured() if name == model})


@cache
def _measured() -> dict[tuple[str, str, str], dict[str, str]]:
    return {(row["model"], row["component"], row["precision"]): row for row in rows("measured.tsv")}


@cache
def pairs() -> tuple[Pair, ...]:
    """Pair every simulated figure with each of its measured counterparts."""
    return tuple(_pairs())


def _pairs() -> Iterator[Pair]:
    for row in rows("simulated.tsv"):
        soc_model, precision = int(row["soc_model"]), Precision(row["precision"])
        latencies = measured(row["model"], precision)
        for device in devices():
            if soc_model not in (device.soc_model, device.simulated_as):
                continue
            for runtime in Runtime:
                if latency := latencies.get((device.name, runtime)):
                    yield Pair(
                        network=networks()[row["model"]],
                        precision=precision,
                        form=_text(row["form"]),
                        wheel=row["wheel"],
                        soc_model=soc_model,
                        options=_text(row["options"]),
                        device=device,
                        runtime=runtime,
                        simulated_ms=float(row["simulated_us"]) / 1000,
                        measured_ms=latency.ms,
                        older_qairt=latency.older_qairt,
                        low_ms=_milliseconds(row["low_us"]),
                        high_ms=_milliseconds(row["high_us"]),
                        ops_without_cost=int(row["ops_without_cost"])
                        if _text(row["ops_without_cost"])
                        else None,
                    )


def _milliseconds(cell: str) -> float | None:
    return float(cell) / 1000 if _text(cell) else None


def calibrating(device: Device, precision: Precision, kind: NetworkClass | None = None) -> list[Pair]:
    """Return the pairs that a calibration is based on, for one class of network or for all."""
    return [
        pair
        for pair in pairs()
        if pair.device == device
        and pair.soc_model == device.simulated_as
        and pair.precision is precision
        and (kind is None or pair.network.kind is kind)
        and pair.runtime is Runtime.QNN_DLC
        and (pair.wheel, pair.form, pair.options) == (WHEEL, "", device.options)
    ]


def rows(name: str) -> list[dict[str, str]]:
    """Read the rows of one of the tables shipped beside this module."""
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t"))


def _text(cell: str) -> str:
    return "" if cell == _ABSENT else cell
