"""onnx-check: report which operations of an ONNX network the HTP of each SoC accepts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from hostsdk import layout, socs, wheel
from hostsdk.child import run_job
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.publish import publish, scratch_in
from hostsdk.tools import command
from hostsdk.tools.options import Options, names
from hostsdk.tools.shape_options import add_shape_options, shapes


def main(argv: Sequence[str]) -> int:
    """Return 0 with the answer in place, even if the HTP rejects operations; 1 with one error line and no answer."""
    return command.run(_check, argv)


def _options() -> Options:
    options = Options(
        "onnx-check", "List which operations of an ONNX network the HTP of each SoC supports, as JSON."
    )
    options.add_argument("-i", "--input_network", required=True, type=Path, metavar="ONNX")
    options.add_argument("-o", "--output_path", required=True, type=Path, metavar="JSON")
    options.add_argument("--htp_socs", required=True, type=names, metavar="SOCS", help="as in sa8255,sm8750")
    add_shape_options(options)
    return options


def _check(argv: Sequence[str]) -> None:
    chosen = _options().parse_args(argv)
    network: Path = chosen.input_network
    output: Path = chosen.output_path
    if not network.is_file():
        raise ToolError(ErrorCode.MISSING_FILE, f"the network {network} does not exist.", "Converter")
    numbers = {name: socs.find(name, "--htp_socs").soc_model for name in chosen.htp_socs}
    print(f"{layout.sdk().banner}\n[INFO] Checking {network}", flush=True)
    with scratch_in(output.parent) as scratch:
        request = {
            "library_dir": str(wheel.own().directory),
            "onnx": str(network.resolve()),
            "socs": numbers,
            **shapes(chosen),
        }
        answer = run_job("support", request, scratch)
        answer_file = scratch / "answer.json"
        answer_file.write_text(
            json.dumps({key: answer[key] for key in ("nodes", "macs", "socs")}), encoding="utf-8"
        )
        publish(answer_file, output)
