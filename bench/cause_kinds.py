"""Changes of every kind, with everything that is true of each: the diff must say all of it and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from bench.cause_changes import Conv, Tiny
from qhas.diff.model import CircumstanceKind
from qhas.sweep.spec import PrepareOptions

Kind = CircumstanceKind
Truth = Mapping[CircumstanceKind, tuple[str, ...]]
"""Every true phrase, keyed by kind of cause, with the kind that explains most first."""


@dataclass(frozen=True)
class Sample:
    """What is compiled, for which SoC and with which options."""

    tiny: Tiny = field(default_factory=Tiny)
    soc: str = "sa8255"
    prepare: PrepareOptions = field(default_factory=PrepareOptions)


@dataclass(frozen=True)
class Trial:
    """One change or several, and what is true of them. The truth is empty if nothing that matters changes."""

    name: str
    after: Sample
    truth: Truth
    before: Sample = field(default_factory=Sample)


BASE = Tiny()
_NUMBERED = replace(BASE, names=tuple(range(5)), convs=tuple(Conv(seed=1 + place) for place in range(5)))
_BYTES = replace(BASE, bits=8)
_CLIPPED = BASE.with_convs(activation="Clip")


def _network(name: str, tiny: Tiny, *phrases: str, before: Tiny = BASE) -> Trial:
    return Trial(name, Sample(tiny), {Kind.NETWORK: phrases}, Sample(before))


def _silent(name: str, tiny: Tiny, before: Tiny) -> Trial:
    return Trial(name, Sample(tiny), {}, Sample(before))


def _options(name: str, truth: Truth, **options: object) -> Trial:
    return Trial(name, Sample(prepare=PrepareOptions.model_validate(options)), truth)


def _trials() -> Iterable[Trial]:
    yield from _attributes()
    yield from _structure()
    yield from _names()
    yield from _values()
    yield from _defaults()
    yield from _mixed()


def _attributes() -> Iterable[Trial]:
    dilated = "dilation 1x1 → 2x2 and padding 1,1,1,1 → 2,2,2,2"
    yield _network("dilation of one", BASE.with_conv(1, dilation=2), f"{dilated} in Conv2d block1_conv")
    two = BASE.with_conv(1, dilation=2).with_conv(3, dilation=2)
    yield _network("dilation of two", two, f"{dilated} in 2 Conv2d")
    yield _network(
        "dilation, 8 bit",
        replace(two, bits=8),
        f"{dilated} in 2 Conv2d",
        before=_BYTES,
    )
    yield _network(
        "kernel 3 to 5",
        BASE.with_conv(1, kernel=5),
        "padding 1,1,1,1 → 2,2,2,2 and kernel 3x3 → 5x5 in Conv2d block1_conv",
    )
    yield _network(
        "kernel 3 to 1",
        BASE.with_conv(3, kernel=1),
        "padding 1,1,1,1 → 0,0,0,0 and kernel 3x3 → 1x1 in Conv2d block3_conv",
    )
    yield _network("4 groups", BASE.with_conv(3, groups=4), "groups 1 → 4 in Conv2d block3_conv")
    yield _network("depthwise", BASE.with_conv(3, groups=32), "Conv2d block3_conv became DepthWiseConv2d")
    yield _network(
        "32 to 48 channels", BASE.with_conv(3, channels=48), "output channels 32 → 48 in Conv2d block3_conv"
    )
    yield _network(
        "32 to 33 channels", BASE.with_conv(3, channels=33), "output channels 32 → 33 in Conv2d block3_conv"
    )
    yield _network("input 64 to 72", replace(BASE, image=72), "input image 1x3x64x64 → 1x3x72x72")
    yield _network("input 64 to 96", replace(BASE, image=96), "input image 1x3x64x64 → 1x3x96x96")
    yield _network("batch 1 to 2", replace(BASE, batch=2), "input image 1x3x64x64 → 2x3x64x64")
    yield _network("stride 1 to 2", BASE.with_conv(3, stride=2), "stride 1x1 → 2x2 in Conv2d block3_conv")
    yield _network(
        "no padding", BASE.with_conv(3, padded=False), "padding 1,1,1,1 → 0,0,0,0 in Conv2d block3_conv"
    )
    yield _network(
        "one activation",
        BASE.with_conv(1, activation="Sigmoid"),
        "activation Relu → Sigmoid in ElementWiseNeuron block1_act",
    )
    yield _network(
        "all activations",
        BASE.with_convs(activation="HardSwish"),
        "activation Relu → HardSwish in 5 ElementWiseNeuron",
    )
    yield _network(
        "borders of all clips",
        _CLIPPED.with_convs(border=4.0),
        "max value 6.0 → 4.0 in 5 ElementWiseNeuron",
        before=_CLIPPED,
    )
    yield _network("no bias", BASE.with_conv(3, bias=False), "bias removed in Conv2d block3_conv")
    yield _network(
        "32 to 48 channels in all",
        BASE.with_convs(channels=48),
        "output channels 32 → 48 in 5 Conv2d",
    )
    yield _network(
        "pooling",
        replace(BASE, pool="AveragePool"),
        "pool type PoolMax2d → PoolAvg2d and count pad for edges none → off in Pool pool",
    )
    yield _network(
        "window of the pooling",
        replace(BASE, window=3),
        "window 2x2 → 3x3 and padding 0,0,0,0 → 0,1,0,1 in Pool pool",
    )


def _structure() -> Iterable[Trial]:
    yield _network(
        "LeakyRelu", BASE.with_conv(1, activation="LeakyRelu"), "ElementWiseNeuron block1_act became Prelu"
    )
    yield _network(
        "an activation less", BASE.with_conv(1, activation=""), "ElementWiseNeuron block1_act removed"
    )
    yield _network("skip taken out", replace(BASE, join=""), "ElementWiseBinary join removed")
    yield _network(
        "Add to Mul", replace(BASE, join="Mul"), "operation Add → Multiply in ElementWiseBinary join"
    )
    yield _network("Add to Concat", replace(BASE, join="Concat"), "ElementWiseBinary join became Concat")
    yield _network(
        "nearest to bilinear",
        replace(BASE, resize="linear"),
        "ResizeNearestNeighbor up became ResizeBilinear",
    )
    yield _network(
        "nearest to bilinear, 8 bit",
        replace(_BYTES, resize="linear"),
        "ResizeNearestNeighbor up became ResizeBilinear",
        before=_BYTES,
    )
    yield _network(
        "one more output", replace(BASE, tap=True), "output block0_act_out added", "Transpose added"
    )
    yield _network(
        "two less", replace(BASE, convs=BASE.convs[:3]), "2 Conv2d removed", "2 ElementWiseNeuron removed"
    )


def _names() -> Iterable[Trial]:
    put_in = _NUMBERED.inserted(4)
    yield _network(
        "one put in, numbered",
        put_in,
        "Conv2d /Conv_4 added",
        "ElementWiseNeuron /Act_4 added",
        before=_NUMBERED,
    )
    yield _network(
        "one taken out, numbered",
        _NUMBERED,
        "Conv2d /Conv_4 removed",
        "ElementWiseNeuron /Act_4 removed",
        before=put_in,
    )
    yield _network(  # the sum stays after the third convolution, which is now a different one
        "one put in before a skip's end, numbered",
        _NUMBERED.inserted(2),
        "Conv2d /Conv_2 added",
        "ElementWiseNeuron /Act_3 added",
        "reading from different ops in Conv2d /Conv_3",
        before=_NUMBERED,
    )
    yield _silent("numbers permuted", replace(_NUMBERED, names=(4, 3, 2, 1, 0)), _NUMBERED)
    yield _silent("all renamed", replace(BASE, prefix="stage"), BASE)
    yield _silent("from words to numbers", _NUMBERED, replace(_NUMBERED, names=None))


def _values() -> Iterable[Trial]:
    yield Trial(
        "weights of one",
        Sample(BASE.with_conv(1, seed=9)),
        {Kind.WEIGHTS: ("different weights in 1 of 15 ops",)},
    )
    yield Trial(
        "all weights",
        Sample(replace(BASE, convs=tuple(Conv(seed=20 + place) for place in range(5)))),
        {Kind.WEIGHTS: ("different weights in 5 of 15 ops",)},
    )
    yield Trial(
        "another calibration",
        Sample(replace(_BYTES, calibration=1)),
        {Kind.WEIGHTS: ("different scales of quantised tensors in 11 of 12 ops",)},
        Sample(_BYTES),
    )
    yield Trial(
        "weights by channel, 8 bit",
        Sample(replace(_BYTES, by_channel=True)),
        {Kind.WEIGHTS: ("weights quantised by channel in 5 of 12 ops",)},
        Sample(_BYTES),
    )
    yield Trial(
        "a folded Relu less, 8 bit",
        Sample(_BYTES.with_conv(3, activation="")),
        {Kind.WEIGHTS: ("results that reach below zero (as without a folded ReLU) in 1 of 12 ops",)},
        Sample(_BYTES),
    )
    yield Trial(
        "8 bit to float",
        Sample(BASE),
        {
            Kind.DATA_TYPE: ("data type UFixed8 → Float32 in 10 of 10 ops",),
            Kind.NETWORK: ("5 ElementWiseNeuron added",),
        },
        Sample(_BYTES),
    )


def _defaults() -> Iterable[Trial]:
    yield _options("VTCM, default to 2", {Kind.VTCM: ("VTCM 8 → 2 MiB",)}, vtcm_mb=2)
    yield _options("HVX threads, default to 2", {Kind.HVX_THREADS: ("HVX threads 4 → 2",)}, hvx_threads=2)
    yield _options(
        "optimisation level, default to 3",
        {Kind.OPTIMIZATION_LEVEL: ("optimisation level 2 → 3",)},
        optimization_level=3,
    )
    yield _options("DLBC, default to on", {Kind.DLBC: ("DLBC off → on",)}, dlbc=True)
    yield _options("VTCM, default to the same", {}, vtcm_mb=8)
    yield _options("VTCM, default to all there is", {}, vtcm_mb=0)
    yield _options(
        "every default to the same", {}, vtcm_mb=8, hvx_threads=4, optimization_level=2, dlbc=False
    )
    yield Trial("another SoC", Sample(soc="sa8797"), {Kind.SOC: ("SoC sa8255 → sa8797",)})


def _mixed() -> Iterable[Trial]:
    dilated = "dilation 1x1 → 2x2 and padding 1,1,1,1 → 2,2,2,2 in Conv2d block1_conv"
    yield Trial(
        "VTCM and a dilation",
        Sample(BASE.with_conv(1, dilation=2), prepare=PrepareOptions(vtcm_mb=2)),
        {Kind.VTCM: ("VTCM 8 → 2 MiB",), Kind.NETWORK: (dilated,)},
    )
    yield Trial(
        "level and a larger input",
        Sample(replace(BASE, image=72), prepare=PrepareOptions(optimization_level=1)),
        {
            Kind.OPTIMIZATION_LEVEL: ("optimisation level 2 → 1",),
            Kind.NETWORK: ("input image 1x3x64x64 → 1x3x72x72",),
        },
    )
    yield Trial(
        "one put in, all retrained, numbered",
        Sample(
            replace(
                _NUMBERED, names=tuple(range(6)), convs=tuple(Conv(seed=40 + place) for place in range(6))
            )
        ),
        {
            Kind.NETWORK: ("Conv2d /Conv_5 added", "ElementWiseNeuron /Act_4 added"),
            Kind.WEIGHTS: ("different weights in 5 of 15 ops",),
        },
        Sample(_NUMBERED),
    )
    yield Trial(
        "a SoC and an option",
        Sample(soc="sa8797", prepare=PrepareOptions(optimization_level=1)),
        {
            Kind.SOC: ("SoC sa8255 → sa8797",),
            Kind.OPTIMIZATION_LEVEL: ("optimisation level 2 → 1",),
        },
    )


TRIALS = tuple(_trials())
CHAINS = (
    (
        Sample(),
        Sample(BASE.with_conv(1, dilation=2)),
        Sample(BASE.with_conv(1, dilation=2), prepare=PrepareOptions(vtcm_mb=2)),
    ),
    (
        Sample(_NUMBERED),
        Sample(_NUMBERED.inserted(2)),
        Sample(_NUMBERED.inserted(2), prepare=PrepareOptions(vtcm_mb=2)),
    ),
)
"""Each step of a chain is one change: from its first sample to its last there are both, and nothing else."""
