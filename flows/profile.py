"""One network on one SoC."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.sweep import run_id_of_flow_run, run_sweep
from qhas.naming import SocName, safe_name
from qhas.spec import RANDOM_INPUTS, ModelRef, PrepareOptions, RunOptions, SweepSpec, TraceFeatures


@flow(name="profile", flow_run_name="{dlc} on {soc}", persist_result=False)
async def profile(
    dlc: str,
    soc: SocName,
    inputs: str = RANDOM_INPUTS,
    prepare: PrepareOptions | None = None,
    run: RunOptions | None = None,
    trace: TraceFeatures | None = None,
    site: str | None = None,
    run_id: str | None = None,
) -> State[Any]:
    """Profile one network on one SoC: chrometrace, QHAS summary and the numbers.

    `dlc` is an un-cached DLC, `inputs` is `random` or an input list; both are paths or fsspec URLs as the worker sees
    them. `site` is the path of a site.yaml on the worker.
    """
    name = safe_name(PurePosixPath(dlc).stem)
    spec = SweepSpec(
        name=name,
        models=[ModelRef(name=name, dlc=dlc, inputs=inputs)],
        socs=[soc],
        prepare=prepare or PrepareOptions(),
        run=run or RunOptions(),
        trace=trace or TraceFeatures(),
    )
    return await run_sweep(spec, site, run_id or run_id_of_flow_run(name))
