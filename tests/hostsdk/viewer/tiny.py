"""A graph of four ops small enough to compute by hand, as log and schematic.

    cycle     0    10        30   40             80         100       120  126
    FG 0      [DMA start]
    DMA 5          [ input    ]                        [ output (from 90)  ]
    HMX 0                         [ convolution  ]
    HVX 1                                  [ relu (from 60)  ]

The simulator says 126 cycles at 63 MHz: 2 us.
"""

from __future__ import annotations

import json
from typing import Any

from tests.hostsdk.viewer.log_writer import chunk, event, message, trace_object

GRAPH = "tiny"
CYCLES = 126
CORE_MHZ = 63.0
INPUT, CONV, RELU, OUTPUT = 0x10000000002, 0x20000000010, 0x30000000011, 0x40000000003
HOSTILE_NAME = "relu<script>alert('1')</script>"


def op(
    name: str,
    op_id: int,
    tid: int,
    start: int,
    cycles: int,
    flag: str,
    moved: tuple[int, int, int, int] = (0, 0, 0, 0),
    is_dma: int = 0,
) -> dict[str, Any]:
    keys = ("dram_read", "dram_write", "vtcm_read", "vtcm_write")
    bandwidth = {**dict(zip(keys, moved, strict=True)), "is_dma": is_dma}
    args = {"id": f"{op_id:#x}", "flags": [flag], "bw_info": bandwidth}
    return {"name": name, "ph": "X", "pid": 0, "tid": tid, "ts": start, "dur": cycles, "args": args}


OPS = [
    op("default_dma_start (q::*InputSlice)", INPUT, 0, 0, 10, "scalar", (100, 0, 0, 100), 1),
    op("default_dma (q::*InputSlice)", INPUT, 5, 10, 20, "for_dma", (100, 0, 0, 100), 1),
    op("q::ConvLayer_s1.opt", CONV, 0, 40, 40, "uses_hmx", (0, 0, 100, 50)),
    op("q::Relu_ref", RELU, 1, 60, 40, "for_hvx", (0, 0, 50, 50)),
    op("default_dma (q::*OutputSlice)", OUTPUT, 5, 90, 30, "for_dma", (0, 40, 40, 0), 1),
]
_THREADS = {0: "FG:", 1: "HVX 1:", 5: "DMA:"}


def payload(ops: list[dict[str, Any]] | None = None, **extra: Any) -> dict[str, Any]:
    threads = [
        {"name": "thread_name", "ph": "M", "pid": 0, "tid": tid, "args": {"name": name}}
        for tid, name in _THREADS.items()
    ]
    usage = [
        {"name": "TCM usage", "ph": "C", "pid": 0, "ts": cycle, "args": {"Bytes": used}}
        for cycle, used in ((0, 0), (10, 100), (40, 150), (120, 0))
    ]
    configuration = {"soc_type": "SA8255", "sim_core_freq": CORE_MHZ}
    return {
        "traceEvents": threads + (OPS if ops is None else ops) + usage,
        "Hextimate Configuration": configuration,
        **extra,
    }


def log(
    trace: dict[str, Any] | None = None,
    graph: str = GRAPH,
    cycles: int | None = CYCLES,
    without_cost: int = 0,
    own: dict[int, int] | None = None,
) -> bytes:
    """Return a log as net-run writes it: the finalize message with the simulator's events, then one inference."""
    blob = trace_object(json.dumps(payload() if trace is None else trace).encode(), graph)
    simulated = [
        event("Simulated (Accelerator exec cycles)", 2006, cycles or 0, 3),
        event("Simulated (Accelerator exec time us)", 2019, 2),
        event("Bandwidth Stats", 2009, children=[event("Input Fill", 2011, 100, 2)]),
        event("Missing Ops (Number of Ops with no Costs associated)", 2017, without_cost),
        *(event("own", number, value) for number, value in (own or {}).items()),
    ]
    finalize = [
        event("QNN (finalize) time", 300, 88, 1, [event("Completion", 0, 45)]),
        *([event("Performance Estimates", 2004, children=simulated)] if cycles is not None else []),
        event("QNN Trace Hextimate Event", 600, unit=5, payload=blob),
    ]
    execute = [event("QNN (execute) time", 400, 420, 1, [event("conv:OpId_16 (cycles)", 404, 7, 3)])]
    return chunk([message(graph, finalize)]) + chunk([message(graph, execute, method=1)], header=False)


