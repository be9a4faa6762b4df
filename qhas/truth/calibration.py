"""What a device is expected to take, given the simulator's figure; read from the shipped table.

`calibration.tsv` has a row for each device, number format and class of network with enough measurements;
`python -m bench truth --write` regenerates it from the pairs. Nothing here is stored with a result: a simulated figure
stays what it is, and the expectation is shown beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, NamedTuple

from qhas.truth.fit import LEAST, Calibration, calibrate
from qhas.truth.tables import Device, NetworkClass, Precision, calibrating, device_of, devices, rows

TABLE = "calibration.tsv"
_WHOLE = {"n", "families"}


class Key(NamedTuple):
    """What a calibration covers."""

    device: str
    precision: Precision
    kind: NetworkClass


@dataclass(frozen=True)
class Expectation:
    """Milliseconds of one warm inference, and the interval that holds about 80 % of networks not seen before."""

    ms: float
    low_ms: float
    high_ms: float
    device: str
    networks: int
    """The number of networks it is based on."""
    of: str
    """Their format and class, as in `float convolutional`."""
    beyond: bool
    """Whether the network is faster or slower than all of them."""

    @property
    def text(self) -> str:
        """The expectation in milliseconds, as in `1.09 (0.90 to 1.30)`."""
        return f"{figure(self.ms)} ({figure(self.low_ms)} to {figure(self.high_ms)})"

    @property
    def basis(self) -> str:
        """Its basis, as in `warm inferences on IQ-9075, from 34 float convolutional networks measured there`."""
        return f"warm inferences on {self.device}, from {self.networks} {self.of} networks measured there"

    @property
    def sentence(self) -> str:
        """In words, as in `1.09 (0.90 to 1.30) ms expected on IQ-9075, from 34 networks`."""
        text = f"{self.text} ms expected on {self.device}, from {self.networks} networks"
        return f"{text}, none of similar size" if self.beyond else text


@dataclass(frozen=True)
class Unknown:
    """Why nothing can be expected: one sentence without a full stop."""

    sentence: str


def expectation(
    soc: str, simulated_us: float, precision: Precision | None, kind: NetworkClass | None
) -> Expectation | Unknown:
    """Return what a device with that SoC is expected to take for such a network, or why that is not known."""
    device = device_of(soc)
    if device is None:
        return Unknown(f"no device was measured for {soc.upper()}")
    if device.refused:
        return Unknown(f"no expectation for {soc.upper()}: {device.refused}")
    if precision is None and kind is not None:
        return Unknown(
            "no expectation: the network mixes number formats, or uses one in which no network was measured"
        )
    if precision is None or kind is None:
        return Unknown("no expectation: the profile does not state the network's number format and ops")
    calibration = table().get(Key(device.name, precision, kind))
    if calibration is None:
        return Unknown(
            f"fewer than {LEAST} {kind} networks of {precision} were measured on {device.title}: no expectation"
        )
    simulated_ms = simulated_us / 1000
    ms = calibration.expected_ms(simulated_ms)
    return Expectation(
        ms=ms,
        low_ms=ms / calibration.spread,
        high_ms=ms * calibration.spread,
        device=device.title,
        networks=calibration.n,
        of=f"{precision} {kind}",
        beyond=not calibration.least_ms <= simulated_ms <= calibration.most_ms,
    )


def basis_of(soc: str) -> str:
    """Say what expectations for a SoC are based on, or why there are none.

    As in `device times are expected from 28 float convolutional networks measured on IQ-9075`.
    """
    device = device_of(soc)
    networks = [
        f"{calibration.n} {key.precision} {key.kind}"
        for key, calibration in table().items()
        if device and key.device == device.name
    ]
    if device and networks:
        return f"device times are expected from {', '.join(networks)} networks measured on {device.title}"
    nothing = expectation(soc, 1.0, None, None)
    return nothing.sentence if isinstance(nothing, Unknown) else ""


def checked_networks(device: Device) -> int:
    """Count the float networks on which simulator and device were compared; 0 without a float calibration."""
    floats = [made.n for key, made in table().items() if key[:2] == (device.name, Precision.FLOAT)]
    return len(calibrating(device, Precision.FLOAT)) if floats else 0


def figure(ms: float) -> str:
    """Format milliseconds with as many digits as an expectation has: two or three."""
    return f"{ms:.0f}" if ms >= 100 else f"{ms:.1f}" if ms >= 10 else f"{ms:.2f}"


def recomputed(device: Device, precision: Precision, kind: NetworkClass) -> Calibration | None:
    """Recompute a calibration from the pairs; None if there are too few.

    A device's constant does not depend on the class of network, and attention networks are too slow to show it: they
    use that of the convolutional ones.
    """
    constant = None
    if kind is NetworkClass.ATTENTION:
        plain = calibrate(calibrating(device, precision, NetworkClass.CONVOLUTIONAL))
        constant = plain.constant_ms if plain else None
    return calibrate(calibrating(device, precision, kind), constant)


def recomputed_table() -> dict[Key, Calibration]:
    """Recompute every row; takes seconds."""
    keys = [
        (device, precision, kind)
        for device in devices()
        if not device.refused
        for precision in Precision
        for kind in NetworkClass
    ]
    return {
        Key(device.name, precision, kind): calibration
        for device, precision, kind in keys
        if (calibration := recomputed(device, precision, kind))
    }


@cache
def table() -> dict[Key, Calibration]:
    """Return the shipped rows."""
    return {
        Key(row["device"], Precision(row["precision"]), NetworkClass(row["class"])): _calibration(row)
        for row in rows(TABLE)
    }


def _calibration(row: Mapping[str, str]) -> Calibration:
    names = [field.name for field in fields(Calibration)]
    figures: dict[str, Any] = {name: int(row[name]) if name in _WHOLE else float(row[name]) for name in names}
    return Calibration(**figures)


def as_table(calibrations: dict[Key, Calibration]) -> str:
    """Format calibrations as the text of the shipped table."""
    names = [field.name for field in fields(Calibration)]
    lines = ["\t".join(["device", "precision", "class", *names])]
    lines += [
        "\t".join([*key, *(f"{getattr(made, name):.10g}" for name in names)])
        for key, made in calibrations.items()
    ]
    return "\n".join(lines) + "\n"
