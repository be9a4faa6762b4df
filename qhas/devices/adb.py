"""Android devices, through the adb client.

The messages are those of AOSP's client. Serials may contain `:` and `.`; every call names its serial. Devices older
than Android 7 have no shell_v2 protocol: both streams arrive as one, and the exit code is in the device's own end
line.
"""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

from qhas.devices.shell import ClientSign, Shell
from qhas.failures import DeviceFailed, FailureKind
from qhas.site import DeviceRef

SIGNS = (
    ClientSign(
        r"unauthorized|authorizing|no permissions|insufficient permissions", FailureKind.DEVICE_UNAUTHORIZED
    ),
    ClientSign(
        r"cannot connect to daemon|failed to (start|check server version)|could not read ok|didn't ACK",
        FailureKind.CLIENT_BROKEN,
    ),
    ClientSign(
        r"device offline|device '.*' not found|no devices/emulators|device still connecting|protocol fault"
        r"|connection reset|broken pipe|^closed$|connect failed|failed to connect|remote .* closed|transport",
        FailureKind.DEVICE_OFFLINE,
    ),
)

_PASSING = re.compile(r"offline|connecting|authorizing")
"""What AOSP's server calls a device that is about to become `device`; a lost one stays offline."""
_SETTLE_SECONDS = 0.5
_SETTLE_POLL_SECONDS = 0.05
_POLL_SECONDS = 1.0
_starting = asyncio.Lock()
"""If several clients find no server, each starts one, and all but one of them fail."""
_CONNECT_SECONDS = 5.0
"""The server itself waits ten seconds for a device that accepts the connection and says nothing."""


class AdbShell(Shell):
    """The shell of an Android device."""

    signs = SIGNS
    merges_streams = True

    def __init__(
        self,
        name: str,
        serial: str,
        scratch: Path,
        answer_seconds: float,
        server: str | None = None,
    ) -> None:
        super().__init__(name, scratch, answer_seconds)
        self._is_local = server is None
        self._serial = serial
        self._client = ["adb"]
        if server:
            host, port = server.rsplit(":", 1)
            self._client += ["-H", host, "-P", port]

    def command(self, line: str) -> list[str]:
        """See `Shell.command`."""
        return [*self._client, "-s", self._serial, "shell", line]

    async def connect(self, comeback_seconds: float = 0.0) -> None:
        """Start the server if it is a local one; wait until the device is there, as it may be booting.

        The server forgets a network device that was away, or keeps a dead connection and says "already connected": so
        the connection is closed first.
        """
        if self._is_local:
            async with _starting:
                await self._call("start-server")
        if comeback_seconds or ":" in self._serial:
            await self._come_back(comeback_seconds)

    async def _come_back(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._may_come(state := await self._settled()):
            if ":" in self._serial:
                await self._call("disconnect", self._serial)
                await self._call("connect", self._serial, seconds=_CONNECT_SECONDS)
                state = await self._settled()
            if state == "device" or time.monotonic() >= deadline:
                return
            await asyncio.sleep(_POLL_SECONDS)

    def _may_come(self, state: str) -> bool:
        """Whether a device in this state is absent but may appear without a user's permission."""
        asks_leave = self._kind(state) is FailureKind.DEVICE_UNAUTHORIZED and not _PASSING.search(state)
        return state != "device" and not asks_leave

    async def require_answer(self) -> None:
        """See `Shell.require_answer`. The phone itself is not queried: its server knows its state."""
        await self.connect()
        if (state := await self._settled()) != "device":
            kind = self.lost(state, "a query of its state").kind
            first = next(iter(state.splitlines()), "adb reports no state for it")
            raise DeviceFailed(kind, f"{first.removeprefix('error: ').rstrip('.')}.")

    async def _push(self, source: Path, target: str, seconds: float) -> None:
        await self._transfer("push", str(source), target, seconds)

    async def _pull(self, source: str, target: Path, seconds: float) -> None:
        await self._transfer("pull", source, str(target), seconds)

    async def why_lost(self) -> str:
        """Return the device's state as the server sees it."""
        return await self._state()

    async def _settled(self) -> str:
        """Return the device's state, waiting briefly if it is only transitional."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        state = await self._state()
        while _PASSING.search(state) and time.monotonic() < deadline:
            await asyncio.sleep(_SETTLE_POLL_SECONDS)
            state = await self._state()
        return state

    async def _state(self) -> str:
        return (await self._call("-s", self._serial, "get-state"))[1].strip()

    async def _transfer(self, deed: str, source: str, target: str, seconds: float) -> None:
        code, text = await self._call("-s", self._serial, deed, source, target, seconds=seconds)
        if code:
            text = text if self._kind(text) else f"{text}\n{await self._state()}"
            raise self.lost(text, f"{deed} of {Path(source).name}")

    async def _call(self, *arguments: str, seconds: float | None = None) -> tuple[int, str]:
        """Return the client's exit code and everything it printed."""
        with self.scratch_file("adb") as output:
            run, errors = await self._run_client(
                [*self._client, *arguments],
                output=output,
                timeout_seconds=seconds or self._answer_seconds,
                answers=True,
            )
            deed = arguments[2] if arguments[0] == "-s" else arguments[0]
            self.require_in_time(run, f"answer `adb {deed}`")
            return run.exit_code, (output.read_bytes() + errors).decode(errors="replace")


def open_shell(ref: DeviceRef, scratch: Path) -> AdbShell:
    """Open the shell of a device of site.yaml."""
    return AdbShell(ref.name, str(ref.serial), scratch, ref.answer_seconds, ref.adb_server)
