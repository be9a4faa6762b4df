"""Nightly latencies with known truth: what a network costs, and what the rack adds to it.

The noise levels are assumptions. Users of phone racks report that it is low within a run and high between runs
(pytorch/executorch #8603), that a device can change its mode between days by a third (#6202), and that warm phones are
slower (microsoft/winml-cli #1045), but no public figures are known; the thresholds that other projects use are
1 % (LNT), 2 % (Mozilla) and 5 % (dotnet). So the reference is 1 % between nights, and worse racks have their own rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]
"""Series x nights."""
INFERENCES = 30
HOT = "thermal status 2 after the run"


@dataclass(frozen=True)
class Rack:
    """What a rack adds, as relative changes: standard deviations, shares of nights or runs, and sizes."""

    between: float = 0.01
    """Standard deviation of a night's median."""
    within: float = 0.02
    """Standard deviation of one inference around the median."""
    memory: float = 0.0
    """Correlation of a night's noise with the night before."""
    outliers: tuple[float, float] = (0.0, 0.0)
    """Share of nights that are slower for no recorded reason, and by how much."""
    mode: tuple[float, float] = (0.0, 0.0)
    """Share of runs in a slow mode, and how slow it is."""
    stays: float = 0.0
    """Chance that the slow mode lasts to the next night; a re-run always shares it. 0 if every run draws its own."""
    season: tuple[float, float] = (0.0, 1.0)
    """Amplitude, and period in nights, of a wave with a different phase for each series."""
    shared_season: tuple[float, float] = (0.0, 1.0)
    """The same for the whole rack, with one phase."""
    hot: tuple[float, float] = (0.0, 0.0)
    """Share of runs that end throttled, which is recorded, and by how much they are slower."""
    devices: int = 1
    """Devices per SoC; which one a night gets is random. They differ by 4 %."""


@dataclass(frozen=True)
class Scenario:
    """A rack, and what happens to networks on it from one night on: `truth` maps the nights since to the change."""

    name: str
    rack: Rack = field(default_factory=Rack)
    truth: Callable[[Table], Table] | None = None
    share: float = 0.1
    """The share of the series that `truth` applies to."""
    new_sdk: float | None = None
    """What a new SDK costs every network from that night on."""
    device_moves: float | None = None
    """By how much one SoC's device changes everything that runs on it from that night on."""
    rack_moves: float | None = None
    """The same for every device."""
    controls: bool = True
    """Whether one network is tagged as the control."""
    nights: int = 75
    at: int = 50


@dataclass(frozen=True)
class History:
    """A sweep over nights: medians, their re-runs, devices and conditions, each series x nights, and the truth."""

    nights: int
    at: int
    """The night of the change."""
    changed: NDArray[np.bool_]
    """Whether it changes, for each series."""
    median: Table
    again: Table
    device: NDArray[np.int64]
    again_device: NDArray[np.int64]
    hot: NDArray[np.bool_]
    again_hot: NDArray[np.bool_]
    sample_mean: Table
    sample_deviation: Table


def make(scenario: Scenario, *, series: int, nights: int, at: int, seed: int, socs: int = 6) -> History:
    """Make a history; equal arguments give equal figures."""
    random = np.random.default_rng(seed)
    rack, shape = scenario.rack, (series, nights)
    since = np.maximum(0.0, np.arange(nights) - at + 1.0)[None, :]
    changed = np.zeros(series, dtype=bool)
    truth = np.zeros(shape)
    if scenario.truth:
        changed[random.permutation(series)[: round(series * scenario.share)]] = True
        truth += np.where(changed[:, None], scenario.truth(since), 0.0)
    if scenario.new_sdk is not None:
        truth += np.log1p(scenario.new_sdk) * (since > 0)
    if scenario.device_moves is not None:
        truth += np.log1p(scenario.device_moves) * (since > 0) * (np.arange(series) % socs == 0)[:, None]
    if scenario.rack_moves is not None:
        truth += np.log1p(scenario.rack_moves) * (since > 0)
    base = np.log(random.uniform(300, 20_000, series))[:, None]
    wander = _wander(random, rack, shape) + _lasting(random, rack, shape)
    first = _run(random, rack, shape, base + truth + wander)
    second = _run(random, rack, shape, base + truth + wander)
    spread = rack.within * np.sqrt(random.chisquare(INFERENCES - 1, shape) / (INFERENCES - 1))
    return History(
        nights,
        at,
        changed,
        np.exp(first.log),
        np.exp(second.log),
        first.device,
        second.device,
        first.hot,
        second.hot,
        first.log + random.normal(0, rack.within / np.sqrt(INFERENCES), shape),
        spread,
    )


def _lasting(random: np.random.Generator, rack: Rack, shape: tuple[int, int]) -> Table:
    """Draw what a run shares with its re-run although no network has changed: a mode that stays, and seasons."""
    series, nights = shape
    found = np.zeros(shape)
    if rack.season[0] or rack.shared_season[0]:
        phase = random.uniform(0, 2 * np.pi, series)[:, None]
        days = np.arange(nights)[None, :]
        for (height, period), shift in ((rack.season, phase), (rack.shared_season, phase[:1])):
            found += np.log1p(height) * np.sin(2 * np.pi * days / period + shift)
    if rack.stays:
        share, size = rack.mode
        enters = share * (1 - rack.stays) / (1 - share)
        slow = random.random(series) < share
        for night in range(nights):
            draw = random.random(series)
            slow = np.where(slow, draw < rack.stays, draw < enters)
            found[:, night] += np.log1p(size) * slow
    return found


