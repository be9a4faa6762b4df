"""A grid of networks, SoCs and options, filled in as a form."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field, ValidationError

from flows import parameters as asked
from flows.sweep import run_id_of_flow_run, run_sweep
from qhas.documents import describe
from qhas.failures import InvalidInput
from qhas.naming import Name, SocName
from qhas.sweep.spec import ModelRef, PrepareOptions, RunOptions, SweepSpec, TraceFeatures, Variants


@flow(name="batch-profile", flow_run_name="{name}", persist_result=False)
async def batch_profile(
    models: Annotated[list[ModelRef], Field(min_length=1)] = asked.NETWORKS,
    socs: list[asked.KnownSoc] = asked.SOCS,
    other_socs: list[SocName] = asked.OTHER_SOCS,
    variants: Variants = asked.GRID,
    prepare: PrepareOptions = asked.PREPARE,
    run: RunOptions = asked.RUN,
    trace: TraceFeatures = asked.TRACE,
    name: Name = asked.BATCH_NAME,
    site: asked.OptionalPath = asked.SITE,
    run_id: asked.OptionalName = asked.RUN_ID,
) -> State[Any]:
    """Profile every network on every SoC in every combination of the grid. Raises InvalidInput before anything runs."""
    try:
        spec = SweepSpec(
            name=name,
            models=models,
            socs=[*socs, *other_socs],
            variants=variants,
            prepare=prepare,
            run=run,
            trace=trace,
        )
    except ValidationError as error:
        raise InvalidInput(f"The batch is not valid: {describe(error)}.") from error
    return await run_sweep(spec, site, run_id or run_id_of_flow_run(name))
