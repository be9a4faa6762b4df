"""`qhas profile`: one network on one or more SoCs, without a sweep file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from qhas.cli.frame import Exit, command
from qhas.cli.options import JsonOption, RunIdOption, SiteOption
from qhas.documents import describe
from qhas.failures import InvalidInput
from qhas.machine.secrets import masked, name_in
from qhas.naming import safe_name
from qhas.site import load_site
from qhas.site.sdk import begin_to_find
from qhas.sweep.quantization import RANDOM_CALIBRATION, bits
from qhas.sweep.spec import INPUT_WORDS, RANDOM_INPUTS, ModelRef, PrepareOptions, SweepSpec, Variants

ONNX = ".onnx"
"""Suffix of a network that is converted first."""
ShapeOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="INPUT=SIZES",
        help="Shape of an ONNX input, as in image=1,3,224,224; repeat it for more inputs.",
    ),
]


@command
def profile(
    dlc: Annotated[
        str, typer.Argument(metavar="NETWORK", help="A DLC or an ONNX, which is converted first.")
    ],
    soc: Annotated[list[str], typer.Option(help="SoC, e.g. sm8750; repeat it for more.")],
    inputs: Annotated[
        str,
        typer.Option(
            help="`random`, an input list, or `none` to only estimate on a simulated SoC, without execution."
        ),
    ] = RANDOM_INPUTS,
    native_inputs: Annotated[
        bool, typer.Option("--native-inputs", help="The list's files have the inputs' own types.")
    ] = False,
    optimization_level: Annotated[int | None, typer.Option(help="1, 2 or 3.")] = None,
    vtcm_mb: Annotated[int | None, typer.Option(help="VTCM in MB; 0 is the SoC's maximum.")] = None,
    hvx_threads: Annotated[int | None, typer.Option(help="HVX threads the graph may use.")] = None,
    dlbc: Annotated[bool | None, typer.Option(help="Lossless bandwidth compression.")] = None,
    quantize: Annotated[
        list[str] | None,
        typer.Option(help="For an ONNX: w8a8, w8a16 or float; repeat it for a variant of each."),
    ] = None,
    calibration: Annotated[
        str, typer.Option(help="`random`, an input list, or a folder of .npy or .raw files.")
    ] = RANDOM_CALIBRATION,
    shape: ShapeOption = None,
    reference: Annotated[
        str,
        typer.Option(help="The float ONNX to compare outputs with; an ONNX is its own reference."),
    ] = "",
    accuracy: Annotated[
        bool, typer.Option(help="Compare outputs with ONNX Runtime's, if there is an ONNX.")
    ] = True,
    site: SiteOption = None,
    run_id: RunIdOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Profile one network on one or more SoCs."""
    lab_site = load_site(site)
    begin_to_find(lab_site.sdk)
    from qhas.cli.running import Request, run_and_show  # half of all imports, done while the host SDK answers
    from qhas.runs.stored import new_run_id

    name = safe_name(PurePath(name_in(dlc)).stem)
    options = {
        "optimization_level": optimization_level,
        "vtcm_mb": vtcm_mb,
        "hvx_threads": hvx_threads,
        "dlbc": dlbc,
    }
    try:
        spec = SweepSpec(
            name=series(name, quantize or []),
            models=[
                ModelRef(
                    name=name,
                    inputs=inputs if inputs in INPUT_WORDS else absolute(inputs),
                    native_inputs=native_inputs,
                    reference=absolute(reference) if reference else "",
                    accuracy=accuracy,
                    **source(dlc, quantize or [], calibration, shape or []),
                )
            ],
            socs=soc,
            variants=Variants(quantize=quantize if quantize and len(quantize) > 1 else []),
            prepare=PrepareOptions.model_validate(options),
        )
    except ValidationError as error:
        raise InvalidInput(f"These options are not valid: {describe(error)}.") from error
    except ValueError as error:
        raise InvalidInput(f"--quantize: {error}.") from error
    request = Request(spec, lab_site, site, run_id or new_run_id(spec.name), as_json)
    return run_and_show(request, direct=True)


def series(name: str, quantize: Sequence[str]) -> str:
    """Return the name under which the history keeps the figures; a grid is distinguished by its variants.

    A quantised network gets its own, so that it is not taken for a slower or less accurate float network.
    """
    return safe_name(f"{name}-{quantize[0]}") if len(quantize) == 1 and bits(quantize[0]) else name


def source(network: str, quantize: list[str], calibration: str, shapes: list[str]) -> dict[str, Any]:
    """Return the fields of a model that say what it is built from. Raises InvalidInput, ValueError."""
    is_onnx = name_in(network).lower().endswith(ONNX)
    if not is_onnx and (quantize or shapes):
        raise InvalidInput(
            f"{masked(network)} is not an {ONNX} file; --quantize and --shape apply only to an ONNX, as a DLC's are fixed."
        )
    if calibration != RANDOM_CALIBRATION and not any(map(bits, quantize)):
        raise InvalidInput(
            "--calibration is data for --quantize, but nothing is quantised; give --quantize too."
        )
    if not is_onnx:
        return {"dlc": absolute(network)}
    chosen = bits(quantize[0]) if quantize else None
    place = calibration if calibration == RANDOM_CALIBRATION else absolute(calibration)
    if len(quantize) > 1:
        chosen = {"weights": 8, "activations": 8}  # the bits come from the grid, the data from here
    return {
        "onnx": absolute(network),
        "shapes": shapes_of(shapes),
        "quantize": None if chosen is None else chosen | {"calibration": place},
    }


def shapes_of(texts: list[str]) -> dict[str, list[int]]:
    """Return the shapes given with `--shape`, by input. Raises InvalidInput."""
    return dict(map(_shape, texts))


def _shape(text: str) -> tuple[str, list[int]]:
    name, mark, sizes = text.rpartition("=")
    words = sizes.split(",")
    if not mark or not name or not all(word.strip().isdecimal() for word in words):
        raise InvalidInput(
            f"--shape {text!r} is not a shape; write an input and its sizes, as in image=1,3,224,224."
        )
    return name, [int(word) for word in words]


def absolute(address: str) -> str:
    """Return a URL as it is, or a path made absolute. Raises InvalidInput if it cannot be a path."""
    try:
        return address if "://" in address else str(Path(address).expanduser().resolve())
    except (RuntimeError, ValueError, OSError) as error:  # no such home directory, a NUL, a loop of links
        raise InvalidInput(f"{address!r} cannot be a path: {error}.") from error