@dataclass(frozen=True)
class _Runs:
    log: Table
    device: NDArray[np.int64]
    hot: NDArray[np.bool_]


def _wander(random: np.random.Generator, rack: Rack, shape: tuple[int, int]) -> Table:
    """Draw the part of a night's noise that it shares with the night before and with its own re-run."""
    noise = random.normal(0, 1, shape)
    for night in range(1, shape[1]):
        noise[:, night] = rack.memory * noise[:, night - 1] + np.sqrt(1 - rack.memory**2) * noise[:, night]
    shared: Table = noise * rack.between * np.sqrt(rack.memory)
    return shared


def _run(random: np.random.Generator, rack: Rack, shape: tuple[int, int], level: Table) -> _Runs:
    device = random.integers(0, rack.devices, shape)
    hot = random.random(shape) < rack.hot[0]
    log = level + random.normal(0, rack.between * np.sqrt(1 - rack.memory), shape) + np.log1p(0.04) * device
    for share, size in (rack.outliers, (0.0, 0.0) if rack.stays else rack.mode):
        log += np.log1p(size) * (random.random(shape) < share)
    return _Runs(log + np.log1p(rack.hot[1]) * hot, device, hot)


def step(size: float) -> Callable[[Table], Table]:
    """Return a truth that is slower by `size` from the night on."""
    return lambda since: np.log1p(size) * (since > 0)


def drift(size: float) -> Callable[[Table], Table]:
    """Return a truth that is slower by another `size` every night."""
    return lambda since: np.log1p(size) * since


def repaired(size: float, left: float, after: int = 10) -> Callable[[Table], Table]:
    """Return a truth that is slower by `size`, and by `left` once `after` nights have passed."""
    return lambda since: np.where(since > after, np.log1p(left), np.log1p(size) * (since > 0))


NOISY = Rack(between=0.03)
REFERENCE = "steady, reference rack: nights vary by 1 %"
STEP = "step of 5 %"
SCENARIOS = (
    Scenario(REFERENCE),
    Scenario("steady, quiet: 0.3 %", Rack(between=0.003, within=0.005)),
    Scenario("steady, noisy: 3 %", NOISY),
    Scenario("steady, 3 % of nights 8 % slower, unexplained", Rack(outliers=(0.03, 0.08))),
    Scenario("steady, nights resemble the one before (0.5)", Rack(memory=0.5)),
    Scenario("steady, slow mode: 15 % of runs 12 % slower", Rack(mode=(0.15, 0.12))),
    Scenario("steady, 5 % of runs throttled, 20 % slower", Rack(hot=(0.05, 0.20))),
    Scenario("steady, two devices 4 % apart", Rack(devices=2)),
    Scenario("steady, nights resemble the one before (0.7)", Rack(memory=0.7)),
    Scenario(
        "steady, slow mode that stays: 15 % of nights 12 % slower, 5 on end",
        Rack(mode=(0.15, 0.12), stays=0.8),
    ),
    Scenario("steady, seasons of 3 %, 60 nights", Rack(season=(0.03, 60))),
    Scenario("steady, seasons of 3 %, a week", Rack(season=(0.03, 7))),
    Scenario("steady, the rack has a season of 3 %, 60 nights", Rack(shared_season=(0.03, 60))),
    Scenario("new SDK, everything 6 % slower", new_sdk=0.06),
    Scenario("a device moves by 6 %", device_moves=0.06),
    Scenario("a device moves by 6 %, no control", device_moves=0.06, controls=False),
    Scenario("the rack moves by 6 %", rack_moves=0.06),
    Scenario("the rack moves by 6 %, no control", rack_moves=0.06, controls=False),
    Scenario("the rack moves by 3.5 %", rack_moves=0.035),
    Scenario("the rack moves by 2.5 %, no control", rack_moves=0.025, controls=False),
    Scenario("the rack moves by 20 %, noisy: 3 %", NOISY, rack_moves=0.20),
    Scenario("step of 3 %", truth=step(0.03)),
    Scenario(STEP, truth=step(0.05)),
    Scenario("step of 10 %", truth=step(0.10)),
    Scenario("step of 5 %, two devices 4 % apart", Rack(devices=2), step(0.05)),
    Scenario("step of 5 %, slow mode", Rack(mode=(0.15, 0.12)), step(0.05)),
    Scenario("step of 5 %, noisy: 3 %", NOISY, step(0.05)),
    Scenario("step of 15 %, noisy: 3 %", NOISY, step(0.15)),
    Scenario("drift of 0.5 % a night", truth=drift(0.005)),
    Scenario("drift of 0.1 % a night, quiet: 0.5 %", Rack(between=0.005), drift(0.001), nights=110, at=60),
    Scenario("drift of 0.1 % a night", truth=drift(0.001), nights=110, at=60),
)
