"""A row of a table of ops, whatever it is summed over."""

from __future__ import annotations

from msgspec import Struct

from qhas.profile.thread_use import Packets

_STALL = 2.0


class OpRow(Struct, frozen=True):
    """An op type, or an op. `type` is the QNN op type where there is one; `percent` is of the dominant path, traffic in bytes."""

    name: str
    type: str
    percent: float
    dominant: int
    cycles: int
    htp_ops: int
    dram: int
    vtcm: int
    format_change: bool = False
    reference: bool = False
    us: float | None = None
    """Its cycles on the dominant path as time; None where nothing tells the graph's time."""
    start: int | None = None
    """The cycle in which its first HTP op starts, from the first of the file's on."""
    end: int | None = None
    """That in which its last one ends."""
    shape: str = ""
    data_type: str = ""
    node: str = ""
    """The node of the ONNX that it is of, where that is known."""
    module: str | None = None
    """Path of the module that the node is of, the root's empty."""
    source: str = ""
    """File and line of the program, as in `net.py:96`."""
    packets: Packets | None = None

    @property
    def stalls(self) -> bool:
        """Whether the same work took several times the cycles a packet of its best run, most of the time."""
        return self.packets is not None and self.packets.mean >= _STALL * self.packets.best
