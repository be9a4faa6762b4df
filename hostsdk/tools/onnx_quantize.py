"""onnx-quantize: quantise a float ONNX network by the ranges that its tensors have on given inputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hostsdk import input_list, layout
from hostsdk.child import run_job
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.publish import publish, scratch_in
from hostsdk.tools import command
from hostsdk.tools.options import Options, whole_number
from hostsdk.tools.shape_options import add_shape_options, shapes

MIXED = "mixed"
_NAMED_AT_MOST = 8


def main(argv: Sequence[str]) -> int:
    """Return 0 with the network in place, or 1 with one error line and no network."""
    return command.run(_quantise, argv)


def _options() -> Options:
    options = Options(
        "onnx-quantize", "Quantise a float ONNX network with the ranges observed on the inputs of a list."
    )
    options.add_argument("-i", "--input_network", required=True, type=Path, metavar="ONNX")
    options.add_argument("-o", "--output_path", required=True, type=Path, metavar="ONNX")
    options.add_argument(
        "-l", "--input_list", required=True, type=Path, metavar="LIST", help="files of float32 values"
    )
    options.add_argument(
        "--weights_bitwidth", type=whole_number(4, 8), default=8, metavar="BITS", help="8, or 4"
    )
    options.add_argument(
        "--act_bitwidth",
        choices=("8", "16", MIXED),
        default="8",
        metavar="BITS",
        help="8, 16, or mixed: 8, and 16 where 8 bits harm the outputs most",
    )
    add_shape_options(options)
    return options


def _quantise(argv: Sequence[str]) -> None:
    chosen = _options().parse_args(argv)
    network: Path = chosen.input_network
    output: Path = chosen.output_path
    if chosen.weights_bitwidth not in (4, 8):
        raise ToolError(
            ErrorCode.INVALID_PARAMETER,
            f"{chosen.weights_bitwidth} bits are not supported, only 4 and 8.",
            "Command Line",
        )
    if not network.is_file():
        raise ToolError(ErrorCode.MISSING_FILE, f"the network {network} does not exist.", "Quantizer")
    lines = [
        {each.name or "": str(Path(each.path).resolve()) for each in inference}
        for inference in input_list.parse(chosen.input_list).inferences
    ]
    print(f"{layout.sdk().banner}\n[INFO] Quantizing {network} on {len(lines)} inputs", flush=True)
    with scratch_in(output.parent) as scratch:
        request = {
            "onnx": str(network.resolve()),
            "list": lines,
            "weights": chosen.weights_bitwidth,
            "activations": chosen.act_bitwidth if chosen.act_bitwidth == MIXED else int(chosen.act_bitwidth),
            **shapes(chosen),
        }
        result = run_job("quantise", request, scratch)
        if result["data"]:
            publish(Path(result["data"]), output.with_name(Path(result["data"]).name))
        publish(Path(result["onnx"]), output)
    if chosen.act_bitwidth == MIXED:
        print(f"[INFO] {_lifted(result['lifted'], result['activations'])}")
    print(f"[INFO] Quantization complete: {output}")


def _lifted(names: Sequence[str], activations: int) -> str:
    share = f"{len(names)} of {activations} activations have 16 bits"
    if not names:
        return f"{share}: 8 bits lose nothing."
    return f"{share}: {', '.join(names[:_NAMED_AT_MOST])}{' ...' if len(names) > _NAMED_AT_MOST else ''}"
