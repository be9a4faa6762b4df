"""The fake phone as seen through the real adb."""

import subprocess
import time
from collections.abc import Callable

from fakes.devices import AdbServer, Phone

SCRATCH = "/data/local/tmp"
Adb = Callable[..., "subprocess.CompletedProcess[bytes]"]


def connected(server: AdbServer, phone: Phone) -> Adb:
    server.connect(phone)
    return lambda *words, **options: server.adb("-s", phone.serial, *words, **options)


def until(met: Callable[[], bool], seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.01)


def in_background(server: AdbServer, phone: Phone, command: str) -> "subprocess.Popen[bytes]":
    argv = ["adb", "-P", str(server.port), "-s", phone.serial, "shell", command]
    return subprocess.Popen(argv, env=server.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
