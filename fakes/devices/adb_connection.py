"""One connection of an adb server to the phone: authentication and the streams in it."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from itertools import count

from .adb_protocol import (
    HEADER_SIZE,
    MAX_DATA,
    VERSION_WITH_CHECKSUM,
    VERSION_WITHOUT_CHECKSUM,
    Auth,
    Command,
    Header,
    Message,
    ProtocolError,
)

Serve = Callable[["Stream", str], Awaitable[None]]


class StreamClosed(Exception):
    """The client closed the stream, or the connection is gone."""


class Stream:
    """A service's two-way pipe. In both directions, each message is acknowledged before the next is sent."""

    def __init__(self, connection: "AdbConnection", number: int, remote: int) -> None:
        self.connection = connection
        self.gone = asyncio.Event()
        self._number = number
        self._remote = remote
        self._inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._acknowledged = asyncio.Event()
        self._acknowledged.set()
        self._turn = asyncio.Lock()
        self._when_gone: list[Callable[[], None]] = []

    async def read(self) -> bytes:
        """Return the client's next bytes. Raises StreamClosed at their end."""
        data = await self._inbox.get()
        if data is None:
            self._inbox.put_nowait(None)
            raise StreamClosed
        if not self.gone.is_set():
            self.accept()
        return data

    async def write(self, data: bytes) -> None:
        """Send bytes, each chunk once the client has acknowledged the one before. Raises StreamClosed."""
        async with self._turn:
            for begin in range(0, len(data), self.connection.max_data):
                await self._acknowledged.wait()
                if self.gone.is_set():
                    raise StreamClosed
                self._acknowledged.clear()
                self._send(Command.WRTE, data[begin : begin + self.connection.max_data])

    def accept(self) -> None:
        """Acknowledge the opening or the client's last message."""
        self._send(Command.OKAY)

    async def close(self) -> None:
        """Close the stream once the client has acknowledged everything."""
        async with self._turn:
            await self._acknowledged.wait()
            if not self.gone.is_set():
                self._send(Command.CLSE)
                self.close_now()

    def on_gone(self, act: Callable[[], None]) -> None:
        """Call `act` when the client goes away, or immediately if it is already gone."""
        if self.gone.is_set():
            act()
        else:
            self._when_gone.append(act)

    def refuse(self) -> None:
        """Answer the opening with CLSE: there is no such service."""
        self.connection.send(Message(Command.CLSE, 0, self._remote))
        self.close_now()

    def close_now(self) -> None:
        """Mark the stream as closed and wake everything that waits for it."""
        self.gone.set()
        while self._when_gone:
            self._when_gone.pop()()
        self._acknowledged.set()
        self._inbox.put_nowait(None)

    def receive(self, message: Message) -> None:
        """Handle a message from the client for this stream."""
        match message.command:
            case Command.OKAY:
                self._acknowledged.set()
            case Command.WRTE:
                self._inbox.put_nowait(message.data)
            case Command.CLSE:
                if not self.gone.is_set():
                    self._send(Command.CLSE)
                self.close_now()

    def _send(self, command: Command, data: bytes = b"") -> None:
        self.connection.send(Message(command, self._number, self._remote, data))


class AdbConnection:
    """The phone's side of the connection; `serve` is called for every service that the client opens."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, banner: str, serve: Serve
    ) -> None:
        self.max_data = MAX_DATA
        self._reader = reader
        self._writer = writer
        self._banner = banner
        self._serve = serve
        self._checksum = True
        self._streams: dict[int, Stream] = {}
        self._services: set[asyncio.Task[None]] = set()
        self._numbers = count(1)

    async def run(self, *, authorise: bool) -> None:
        """Serve until the connection ends. If `authorise` is false, no key is accepted."""
        try:
            await self._handshake(authorise=authorise)
            while True:
                self._take(await self._receive())
        except (asyncio.IncompleteReadError, ConnectionError, ProtocolError):
            pass
        finally:
            self.abort()

    def abort(self) -> None:
        """Cut the connection and close the streams of its services."""
        self._writer.transport.abort()
        for stream in self._streams.values():
            stream.close_now()
        self._streams.clear()

    def send(self, message: Message) -> None:
        """Put a message on the wire; do nothing if the connection is gone."""
        if not self._writer.transport.is_closing():
            self._writer.write(message.encode(checksum=self._checksum))

    async def _handshake(self, *, authorise: bool) -> None:
        hello = await self._receive()
        if hello.command is not Command.CNXN:
            raise ProtocolError("a connection begins with CNXN")
        self.max_data = min(MAX_DATA, hello.arg1)
        token = os.urandom(20)
        self.send(Message(Command.AUTH, Auth.TOKEN, 0, token))
        while not await self._key_offered() or not authorise:
            self.send(Message(Command.AUTH, Auth.TOKEN, 0, token))
        version = min(hello.arg0, VERSION_WITHOUT_CHECKSUM)
        self._checksum = version <= VERSION_WITH_CHECKSUM
        self.send(Message(Command.CNXN, version, MAX_DATA, self._banner.encode()))

    async def _key_offered(self) -> bool:
        """Return True once the client signs the token; a public key waits for the user, who never consents."""
        while True:
            answer = await self._receive()
            if answer.command is not Command.AUTH:
                raise ProtocolError(f"{answer.command.name} before authentication")
            if answer.arg0 == Auth.SIGNATURE:
                return True
            if answer.arg0 == Auth.RSA_PUBLIC_KEY:
                await self._ask_user()

    async def _ask_user(self) -> None:
        await asyncio.Event().wait()

    async def _receive(self) -> Message:
        header = Header.decode(await self._reader.readexactly(HEADER_SIZE))
        return header.with_data(await self._reader.readexactly(header.length), checksum=self._checksum)

    def _take(self, message: Message) -> None:
        if message.command is Command.OPEN:
            self._open(message)
            return
        stream = self._streams.get(message.arg1)
        if stream is None:
            if message.command is Command.WRTE:
                self.send(Message(Command.CLSE, 0, message.arg0))
            return
        stream.receive(message)
        if stream.gone.is_set():
            self._streams.pop(message.arg1, None)

    def _open(self, message: Message) -> None:
        number = next(self._numbers)
        stream = self._streams[number] = Stream(self, number, message.arg0)
        service = message.data.rstrip(b"\0").decode(errors="surrogateescape")
        task = asyncio.create_task(self._run_service(stream, service))
        self._services.add(task)
        task.add_done_callback(self._services.discard)

    async def _run_service(self, stream: Stream, service: str) -> None:
        try:
            await self._serve(stream, service)
            await stream.close()
        except StreamClosed:
            pass
        except Exception:
            self.abort()  # a bug in the fake must not look like a hang; the daemon's log shows it
            raise
