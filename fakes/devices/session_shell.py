"""The login shell of a board's user: asks the board's daemon whether to run a command, then stays out of its way.

`Board` copies this file into the board, below a line that names the interpreter. Standard library only, and no slow
imports: they are part of every command's latency.
"""

import os
import signal
import socket
import sys

SHELL = "/busybox/sh"
LINE = "/run/board/sessions"
GREETING = "/run/board/greeting"
"""The file, if any, with what a profile prints on both streams before every command."""
GO = b"g"
_CLEARED = (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGXFSZ)


def main(argv: list[str]) -> int:
    """Run the shell with `argv` and return its exit code; if a signal killed the shell, die by the same signal."""
    line = socket.socket(socket.AF_UNIX)
    line.connect(LINE)
    line.sendall(os.fsencode(argv[1] if argv[:1] == ["-c"] else "") + b"\0")
    if line.recv(1) != GO:
        return 255
    _greet()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    environment = {
        name: value for name, value in os.environ.items() if name != "LC_CTYPE"
    }  # Python's addition
    pid = os.posix_spawn(SHELL, ["sh", *argv], environment, setsigdef=_CLEARED)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):  # so that they close when the command closes them
        os.dup2(nothing, descriptor)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    line.sendall(str(code if code >= 0 else 128 - code).encode())
    line.close()
    if code < 0:
        if code != -signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def _greet() -> None:
    try:
        greeting = os.open(GREETING, os.O_RDONLY)
    except FileNotFoundError:
        return
    text = os.read(greeting, 1 << 20)
    os.close(greeting)
    for descriptor in (1, 2):
        os.write(descriptor, text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
