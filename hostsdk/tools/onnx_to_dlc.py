"""snpe-onnx-to-dlc: convert an ONNX network, quantised (QDQ) or float, to a DLC."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hostsdk import layout, wheel
from hostsdk.child import run_job
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.native.boundary import LAYOUTS
from hostsdk.publish import publish, scratch_in
from hostsdk.tools import command
from hostsdk.tools.options import Options
from hostsdk.tools.shape_options import add_shape_options, shapes


def main(argv: Sequence[str]) -> int:
    """Return 0 with the DLC in place, or 1 with one error line and no DLC."""
    return command.run(_convert, argv)


def _options() -> Options:
    options = Options(
        "snpe-onnx-to-dlc", "Convert an ONNX network to a DLC; every operation must run on the HTP."
    )
    options.add_argument("-i", "--input_network", required=True, type=Path, metavar="ONNX")
    options.add_argument(
        "-o", "--output_path", type=Path, metavar="DLC", help="default: the network's name with .dlc"
    )
    options.add_argument(
        "--op_trace",
        type=Path,
        metavar="JSON",
        help="also write which operations of the network became which, as reported by the provider",
    )
    options.add_argument(
        "--inner_outputs",
        type=Path,
        metavar="JSON",
        help="also output the intermediate tensors, and write which output holds which tensor",
    )
    add_shape_options(options)
    _add_boundary(options)
    return options


def _add_boundary(options: Options) -> None:
    for option, what in (("-l", "input"), (None, "output")):
        options.add_argument(
            *([option] if option else []),
            f"--{what}_layout",
            nargs=2,
            action="append",
            default=[],
            metavar=("NAME", "LAYOUT"),
            help=f"the layout an {what} has in the network ({', '.join(LAYOUTS)}): channels that come first become last, as the "
            "vendor's converter does; without it nothing is moved; repeatable",
        )
    options.add_argument(
        "--quantize_io",
        action="store_true",
        help="inputs and outputs of a network with quantising pairs are whole numbers, as the vendor's converter makes them",
    )


def _boundary(chosen: Any) -> dict[str, Any]:
    return {
        "inputs": dict(chosen.input_layout),
        "outputs": dict(chosen.output_layout),
        "quantised": chosen.quantize_io,
    }


def _convert(argv: Sequence[str]) -> None:
    chosen = _options().parse_args(argv)
    network: Path = (
        chosen.input_network
    )  # converted by the interpreter's own wheel: every generation reads its DLCs
    output: Path = chosen.output_path or network.with_suffix(".dlc")
    installed, sdk = wheel.own(), layout.sdk()
    if not network.is_file():
        raise ToolError(ErrorCode.MISSING_FILE, f"the network {network} does not exist.", "Converter")
    print(f"{sdk.banner}\n[INFO] Converting {network}", flush=True)
    with scratch_in(output.parent) as scratch:
        request = {
            "library_dir": str(installed.directory),
            "onnx": str(network.resolve()),
            **shapes(chosen),
            "boundary": _boundary(chosen),
            "inner": chosen.inner_outputs is not None,
        }
        result = run_job("convert", request, scratch)
        if chosen.op_trace and result["trace"]:
            publish(Path(result["trace"]), chosen.op_trace)
        if chosen.inner_outputs and result["inner"]:
            publish(Path(result["inner"]), chosen.inner_outputs)
        publish(Path(result["dlc"]), output)
    for warning in result["warnings"]:
        print(f"[WARN] {warning}")
    print(f"[INFO] Conversion complete: {output}")
