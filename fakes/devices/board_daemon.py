"""`python -m fakes.devices.board_daemon SETTINGS`: accepts connections for sshd, in its own mount namespace.

Every connection gets an OpenSSH `sshd -i`; every command goes through session_shell.py, which asks here first.
"""

import asyncio
import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

from .control import obey, run_device
from .daemon import FaultyDaemon
from .faults import DeviceFault
from .journal import Journal
from .namespace import enter
from .occupants import is_sshd, namespace_of, occupants
from .session_shell import GO, LINE
from .settings import DaemonSettings

SSHD = ("/usr/sbin/sshd", "-i", "-f", "/run/board/sshd_config", "-E", "/run/board/sshd.log")
_KEYS = Path("/run/board/authorized_keys")
_NO_KEYS = _KEYS.with_suffix(".away")


class BoardDaemon(FaultyDaemon[int]):
    """A daemon that starts one sshd per connection; a session is identified by the process id of its sshd."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(Path("/opt/qhas"))
        self._journal = journal
        self._connections: dict[int, subprocess.Popen[bytes]] = {}
        self._answering = asyncio.Event()
        self._answering.set()

    async def accept(self, listener: socket.socket) -> None:
        """Serve connections indefinitely; they wait while the board is offline."""
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(listener)
            await self._answering.wait()
            self._reap()
            self._start_sshd(connection)

    async def session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Decide whether a session's shell may run its command, and record the command."""
        command = os.fsdecode((await reader.readuntil(b"\0"))[:-1])
        rule = self.rules.take(command)
        number = self._journal.started(command, rule.fault if rule else None)
        if rule is None or await self.meet(rule, self._sshd_above(_peer(writer))):
            writer.write(GO)
        elif rule.fault is DeviceFault.DROP:
            writer.close()
        code = await reader.read()
        self._journal.ended(number, int(code) if code else None)
        writer.close()

    def _start_sshd(self, connection: socket.socket) -> None:
        connection.setblocking(True)
        with connection:
            end = connection.fileno()
            sshd = subprocess.Popen(SSHD, stdin=end, stdout=end, env={}, cwd="/")
        self._connections[sshd.pid] = sshd

    def strike(self, fault: DeviceFault, session: int) -> None:
        """See `FaultyDaemon`."""
        match fault:
            case DeviceFault.OFFLINE:
                self._answering.clear()
                self._signal_all(signal.SIGSTOP)
            case DeviceFault.UNAUTHORISED:
                _KEYS.rename(_NO_KEYS)
                self._signal_all(signal.SIGKILL)
            case DeviceFault.DIE:
                self._signal_all(signal.SIGKILL)
                os._exit(1)
            case DeviceFault.DROP:
                os.kill(session, signal.SIGKILL)

    def come_back(self) -> None:
        """See `FaultyDaemon`."""
        if _NO_KEYS.exists():
            _NO_KEYS.rename(_KEYS)
        self._answering.set()
        self._signal_all(signal.SIGCONT)

    def _sshd_above(self, pid: int) -> int:
        """Return the sshd of the connection that a process belongs to. Raises LookupError if there is none."""
        while pid > 1:
            if pid in self._connections:
                return pid
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        raise LookupError("a session without an sshd")

    def _signal_all(self, number: signal.Signals) -> None:
        for pid in occupants(namespace_of("self")):
            if is_sshd(pid):
                os.kill(pid, number)

    def _reap(self) -> None:
        for pid, sshd in list(self._connections.items()):
            if sshd.poll() is not None:
                del self._connections[pid]


def _peer(writer: asyncio.StreamWriter) -> int:
    credentials = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    pid: int = struct.unpack("3i", credentials)[0]
    return pid


async def main(settings: DaemonSettings) -> None:
    """Serve in the board's root until the line to the test is cut."""
    journal = Journal(Path(settings.journal))
    listener = socket.create_server(("127.0.0.1", settings.port))
    listener.setblocking(False)
    enter(settings.plan)
    daemon = BoardDaemon(journal)
    sessions = await asyncio.start_unix_server(daemon.session, LINE)
    accepting = asyncio.create_task(daemon.accept(listener))
    await obey(daemon.answer, listener.getsockname()[1])
    accepting.cancel()
    sessions.close()


if __name__ == "__main__":
    given = DaemonSettings.from_json(sys.argv[1])
    run_device(main(given), given.outside)
