"""What the simulator is known not to see, as data: what marks an affected network, and the evidence.

Each piece of evidence is a pair of the shipped tables, on the named device; a test checks the ratios against them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from qhas.truth.tables import NetworkClass, Precision
from qhas.truth.traits import Traits


class Seen(NamedTuple):
    """What is known about a simulated cell. `shares` holds each op type's percentage of the dominant path."""

    traits: Traits
    simulated_us: float
    arch: int | None
    shares: Mapping[str, float]


class Evidence(NamedTuple):
    """A network that was measured; `ratio` is measured over simulated."""

    model: str
    precision: Precision
    device: str
    ratio: float


class BlindSpot(NamedTuple):
    """`sentence` says what is not seen and in which direction it errs; `marks` says whether it affects a cell."""

    name: str
    sentence: str
    marks: Callable[[Seen], bool]
    evidence: tuple[Evidence, ...] = ()


_IQ, _S25, _S26 = "Dragonwing IQ-9075 EVK", "Samsung Galaxy S25", "Samsung Galaxy S26"
_FLOAT, _W8A8 = Precision.FLOAT, Precision.W8A8
_LONG_TOKENS = 384
_LARGE_INPUT = 750_000
_POOL_PERCENT = 30
_BINARY_PERCENT = 50
_FROM_V81 = 81

BLIND_SPOTS = (
    BlindSpot(
        "long attention",
        f"attention over {_LONG_TOKENS} tokens and more is simulated up to three times too slow",
        lambda seen: seen.traits.tokens >= _LONG_TOKENS,
        (
            Evidence("bert_base_uncased_hf", _FLOAT, _IQ, 0.63),
            Evidence("depth_anything", _FLOAT, _IQ, 0.49),
            Evidence("segformer_base", _FLOAT, _IQ, 0.36),
        ),
    ),
    BlindSpot(
        "average pools",
        "average pools with counted padding are simulated up to four times too slow",
        lambda seen: seen.shares.get("PoolAvg2d", 0) >= _POOL_PERCENT,
        (Evidence("nasnet", _FLOAT, _IQ, 0.23),),
    ),
    BlindSpot(
        "PReLU",
        "PReLU is simulated up to eight times too slow, at 8 bits and from Hexagon v81 on",
        lambda seen: (
            seen.traits.prelus > 0 and (seen.traits.precision is not _FLOAT or (seen.arch or 0) >= _FROM_V81)
        ),
        (
            Evidence("real_esrgan_general_x4v3", _W8A8, _S26, 0.12),
            Evidence("real_esrgan_general_x4v3", _W8A8, _S25, 0.60),
            Evidence("real_esrgan_general_x4v3", _FLOAT, _S26, 0.34),
        ),
    ),
    BlindSpot(
        "under 1 ms",
        "an inference's start and hand-over, 0.02 to 0.6 ms, are not simulated: below 1 ms they are a large part",
        lambda seen: seen.simulated_us < 1000,
        (
            Evidence("quicksrnetsmall", _FLOAT, _IQ, 1.29),
            Evidence("quicksrnetmedium", _W8A8, _IQ, 1.46),
            Evidence("mnasnet05", _FLOAT, _IQ, 1.16),
        ),
    ),
    BlindSpot(
        "large input",
        "convolutional networks on large images take up to a third longer than simulated",
        lambda seen: (
            seen.traits.input_elements >= _LARGE_INPUT
            and seen.traits.kind is NetworkClass.CONVOLUTIONAL
            and seen.traits.precision is _FLOAT
        ),
        (
            Evidence("fcn_resnet50", _FLOAT, _IQ, 1.22),
            Evidence("fcn_resnet50", _FLOAT, _S25, 1.29),
        ),
    ),
    BlindSpot(
        "decoded boxes",
        "sums and products over many rows of two figures, as boxes are decoded, are simulated up to ten times too slow in floats",
        lambda seen: (
            seen.traits.precision is _FLOAT and seen.shares.get("ElementWiseBinary", 0) >= _BINARY_PERCENT
        ),
        (
            Evidence("yolov7", _FLOAT, _IQ, 0.12),
            Evidence("yolov7", _FLOAT, _S25, 0.32),
        ),
    ),
    BlindSpot(
        "LSTM",
        "no network with an LSTM was set against a device",
        lambda seen: seen.traits.lstms > 0,
    ),
)
"""Each is named after what is not seen."""


def blind_spots(seen: Seen) -> list[BlindSpot]:
    """Return the blind spots that affect a cell."""
    return [spot for spot in BLIND_SPOTS if spot.marks(seen)]


def describe(spot: BlindSpot) -> str:
    """Return the sentence with its evidence, as in `... (measured over simulated: bert float 0.63)`."""
    if not spot.evidence:
        return spot.sentence
    pieces = [f"{evidence.model} {evidence.precision} {evidence.ratio:.2f}" for evidence in spot.evidence]
    return f"{spot.sentence} (measured over simulated: {', '.join(pieces)})"
