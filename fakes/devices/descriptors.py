"""File descriptors of sockets and terminals, read and written from an event loop."""

import asyncio
import fcntl
import os
import struct
import termios

_CHUNK = 65536


class Descriptor:
    """A non-blocking descriptor. Once it is closed at either side, reads and writes end without an error."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.open = True
        self._waiting: set[asyncio.Future[None]] = set()
        os.set_blocking(number, False)

    async def read(self) -> bytes:
        """Return the next bytes, or none at the end."""
        while self.open:
            try:
                return os.read(self.number, _CHUNK)
            except BlockingIOError:
                await self.readable()
            except OSError:  # EIO: no process holds the terminal any more; ECONNRESET
                break
        return b""

    async def write(self, data: bytes) -> None:
        """Write all of the data, or as much as the other side accepts before it closes."""
        while data and self.open:
            written = self.write_some(data)
            data = data[written:]
            if data and self.open:
                await self._ready(writing=True)

    def write_some(self, data: bytes) -> int:
        """Write what fits without waiting and return its size; with no reader, all counts as written."""
        try:
            return os.write(self.number, data) if self.open else len(data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)

    async def readable(self) -> None:
        """Wait until there is something to read, or for `close`."""
        await self._ready(writing=False)

    def resize(self, *size: int) -> None:
        """Set a terminal's size: rows, columns, width and height in pixels."""
        if self.open:
            fcntl.ioctl(self.number, termios.TIOCSWINSZ, struct.pack("4H", *size))

    def close(self) -> None:
        """Close the descriptor and wake whatever waits for it."""
        if not self.open:
            return
        self.open = False
        loop = asyncio.get_running_loop()
        loop.remove_reader(self.number)
        loop.remove_writer(self.number)
        os.close(self.number)
        for waiting in self._waiting:
            _wake(waiting)

    async def _ready(self, *, writing: bool) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        add, remove = (
            (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
        )
        add(self.number, _wake, ready)
        self._waiting.add(ready)
        try:
            await ready
        finally:
            self._waiting.discard(ready)
            if self.open:
                remove(self.number)


def _wake(waiting: "asyncio.Future[None]") -> None:
    if not waiting.done():
        waiting.set_result(None)
