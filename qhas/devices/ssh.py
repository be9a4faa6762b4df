"""Embedded Linux boards, through the OpenSSH client with the user's own configuration.

One connection is opened and reused for everything (ControlMaster); it ends with the lease, or a minute after a crash.
Files are transferred through `cat`, so a board needs neither scp nor an sftp server.
"""

from __future__ import annotations

import weakref
from pathlib import Path

from qhas.devices.shell import ClientSign, Shell, quoted
from qhas.failures import DeviceFailed, FailureKind
from qhas.machine.scratch import SHORT, Scratch
from qhas.site import DeviceRef

SIGNS = (
    ClientSign(
        r"Permission denied \(|Host key verification failed|IDENTIFICATION HAS CHANGED|Too many authentication",
        FailureKind.DEVICE_UNAUTHORIZED,
    ),
    ClientSign(
        r"Bad configuration option|ControlPath too long|Can't open user config file|Bad owner",
        FailureKind.CLIENT_BROKEN,
    ),
    ClientSign(
        r"Connection (refused|reset|closed|timed out)|No route to host|Could not resolve|Broken pipe"
        r"|Network is unreachable|Operation timed out|not responding|kex_exchange|mux_client|Control socket",
        FailureKind.DEVICE_OFFLINE,
    ),
)
_LONGEST_FOLDER = 50
"""A socket's path has at most 108 bytes; ssh uses 40 for its digest and some for a suffix."""
_OPTIONS = {
    "BatchMode": "yes",
    "ConnectTimeout": "10",
    "ServerAliveInterval": "5",
    "ServerAliveCountMax": "3",
    "ControlMaster": "auto",
    "ControlPersist": "60",
    "LogLevel": "ERROR",
}


class SshShell(Shell):
    """The shell of a board."""

    signs = SIGNS

    def __init__(
        self, name: str, host: str, scratch: Path, answer_seconds: float, config: Path | None = None
    ) -> None:
        super().__init__(name, scratch, answer_seconds)
        self._host = host
        self._client = ["ssh", "-T", *(["-F", str(config)] if config else [])]
        sockets = scratch
        if len(str(scratch)) > _LONGEST_FOLDER:
            short = Scratch(SHORT)
            weakref.finalize(self, short.remove)
            sockets = short.path
        options = _OPTIONS | {"ControlPath": f"{sockets}/%C"}  # %C is a digest of the address
        for option, value in options.items():
            self._client += ["-o", f"{option}={value}"]

    def command(self, line: str) -> list[str]:
        """See `Shell.command`."""
        return [*self._client, "--", self._host, line]

    async def _push(self, source: Path, target: str, seconds: float) -> None:
        with self.scratch_file("push") as output:
            await self._stream(f"cat > {quoted(target)}", f"push of {source.name}", output, seconds, source)

    async def _pull(self, source: str, target: Path, seconds: float) -> None:
        await self._stream(f"cat {quoted(source)}", f"pull of {Path(source).name}", target, seconds)

    async def close(self) -> None:
        """Close the shared connection, if there is one."""
        with self.scratch_file("exit") as output:
            await self._run_client(
                [*self._client, "-O", "exit", "--", self._host],
                output=output,
                timeout_seconds=self._answer_seconds,
            )

    async def _stream(
        self, line: str, deed: str, output: Path, seconds: float, stdin: Path | None = None
    ) -> None:
        """Run a line that copies between the standard streams and a file on the device."""
        run, errors, whole = await self._run_marked(line, output, seconds, stdin)
        self.require_in_time(run, deed)
        if run.exit_code or not whole:
            words = " ".join(errors.split())
            kind = self._kind(words) or FailureKind.TRANSFER_CUT
            raise DeviceFailed(kind, f"{self.name}: {deed} failed: {words or 'it said nothing'}.", words)


def open_shell(ref: DeviceRef, scratch: Path) -> SshShell:
    """Open the shell of a device of site.yaml."""
    return SshShell(ref.name, str(ref.host), scratch, ref.answer_seconds, ref.ssh_config)
