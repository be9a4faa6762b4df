"""`python -m fakes.sdk ROOT` makes a fake SDK and prints how to select it."""

import argparse
import shlex
import sys
from pathlib import Path

from . import build_fake_sdk


def main() -> int:
    """Build a fake SDK; return 0, or 2 if ROOT or the version is refused."""
    parser = argparse.ArgumentParser(prog="python -m fakes.sdk", description=__doc__)
    parser.add_argument("root", type=Path, metavar="ROOT", help="a directory that is absent or empty")
    parser.add_argument("--version", default="2.48.0.260101", help="major.minor.patch.date (%(default)s)")
    arguments = parser.parse_args()
    try:
        root = build_fake_sdk(arguments.root, version=arguments.version)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"export QNN_SDK_ROOT={shlex.quote(str(root))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
