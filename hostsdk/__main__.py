"""`python -m hostsdk root` makes and prints the SDK's directory, `check` says whether it can work here, `socs` lists SoCs.

`python -m hostsdk join OUT.dlc A.dlc B.dlc` makes one DLC of several networks, a graph each.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from hostsdk import layout, socs
from hostsdk.dlc.dlc import Dlc
from hostsdk.errors import ToolError
from hostsdk.publish import publish, scratch_in


def main(argv: Sequence[str]) -> int:
    """Exit code 0 when the SDK is usable, 1 with one sentence on stderr when not."""
    parser = argparse.ArgumentParser(prog="python -m hostsdk", description=__doc__)
    parser.add_argument("action", choices=("root", "check", "socs", "join"))
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="DLC", help="of join: what to make, then of what"
    )
    asked = parser.parse_args(argv)
    action = asked.action
    if (action == "join") != bool(asked.files) or (action == "join" and len(asked.files) < 3):
        parser.error("join takes the DLC to make and two or more to make it of, and the others take none")
    if action == "join":
        return _join(*asked.files)
    if action == "socs":
        print("\n".join(_soc_lines()))
        return 0
    try:
        sdk = layout.sdk()
    except ToolError as error:
        print(error.message, file=sys.stderr)
        return 1
    print(
        sdk.root
        if action == "root"
        else f"The host SDK {layout.version(sdk.build_id)} is ready at {sdk.root}."
    )
    return 0


def _join(target: Path, first: Path, *others: Path) -> int:
    try:
        for path in (first, *others):
            Dlc(path).check()
        with scratch_in(target.parent) as scratch:
            made = scratch / target.name
            shutil.copyfile(first, made)
            Dlc(made).join(others)
            publish(made, target)
    except ToolError as error:
        print(error.message, file=sys.stderr)
        return 1
    return 0


def _soc_lines() -> Iterator[str]:
    """Name, Hexagon version, VTCM and whether times can be estimated, a SoC a line, separated by tabs."""
    for soc in socs.table().values():
        if soc.arch >= socs.OLDEST_ARCH:
            estimate = (
                "supported" if soc.estimate_supported else "unsupported" if soc.has_cost_model else "none"
            )
            yield f"{soc.name}\tv{soc.arch}\t{soc.vtcm_mb or '-'}\t{estimate}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
