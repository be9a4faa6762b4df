"""`python -m fakes.devices.phone_daemon SETTINGS`: the phone's adbd, in its own mount namespace.

SETTINGS is the JSON that `Phone` writes. Standard library only, so that any interpreter can run it.
"""

import asyncio
import os
import sys
from pathlib import Path

from .adb_connection import AdbConnection, Stream
from .adb_shell import RunningCommand, ShellService, serve_command
from .adb_sync import SyncSession
from .control import obey, run_device
from .daemon import FaultyDaemon
from .faults import DeviceFault, DeviceRule
from .journal import Journal
from .namespace import enter
from .settings import DaemonSettings

_FEATURES = "cmd,stat_v2,fixed_push_mkdir,fixed_push_symlink_timestamp"


class PhoneDaemon(FaultyDaemon[AdbConnection]):
    """A server for adb connections, with faults that strike according to the rules."""

    def __init__(self, settings: DaemonSettings, journal: Journal) -> None:
        super().__init__(Path("/data"))
        self._settings = settings
        self._journal = journal
        self._connections: set[AdbConnection] = set()
        self._commands: set[RunningCommand] = set()
        self._answering = asyncio.Event()
        self._answering.set()
        self._authorises = True
        features = f"shell_v2,{_FEATURES}" if settings.shell_v2 else "cmd"
        names = "".join(f"ro.product.{key}=fake;" for key in ("name", "model", "device"))
        self._banner = f"device::{names}features={features}"

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection to its end; one made while the phone is offline gets no answer."""
        if not self._answering.is_set():
            await self._answering.wait()
            writer.transport.abort()
            return
        connection = AdbConnection(reader, writer, self._banner, self._serve)
        self._connections.add(connection)
        await connection.run(authorise=self._authorises)
        self._connections.discard(connection)

    def strike(self, fault: DeviceFault, session: AdbConnection) -> None:
        """See `FaultyDaemon`."""
        match fault:
            case DeviceFault.OFFLINE:
                self._answering.clear()
                self._cut_all()
            case DeviceFault.UNAUTHORISED:
                self._authorises = False
                self._cut_all()
            case DeviceFault.DIE:
                for command in self._commands:
                    command.hang_up()
                os._exit(1)
            case DeviceFault.DROP | DeviceFault.CUT_TRANSFER:
                session.abort()

    def come_back(self) -> None:
        """See `FaultyDaemon`. Waiting connections are cut: adb's server gave up on them long ago."""
        self._answering.set()
        if not self._authorises:
            self._authorises = True
            self._cut_all()

    def _cut_all(self) -> None:
        for connection in list(self._connections):
            connection.abort()

    async def _serve(self, stream: Stream, service: str) -> None:
        shell = ShellService.parse(service, shell_v2=self._settings.shell_v2)
        if shell is None and service != "sync:":
            stream.refuse()
            return
        rule = self.rules.take(service)
        number = (
            None
            if shell is None and rule is None
            else self._journal.started(service, rule.fault if rule else None)
        )
        code = None
        stream.accept()
        try:
            if rule is not None and not await self.meet(rule, stream.connection):
                await stream_end(stream)
            if shell is None:
                await SyncSession(stream, self._begin_transfer).run()
            else:
                code = await self._run(stream, shell)
        finally:
            if number is not None:
                self._journal.ended(number, code)

    async def _run(self, stream: Stream, shell: ShellService) -> int:
        command = RunningCommand(shell, self._settings.environment)
        self._commands.add(command)
        try:
            return await serve_command(stream, shell, command)
        finally:
            self._commands.discard(command)

    async def _begin_transfer(self, stream: Stream, text: str) -> "RecordedTransfer":
        rule = self.rules.take(text)
        transfer = RecordedTransfer(self, stream, rule, self._journal, text)
        if rule is None or transfer.fault_waits:
            return transfer
        if not await self.meet(rule, stream.connection):
            await transfer.never_happens()
        return transfer


_IN_THE_DATA = {DeviceFault.CUT_TRANSFER, DeviceFault.CORRUPT_TRANSFER}


class RecordedTransfer:
    """A push or pull with its record and the fault pending in its data."""

    def __init__(
        self, daemon: PhoneDaemon, stream: Stream, rule: DeviceRule | None, journal: Journal, text: str
    ) -> None:
        self._daemon = daemon
        self._stream = stream
        self._journal = journal
        self._number = journal.started(text, rule.fault if rule else None)
        self.fault_waits = rule is not None and (rule.after_bytes is not None or rule.fault in _IN_THE_DATA)
        self._rule = rule if self.fault_waits else None
        self._passed = 0

    async def pass_on(self, data: bytes) -> bytes:
        """See `Transfer`."""
        begin, self._passed = self._passed, self._passed + len(data)
        if self._rule is None or self._passed <= (self._rule.after_bytes or 0):
            return data
        rule, self._rule = self._rule, None
        if rule.fault is DeviceFault.CORRUPT_TRANSFER:
            at = (rule.after_bytes or 0) - begin
            return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
        await self._daemon.strike_now(rule.fault, self._stream.connection)
        if rule.fault is not DeviceFault.READ_ONLY:
            await stream_end(self._stream)
        return data

    async def never_happens(self) -> None:
        """Wait until the client is gone. Raises StreamClosed."""
        try:
            await stream_end(self._stream)
        finally:
            self.end(None)

    def end(self, exit_code: int | None) -> None:
        """See `Transfer`."""
        self._journal.ended(self._number, exit_code)


async def stream_end(stream: Stream) -> None:
    """Wait until the client is gone. Raises StreamClosed."""
    while True:
        await stream.read()


async def main(settings: DaemonSettings) -> None:
    """Serve in the device's root until the line to the test is cut."""
    journal = Journal(Path(settings.journal))
    enter(settings.plan)
    daemon = PhoneDaemon(settings, journal)
    server = await asyncio.start_server(daemon.connected, "127.0.0.1", settings.port)
    await obey(daemon.answer, server.sockets[0].getsockname()[1])


if __name__ == "__main__":
    given = DaemonSettings.from_json(sys.argv[1])
    run_device(main(given), given.outside)
