"""One network on one SoC."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows import parameters as asked
from flows.sweep import run_id_of_flow_run, run_sweep
from qhas.machine.secrets import name_in
from qhas.naming import safe_name
from qhas.sweep.spec import ModelRef, PrepareOptions, RunOptions, SweepSpec, TraceFeatures


def _network(dlc: str) -> str:
    return safe_name(PurePosixPath(name_in(dlc)).stem)


def _flow_run_name() -> str:
    return f"{_network(flow_run.parameters['dlc'])} on {flow_run.parameters['soc']}"


@flow(name="profile", flow_run_name=_flow_run_name, persist_result=False)
async def profile(
    dlc: asked.Address = asked.DLC,
    soc: asked.AnySoc = asked.SOC_OF_CELL,
    inputs: asked.Address = asked.INPUTS,
    prepare: PrepareOptions = asked.PREPARE,
    run: RunOptions = asked.RUN,
    trace: TraceFeatures = asked.TRACE,
    site: asked.OptionalPath = asked.SITE,
    run_id: asked.OptionalName = asked.RUN_ID,
) -> State[Any]:
    """Profile one network on one SoC: chrometrace, QHAS summary and the numbers."""
    name = _network(dlc)
    field = "onnx" if name_in(dlc).lower().endswith(".onnx") else "dlc"
    spec = SweepSpec(
        name=name,
        models=[ModelRef.model_validate({"name": name, field: dlc, "inputs": inputs})],
        socs=[soc],
        prepare=prepare,
        run=run,
        trace=trace,
    )
    return await run_sweep(spec, site, run_id or run_id_of_flow_run(name))
