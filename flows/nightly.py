"""The nightly sweep, as described by a file on the worker."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from flows import parameters as asked
from flows.sweep import run_id_of_flow_run, run_sweep
from qhas.sweep.spec import Selection, load_sweep


def _flow_run_name() -> str:
    return PurePosixPath(flow_run.parameters["spec_file"]).stem


@flow(name="nightly-sweep", flow_run_name=_flow_run_name, persist_result=False)
async def nightly_sweep(
    spec_file: asked.SweepFile = asked.SPEC_FILE,
    select: Selection = asked.SELECTION,
    site: asked.OptionalPath = asked.SITE,
    run_id: asked.OptionalName = asked.RUN_ID,
) -> State[Any]:
    """Run a sweep file, or some of its cells. Raises InvalidInput before anything runs."""
    spec = load_sweep(Path(spec_file))
    if given := select.model_dump(exclude_defaults=True):
        spec = spec.model_copy(update={"select": spec.select.model_copy(update=given)})
    return await run_sweep(spec, site, run_id or run_id_of_flow_run(spec.name))
