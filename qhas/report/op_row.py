"""A row in a table of ops, whatever it is summed over."""

from __future__ import annotations

from msgspec import Struct

from qhas.profile.thread_use import Packets

_STALL = 2.0


class OpRow(Struct, frozen=True):
    """An op type, or an op.

    `type` is the QNN op type, if there is one; `percent` is of the dominant path; `dram` and `vtcm` are bytes of
    traffic.
    """

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
    """Its cycles on the dominant path as time; None if the graph's time is not known."""
    start: int | None = None
    """The cycle in which its first HTP op starts, counted from the first of the file."""
    end: int | None = None
    """The cycle in which its last HTP op ends, counted likewise."""
    shape: str = ""
    data_type: str = ""
    node: str = ""
    """The ONNX node that it belongs to, if known."""
    module: str | None = None
    """Path of the module that the node belongs to; empty for the root."""
    source: str = ""
    """File and line of the program, as in `net.py:96`."""
    packets: Packets | None = None

    @property
    def stalls(self) -> bool:
        """Whether the same work takes, on average, at least twice the cycles per packet of its best run."""
        return self.packets is not None and self.packets.mean >= _STALL * self.packets.best
