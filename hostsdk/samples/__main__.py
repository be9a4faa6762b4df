"""`python -m hostsdk.samples --output_dir DIR`: write the sample networks, and inputs to run them on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

NETWORKS = ("inception_v1", "inception_v2", "resnet50", "squeezenet", "shufflenet", "densenet121")


def main(argv: Sequence[str]) -> int:
    """Return 0 with every network written or 1 with one sentence on stderr; exit with 2 for a wrong command line."""
    parser = argparse.ArgumentParser(prog="python -m hostsdk.samples", description=__doc__)
    parser.add_argument("--output_dir", required=True, type=Path, metavar="DIR")
    parser.add_argument("--networks", default=",".join(NETWORKS), metavar="A[,B]", help="default: all six")
    parser.add_argument(
        "--inputs", type=int, default=0, metavar="N", help="also N raw inputs per network and an input list"
    )
    parser.add_argument(
        "--float", action="store_true", help="in floats, each with a folder of images for calibration"
    )
    chosen = parser.parse_args(argv)
    networks = chosen.networks.split(",")
    unknown = [name for name in networks if name not in NETWORKS]
    if unknown:
        parser.error(f"unknown network {unknown[0]!r}: choose from {', '.join(NETWORKS)}")
    try:
        from hostsdk.samples.build import build, build_float, write_inputs
    except ImportError as error:
        from hostsdk.wheel import INSTALL

        print(f"The sample networks need {error.name}: run {INSTALL}.", file=sys.stderr)
        return 1
    chosen.output_dir.mkdir(parents=True, exist_ok=True)
    for name in networks:
        print((build_float if chosen.float else build)(name, chosen.output_dir), flush=True)
        if chosen.inputs:
            write_inputs(name, chosen.inputs, chosen.output_dir)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
