"""The daemon's end of the line to the test: JSON requests on standard input and answers, one per line.

When the line is cut, because the test finished or died, the device terminates with every process in it.
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
    """Run a daemon to completion, kill every other process in its mount namespace and exit immediately.

    `outside` is the number of the host's mount namespace, where a daemon would do harm: it is refused there.
    """
    if namespace_of("self") == outside:
        main.close()
        sys.exit("not in a mount namespace of its own: start it below `unshare --mount`")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the test's terminal is for the test
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
    """Report that the device is up at `port`, then serve requests until the line is cut.

    A request's OSError or ValueError is sent back as its answer.
    """
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
