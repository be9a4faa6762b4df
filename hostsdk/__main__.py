"""`python -m hostsdk root` makes and prints the SDK's directory; `python -m hostsdk check` says whether it can work here."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hostsdk import layout
from hostsdk.errors import ToolError


def main(argv: Sequence[str]) -> int:
    """Exit code 0 when the SDK is usable, 1 with one sentence on stderr when not."""
    parser = argparse.ArgumentParser(prog="python -m hostsdk", description=__doc__)
    parser.add_argument("action", choices=("root", "check"))
    action = parser.parse_args(argv).action
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
