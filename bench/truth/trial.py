"""Try any network: convert and estimate it here, and compare it with what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.truth import structure
from bench.truth.estimating import Estimate, estimate, host_sdk, to_dlc
from hostsdk import wheel
from qhas.network.dlc import read_network
from qhas.site.sdk import Sdk
from qhas.truth.calibration import Expectation, Unknown, expectation
from qhas.truth.tables import WHEEL, Device, Precision, Runtime, measured, pairs
from qhas.truth.traits import Traits, traits_of


class Target(NamedTuple):
    """A SoC, and the device that was measured for it; None if no device was measured."""

    soc: str
    device: Device | None


class Trial(NamedTuple):
    """A network on a SoC in milliseconds: simulated here, simulated for the tables, expected and measured."""

    target: Target
    estimate: Estimate
    simulated_then_ms: float | None
    expected: Expectation | Unknown
    measured_ms: float | None

    @property
    def simulated_ms(self) -> float:
        """The estimate in milliseconds."""
        return self.estimate.simulated_us / 1000


def converted(onnx_file: Path, shapes: Mapping[str, Sequence[int]], folder: Path) -> tuple[Path, Traits, int]:
    """Convert the file; return the DLC, its traits, and how many weights had to be grown. Raises BenchFailed."""
    import onnx

    source, model = folder / "network.onnx", structure.unpack(onnx_file)
    grown = structure.grow(model)
    onnx.save(model, str(source))
    dlc = to_dlc(host_sdk(), source, folder, shapes)
    return dlc, traits_of(read_network(dlc)), grown


def tried(
    model: str, component: str, dlc: Path, traits: Traits, targets: Sequence[Target], folder: Path
) -> Iterator[Trial]:
    """Estimate the network on each SoC and yield the trials. Raises BenchFailed for a SoC that has no estimate."""
    sdk: Sdk = host_sdk()
    made: dict[str, Estimate] = {}
    estimate(sdk, dlc, [target.soc for target in targets], folder, made.__setitem__)
    precision = traits.precision
    latencies = measured(model, precision or "", component)
    for target in targets:
        device, figures = target.device, made[target.soc]
        latency = latencies.get((device.name, Runtime.QNN_DLC)) if device else None
        yield Trial(
            target,
            figures,
            _then(model, precision, device) if device else None,
            expectation(target.soc, figures.simulated_us, precision, traits.kind),
            latency.ms if latency else None,
        )


def _then(model: str, precision: Precision | None, device: Device) -> float | None:
    """Return the tables' figure by the compiler in use, else by the compiler of the measurements' generation."""
    made = {
        pair.wheel: pair.simulated_ms
        for pair in pairs()
        if (pair.network.name, pair.precision, pair.device) == (model, precision, device)
        and (pair.soc_model, pair.form, pair.options) == (device.simulated_as, "", device.options)
    }
    return made.get(wheel.find().version) or made.get(WHEEL)
