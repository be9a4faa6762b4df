"""The daemon's end of the line to the test: one JSON request a line on its standard input, one answer a line.

When the line is cut, because the test ended or died, the device ends with every process in it.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from .occupants import evict, namespace_of

Answer = Callable[[dict[str, Any]], None]


def run_device(main: Coroutine[Any, Any, None], outside: int) -> None:
    """Run a daemon to its end, which ends every process of its mount namespace, and leave at once.

    `outside` is the number of the host's mount namespace, in which a daemon would do harm: there it is refused.
    """
    if namespace_of("self") == outside:
        main.close()
        sys.exit("not in a mount namespace of its own: start it below `unshare --mount`")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the test's terminal is the test's matter
    asyncio.run(_run_and_leave(main))


async def _run_and_leave(main: Coroutine[Any, Any, None]) -> None:
    code = 1
    try:
        await main
        code = 0
    except (OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
    evict(namespace_of("self"), but=os.getpid())
    os._exit(code)


async def obey(answer: Answer, port: int) -> None:
    """Say that the device is up at `port`, then serve requests until the line is cut. Raises nothing of a request's."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say({"port": port})
    while line := await reader.readline():
        try:
            answer(json.loads(line))
            _say({})
        except (OSError, ValueError) as error:
            _say({"error": str(error)})


def _say(reply: dict[str, Any]) -> None:
    os.write(1, (json.dumps(reply) + "\n").encode())
