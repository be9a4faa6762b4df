"""`qhas profile`: one network on one SoC or several, without a sweep file."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Annotated

import typer
from pydantic import ValidationError

from qhas.cli.frame import Exit, command
from qhas.cli.options import JsonOption, RunIdOption, SiteOption
from qhas.cli.running import Request, run_and_show
from qhas.documents import describe
from qhas.failures import InvalidInput
from qhas.machine.secrets import name_in
from qhas.naming import safe_name
from qhas.runs.stored import new_run_id
from qhas.site import load_site
from qhas.sweep.spec import INPUT_WORDS, RANDOM_INPUTS, ModelRef, PrepareOptions, SweepSpec


@command
def profile(
    dlc: str,
    soc: Annotated[list[str], typer.Option(help="SoC, e.g. sm8750; repeat it for more.")],
    inputs: Annotated[
        str,
        typer.Option(
            help="`random`, an input list, or `none`: only the estimate of a simulated SoC, without execution."
        ),
    ] = RANDOM_INPUTS,
    native_inputs: Annotated[
        bool, typer.Option("--native-inputs", help="The list's files are of the inputs' own types.")
    ] = False,
    optimization_level: Annotated[int | None, typer.Option(help="1, 2 or 3.")] = None,
    vtcm_mb: Annotated[int | None, typer.Option(help="VTCM in MB; 0 is the SoC's maximum.")] = None,
    hvx_threads: Annotated[int | None, typer.Option(help="HVX threads the graph may use.")] = None,
    dlbc: Annotated[bool | None, typer.Option(help="Lossless bandwidth compression.")] = None,
    site: SiteOption = None,
    run_id: RunIdOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Profile one network on one or more SoCs."""
    name = safe_name(PurePath(name_in(dlc)).stem)
    options = {
        "optimization_level": optimization_level,
        "vtcm_mb": vtcm_mb,
        "hvx_threads": hvx_threads,
        "dlbc": dlbc,
    }
    try:
        spec = SweepSpec(
            name=name,
            models=[
                ModelRef(
                    name=name,
                    dlc=absolute(dlc),
                    inputs=inputs if inputs in INPUT_WORDS else absolute(inputs),
                    native_inputs=native_inputs,
                )
            ],
            socs=soc,
            prepare=PrepareOptions.model_validate(options),
        )
    except ValidationError as error:
        raise InvalidInput(f"These options are not valid: {describe(error)}.") from error
    request = Request(spec, load_site(site), site, run_id or new_run_id(name), as_json)
    return run_and_show(request, direct=True)


def absolute(address: str) -> str:
    """A path or URL as it holds from any folder. Raises InvalidInput for what cannot be a path."""
    try:
        return address if "://" in address else str(Path(address).expanduser().resolve())
    except (RuntimeError, ValueError, OSError) as error:  # no such home, a NUL, a loop of links
        raise InvalidInput(f"{address!r} cannot be a path: {error}.") from error
