"""Invented HTP timelines: a deterministic function of (DLC digest, SoC), self-consistent and meaningless.

Every cycle of the graph belongs to one op of the dominant path or is idle, following the vendor's documented order
of resources; sums and ratios in the viewer's files are therefore as consistent as in real ones.
"""

import hashlib
from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import pairwise
from typing import NamedTuple


class Unit(Enum):
    """What an HTP op runs on, in the order in which the dominant path prefers it."""

    HMX = "uses_hmx"
    HVX = "uses_hvx"
    DMA = "dma"
    CHECKPOINT = "dma_set"
    WAIT = "dma_wait"
    SYNC = "sync"
    NONE = "null_exec"


_PREFERENCE = list(Unit)
HMX_THREAD = 256
HVX_THREADS = (512, 513, 514, 515)


class Step(NamedTuple):
    """One HTP op of a recipe: its type, its unit, the number of threads it is split over, mean cycles per piece."""

    op: str
    unit: Unit
    pieces: int
    cycles: int


_WEIGHTS = Step("q::weights_dma", Unit.DMA, 1, 900)
_PRELOAD = Step("SystemService_ChunkPreload", Unit.SYNC, 1, 25)
_SET = Step("DmaCheckpointSet", Unit.CHECKPOINT, 1, 12)
_WAIT = Step("DmaCheckpointWait", Unit.WAIT, 1, 40)

RECIPES: dict[str, tuple[Step, ...]] = {
    "Input": (Step("q::ForceFormat_Crouton", Unit.HVX, 2, 500),),
    "Conv2d": (_PRELOAD, _WEIGHTS, _SET, _WAIT, Step("q::ConvLayer_s1.opt", Unit.HMX, 1, 2400)),
    "FullyConnected": (_PRELOAD, _WEIGHTS, _SET, _WAIT, Step("q::FullyConnected.opt", Unit.HMX, 1, 1500)),
    "ElementWiseAdd": (Step("q::Add.tcm", Unit.HVX, 2, 300),),
    "PoolAvg2d": (Step("q::AvgPool.tcm", Unit.HVX, 4, 250),),
    "Reshape": (Step("q::Reshape", Unit.NONE, 1, 0),),
    "Softmax": (Step("q::Softmax.tcm", Unit.HVX, 1, 700),),
    "Output": (Step("q::output_dma", Unit.DMA, 1, 200),),
}
FORMAT_CHANGES = frozenset({"q::ForceFormat_Crouton"})


class Op(NamedTuple):
    """One executed HTP op. Cycles are relative to the graph's first cycle; traffic is in bytes."""

    ident: int
    name: str
    unit: Unit
    thread: int
    node: str
    node_type: str
    dims: tuple[int, ...]
    inputs: tuple[int, ...]
    start: int
    cycles: int
    cycles_per_packet: float
    dram_read: int
    dram_write: int
    vtcm_read: int
    vtcm_write: int

    @property
    def end(self) -> int:
        return self.start + self.cycles


class Stretch(NamedTuple):
    """A part of the dominant path; `op` is None while nothing runs."""

    op: Op | None
    start: int
    end: int


class Timeline(NamedTuple):
    """The ops of one inference in order of start, and the path that determines its length."""

    ops: tuple[Op, ...]
    path: tuple[Stretch, ...]
    origin: int

    @property
    def cycles(self) -> int:
        """The length of the inference."""
        return max(op.end for op in self.ops)

    @property
    def idle(self) -> int:
        """The cycles in which no op runs."""
        return sum(stretch.end - stretch.start for stretch in self.path if stretch.op is None)

    def dominant(self, op: Op) -> int:
        """Return the cycles of the dominant path that belong to `op`."""
        return sum(stretch.end - stretch.start for stretch in self.path if stretch.op is op)


class _Dice:
    """Reproducible numbers from a seed, the same in every version of Python."""

    def __init__(self, seed: str) -> None:
        self._seed, self._rolls = seed, 0

    def factor(self, low: float, high: float) -> float:
        self._rolls += 1
        digest = hashlib.sha256(f"{self._seed}:{self._rolls}".encode()).digest()
        return low + (high - low) * int.from_bytes(digest[:4], "big") / 0xFFFFFFFF


def build(nodes: Sequence[tuple[str, str]], digest: str, soc: str, scale: float = 1.0) -> Timeline:
    """Return the timeline of `nodes`, (name, QNN op type) pairs; types without a recipe run like ElementWiseAdd."""
    dice = _Dice(f"{digest}/{soc}")
    speed = scale * dice.factor(0.7, 1.6)
    ops: list[Op] = []
    free: dict[int, int] = {}
    ready = 0
    producers: tuple[int, ...] = ()
    for number, (node, kind) in enumerate(nodes, start=2):
        dims = (1, 8, 32, 32 + number)
        for step in RECIPES.get(kind, RECIPES["ElementWiseAdd"]):
            pieces = _pieces(
                step, (node, kind), (len(ops) << 32) | number, dims, producers, ready, free, speed, dice
            )
            ops += pieces
            producers = tuple(piece.ident for piece in pieces)
            if step.unit is not Unit.DMA or kind == "Output":
                ready = max(piece.end for piece in pieces)
        ready += round(30 * speed)
    ops.sort(key=lambda op: (op.start, op.ident))
    return Timeline(tuple(ops), tuple(_dominant_path(ops)), origin=1_000_000_000 + round(dice.factor(0, 1e9)))


def _pieces(
    step: Step,
    node: tuple[str, str],
    first_ident: int,
    dims: tuple[int, ...],
    inputs: tuple[int, ...],
    ready: int,
    free: dict[int, int],
    speed: float,
    dice: _Dice,
) -> list[Op]:
    name, kind = node
    pieces = []
    for piece in range(step.pieces):
        thread = HVX_THREADS[piece] if step.unit is Unit.HVX else HMX_THREAD
        to_memory = kind == "Output"
        from_memory = step.unit is Unit.DMA and not to_memory
        cycles = round(step.cycles * speed * dice.factor(0.6, 1.5))
        start = max(0 if from_memory else ready, free.get(thread, 0))  # weights are fetched ahead
        free[thread] = start + cycles
        busy = cycles if step.unit in (Unit.HMX, Unit.HVX, Unit.DMA) else 0
        pieces.append(
            Op(
                ident=first_ident + (piece << 32),
                name=step.op,
                unit=step.unit,
                thread=thread,
                node=name,
                node_type=kind,
                dims=dims,
                inputs=inputs,
                start=start,
                cycles=cycles,
                cycles_per_packet=round(dice.factor(1.0, 6.0), 2),
                dram_read=busy * 16 if from_memory else 0,
                dram_write=busy * 8 if to_memory else 0,
                vtcm_read=0 if from_memory else busy * 32,
                vtcm_write=0 if to_memory else busy * 16,
            )
        )
    return pieces


def _dominant_path(ops: Sequence[Op]) -> Iterator[Stretch]:
    """Yield, for each period between two changes, the running op of the most preferred unit."""
    moments = sorted({0} | {op.start for op in ops} | {op.end for op in ops})
    current: Stretch | None = None
    for begin, end in pairwise(moments):
        running = [op for op in ops if op.start <= begin and end <= op.end and op.cycles]
        best = min(running, key=lambda op: (_PREFERENCE.index(op.unit), op.start, op.ident), default=None)
        if current is not None and current.op is best:
            current = Stretch(best, current.start, end)
            continue
        if current is not None:
            yield current
        current = Stretch(best, begin, end)
    if current is not None:
        yield current
