"""Give each emulation one core of its own.

The emulator runs the HTP's threads as host threads that constantly hand over to each other. On two cores that costs
more than it gains, and two emulations sharing two cores slow each other down several times (measured: 4.0 s alone on
one core, 4.3 s alone on two, 16 s beside another one).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hostsdk.locks import lock, open_lock, own_directory


@contextmanager
def own_core(locks: Path | None = None) -> Iterator[int | None]:
    """Bind this process to a core that no other emulation of this user has, and yield the core's number.

    Yields None and leaves the process as it is if no core is free, or if the folder of the locks is unusable or not
    this user's alone. The kernel frees the core when the process dies.
    """
    folder = locks or Path(tempfile.gettempdir()) / f"hostsdk-cores-{os.geteuid()}"
    allowed = os.sched_getaffinity(0)
    with ExitStack() as held:
        core = _take(folder, sorted(allowed), held)
        if core is not None:
            os.sched_setaffinity(0, {core})
            held.callback(os.sched_setaffinity, 0, allowed)
        yield core


def _take(folder: Path, cores: list[int], held: ExitStack) -> int | None:
    try:
        with own_directory(folder) as directory:
            for core in cores:
                if _lock(f"{core}.lock", directory, held):
                    return core
    except OSError:
        return None
    return None


def _lock(name: str, directory: int, held: ExitStack) -> bool:
    try:
        descriptor = open_lock(name, directory)
    except OSError:
        return False
    if not lock(descriptor):
        os.close(descriptor)
        return False
    held.callback(os.close, descriptor)
    return True