SCHEMATIC = f"""\
# a comment
graph_before_optimization = {{ # :::BEGIN:graph_before_optimization:::
\t0x0000000000000002: {{
\t\t'operation':'q::Input',
\t\t'inputs' : [],
\t}},
\t0x0000000000000010: {{
\t\t'operation':'q::QNN_Conv2d',
\t\t'inputs' : [
\t\t\t(0x2,0),
\t\t],
\t}},
\t0x0000000000000011: {{
\t\t'operation':'q::QNN_Relu',
\t\t'inputs' : [
\t\t\t(0x10,0),
\t\t],
\t}},
}}
# :::END:graph_before_optimization:::
graph_after_optimization = {{ # :::BEGIN:graph_after_optimization:::
\t0x0000000000000077: {{
\t\t'operation':'$Const',
# CONTENT HASH: a8fd749d
\t\t'inputs' : [],
\t\t'outputs' : [\t{{
\t\t\t'dtype': 'Int32', 'rank': 1,
\t\t\t\t'zero_offset': 0, 'stepsize': 1.0,
\t\t\t\t'dims': [4],
\t\t\t}},
\t\t],
\t}},
\t0x{INPUT:016x}: {{
\t\t'operation':'q::*InputSlice',
\t\t'inputs' : [],
\t\t'outputs' : [\t{{
\t\t\t'dtype': 'Float32', 'rank': 4,
\t\t\t\t'zero_offset': 0, 'stepsize': 1.0,
\t\t\t\t'dims': [1,8,8,3],
\t\t\t}},
\t\t],
\t}},
\t0x0000050000000010: {{
\t\t'operation':'q::Concat',
\t\t'inputs' : [
\t\t\t(0x{INPUT:x},0),
\t\t],
\t\t'outputs' : [\t{{
\t\t\t'dtype': 'Float32', 'rank': 4,
\t\t\t\t'zero_offset': 0, 'stepsize': 1.0,
\t\t\t\t'dims': [1,8,8,3],
\t\t\t}},
\t\t],
\t}},
\t0x{CONV:016x}: {{
\t\t'operation':'q::ConvLayer_s1.opt',
\t\t'splithist' : [ 0x10, 4, ((1,8,0),)],
\t\t'inputs' : [
\t\t\t(0x50000000010,0),
\t\t\t(0x77,0),
\t\t],
\t\t'outputs' : [\t{{
\t\t\t'dtype': 'QUInt8', 'rank': 4,
\t\t\t\t'zero_offset': 128, 'stepsize': 0.0359642431,
\t\t\t\t'dims': [1,8,8,32],
\t\t\t}},
\t\t],
\t}},
\t0x{RELU:016x}: {{
\t\t'operation':'q::Relu_ref',
\t\t'inputs' : [
\t\t\t(0x{CONV:x},0),
\t\t],
\t\t'outputs' : [\t{{
\t\t\t'dtype': 'QUInt8', 'rank': 4,
\t\t\t\t'zero_offset': -3, 'stepsize': 1e-05,
\t\t\t\t'dims': [1,8,8,32],
\t\t\t}},
\t\t],
\t}},
\t0x{OUTPUT:016x}: {{
\t\t'operation':'q::*OutputSlice',
\t\t'inputs' : [
\t\t\t(0x{RELU:x},0),
\t\t],
\t\t'outputs' : [
\t\t],
\t}},
}}
# :::END:graph_after_optimization:::
op_docstrings = {{ # :::BEGIN:op_docstrings:::atomic
\t0x{CONV:x}: 1,
}}
op_docstrings_key = [ # key for op_docstrings
\t"Something else",
  #[1]
\t"Conv2d with strides=(1,1) but there's more.",
]

# :::END:op_docstrings:::
qnn_name_translations = {{
0x0000000000000010: 'conv',
0x0000000000000011: '{HOSTILE_NAME}',
}}
qnn_graph_name = "{GRAPH}"
"""
