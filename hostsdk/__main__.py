"""`python -m hostsdk root` makes and prints the SDK's directory, `check` says whether it can work here, `socs` lists SoCs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

from hostsdk import layout, socs
from hostsdk.errors import ToolError


def main(argv: Sequence[str]) -> int:
    """Exit code 0 when the SDK is usable, 1 with one sentence on stderr when not."""
    parser = argparse.ArgumentParser(prog="python -m hostsdk", description=__doc__)
    parser.add_argument("action", choices=("root", "check", "socs"))
    action = parser.parse_args(argv).action
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
