"""QHAS files of small networks as a device's viewer would write them, with every section and consistent figures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

from fakes.profiles import core, qhas
from qhas.profile.qhas_file import QhasFile, parse_qhas

CYCLES_A_US = 1400
WEIGHTS = "q::weights_to_vtcm"


@dataclass(frozen=True)
class Made:
    """An op of a network: its share of the dominant path, and the HTP ops it became, counted by type."""

    name: str
    type: str = "Conv2d"
    dominant: int = 100_000
    dram: int = 50_000
    kinds: dict[str, int] = field(default_factory=lambda: {"q::ConvLayer.opt": 4})
    dtype: str = "QUInt8"
    dims: tuple[int, ...] = (1, 8, 8, 32)
    hmx: bool = True

    @property
    def cycles(self) -> int:
        """Cycles of work: three threads', most of them hidden behind others."""
        return 3 * self.dominant


def document(ops: list[Made], *, idle: int = 10_000, **changes: Any) -> dict[str, Any]:
    """The whole file. `changes` replace fields of the overall summary; the timeline is the ops plus idle cycles."""
    timeline = sum(op.dominant for op in ops) + idle
    execute = timeline // CYCLES_A_US
    dram = sum(op.dram for op in ops)
    instances = [row for place, op in enumerate(ops) for row in _instances(place, op)]
    types = _types(instances)
    overall = core(
        timeline_cycles=timeline,
        percent_idle=100 * idle / timeline,
        percent_utilization=100 - 100 * idle / timeline,
        graph_execute_us=execute,
        time_us=execute + 300,
        total_dram_read=dram,
        total_dram_write=0,
        total_dram=dram,
        qnn_nodes=len(ops),
        unique_htp_ops=len(types),
        htp_resources={"data": list(_resources(sum(row["cycles"] for row in instances)))},
    )
    return qhas(
        htp_overall_summary=[overall | changes],
        qnn_op_instances_nodes=[_node(op) for op in ops],
        htp_op_types=types,
        htp_op_instances=instances,
        dominant_path_htp_0=[
            *(_step("q::any", op.name, op.dominant) for op in ops),
            _step("Accumulated Idle", "", idle),
        ],
    )


def _resources(cycles: int) -> Iterator[dict[str, Any]]:
    """Rows of two threads that used `cycles` in total."""
    for row in core()["htp_resources"]["data"]:
        yield row | {"cycles_used": cycles // 2}


def made(ops: list[Made], *, idle: int = 10_000, name: str = "qhas.json", **changes: Any) -> QhasFile:
    """The file as read."""
    return parse_qhas(json.dumps(document(ops, idle=idle, **changes)).encode(), name)


def _node(op: Made) -> dict[str, Any]:
    return {
        "qnn_op": op.name,
        "qnn_op_type": op.type,
        "cycles": op.cycles,
        "num_dominant_path_cycles_htp_0": op.dominant,
        "num_htp_ops": 1 + sum(op.kinds.values()),
        "dram_read": op.dram,
        "dram_write": 0,
        "vtcm_read": 3,
        "vtcm_write": 4,
    }


def _instances(place: int, op: Made) -> list[dict[str, Any]]:
    """Rows of weights and tiles: the first type of HTP op reads the weights, each later one the type before it."""
    total = 1 + sum(op.kinds.values())
    rows = [_instance(op, WEIGHTS, _op_id(0, place), (9,), [], total)]
    for kind, count in op.kinds.items():
        sources = [row["op_id"] for row in rows if row["htp_op"] == rows[-1]["htp_op"]]
        rows += [
            _instance(
                op, kind, _op_id(len(rows) + tile, place), (1, 1, prod(op.dims) // count), sources, total
            )
            for tile in range(count)
        ]
    return rows


def _instance(
    op: Made, kind: str, op_id: str, dims: tuple[int, ...], sources: list[str], total: int
) -> dict[str, Any]:
    return {
        "htp": 0,
        "op_id": op_id,
        "input_nodes": sources,
        "htp_op": kind,
        "qnn_op": op.name,
        "qnn_op_type": op.type,
        "dtype": op.dtype,
        "dims": list(dims),
        "cycles": op.cycles // total,
        "num_dominant_path_cycles": op.dominant // total,
        "cycles_per_packet": 3.5,
        "fmt_change": "ForceFormat" in kind,
        "ref_op": kind.endswith(".ref"),
        "hmx": op.hmx,
    }


def _op_id(number: int, place: int) -> str:
    return f"{(number + 1) << 32 | place:#x}"


def _types(instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kinds = {
        row["htp_op"]: [other for other in instances if other["htp_op"] == row["htp_op"]] for row in instances
    }
    return [
        {
            "op": kind,
            "cycles": sum(row["cycles"] for row in rows),
            "num_dominant_path_cycles_htp_0": sum(row["num_dominant_path_cycles"] for row in rows),
            "instances": len(rows),
            "format_change": rows[0]["fmt_change"],
            "reference_op": rows[0]["ref_op"],
        }
        for kind, rows in kinds.items()
    ]


def _step(htp_op: str, qnn_op: str, cycles: int) -> dict[str, Any]:
    return {"op_id": "0x1", "htp_op": htp_op, "qnn_op": qnn_op, "dp_cycles": cycles, "cycles": cycles}
