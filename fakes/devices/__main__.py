"""`python -m fakes.devices phone FOLDER` or `board FOLDER` runs a fake device until Ctrl-C; prints how to reach it."""

import argparse
import signal
import sys
from pathlib import Path

from . import Board, Phone, board, phone


def main() -> int:
    """Run a fake device; return 0 after Ctrl-C or SIGTERM, 2 if the device cannot run here."""
    parser = argparse.ArgumentParser(prog="python -m fakes.devices", description=__doc__)
    parser.add_argument("kind", choices=("phone", "board"))
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a directory that is absent or empty")
    parser.add_argument("--soc", help="sm8750 for a phone, qcs9100 for a board")
    parser.add_argument("--data-bytes", type=int, help="size of the file system for jobs")
    arguments = parser.parse_args()
    why = phone.why_unavailable() if arguments.kind == "phone" else board.why_unavailable()
    if why:
        print(why, file=sys.stderr)
        return 2
    try:
        return _serve(arguments)
    except (OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 2


def _serve(arguments: argparse.Namespace) -> int:
    stops = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    if arguments.kind == "phone":
        with Phone.start(
            arguments.folder, arguments.soc or "sm8750", data_bytes=arguments.data_bytes
        ) as device:
            print(f"adb connect {device.serial}", flush=True)
            signal.sigwait(stops)
    else:
        with Board.start(
            arguments.folder, arguments.soc or "qcs9100", data_bytes=arguments.data_bytes
        ) as server:
            print(f"ssh -F {server.ssh_config} {server.host}", flush=True)
            signal.sigwait(stops)
    return 0


if __name__ == "__main__":
    sys.exit(main())
