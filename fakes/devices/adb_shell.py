"""The phone's commands, started, fed and terminated as in adbd's shell_service.cpp.

A raw command's standard input and output are the two halves of one socket. Its exit is reported once its output is
closed, by its children too. When the client goes away, the command gets SIGHUP and its pipes are closed; its children
get no signal. A command without the shell protocol gets none either, unless its terminal hangs up.
"""

import asyncio
import fcntl
import os
import pty
import signal
import socket
import subprocess
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .adb_connection import Stream, StreamClosed
from .adb_protocol import Shell, ShellPackets, shell_packet
from .descriptors import Descriptor


@dataclass(frozen=True)
class ShellService:
    """How to run a command: with or without a terminal and the shell protocol."""

    command: str
    terminal: bool
    protocol: bool
    term: str = "dumb"

    @classmethod
    def parse(cls, service: str, *, shell_v2: bool) -> "ShellService | None":
        """Return the service that an OPEN names, or None if it is not a command.

        An old phone runs every `shell:` command in a terminal.
        """
        name, _, command = service.partition(":")
        kind, *options = name.split(",")
        if kind == "exec" and not options:
            return cls(command, terminal=False, protocol=False)
        if kind != "shell" or (options and not shell_v2):
            return None
        term = next((word.removeprefix("TERM=") for word in options if word.startswith("TERM=")), "dumb")
        terminal = "raw" not in options and (not command or "pty" in options or not shell_v2)
        return cls(command, terminal, "v2" in options, term)


class RunningCommand:
    """A process of the phone's shell with the client's ends of its pipes."""

    def __init__(self, service: ShellService, environment: Mapping[str, str]) -> None:
        self._protocol = service.protocol
        self.terminal = service.terminal
        self.errors: Descriptor | None = None
        argv = ["/system/bin/sh", *(["-c", service.command] if service.command else ["-"])]
        environment = {**environment, "TERM": service.term}
        if service.terminal:
            self._start_in_terminal(argv, environment)
        else:
            self._start(argv, environment)

    def _start(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair()
        our_errors, their_errors = socket.socketpair()
        with theirs, their_errors:
            self.process = subprocess.Popen(
                argv,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=(their_errors if self._protocol else theirs).fileno(),
                env=environment,
                start_new_session=True,
            )
        self.stdio = Descriptor(ours.detach())
        if self._protocol:
            self.errors = Descriptor(our_errors.detach())
        else:
            our_errors.close()

    def _start_in_terminal(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        master, slave = pty.openpty()
        self.process = subprocess.Popen(
            argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.stdio = Descriptor(master)

    def close_stdin(self) -> None:
        """Signal the end of its input to the command."""
        if self.terminal:
            self.stdio.write_some(b"\x04")
        elif self.stdio.open:
            with socket.socket(fileno=os.dup(self.stdio.number)) as end:
                end.shutdown(socket.SHUT_WR)

    def hang_up(self) -> None:
        """Do what adbd does when the client is gone."""
        if self._protocol and self.process.returncode is None:
            self.process.send_signal(signal.SIGHUP)
        self.close()

    def close(self) -> None:
        """Close our ends of the pipes."""
        self.stdio.close()
        if self.errors is not None:
            self.errors.close()

    async def exit_code(self) -> int:
        """Wait for the command to exit and return its code, 128 + N if signal N killed it."""
        watch = Descriptor(os.pidfd_open(self.process.pid))
        try:
            await watch.readable()
        finally:
            watch.close()
        code: int = self.process.wait()
        return code if code >= 0 else 128 - code


async def serve_command(stream: Stream, service: ShellService, command: RunningCommand) -> int:
    """Pass data between client and command until one of them ends; return the exit code."""
    outputs = [_pump(command.stdio, stream, Shell.STDOUT if service.protocol else None)]
    if command.errors is not None:
        outputs.append(_pump(command.errors, stream, Shell.STDERR))
    feed = asyncio.create_task(_feed(stream, command) if service.protocol else _feed_raw(stream, command))
    stream.on_gone(command.hang_up)
    await asyncio.gather(*outputs)
    code = await command.exit_code()
    feed.cancel()
    command.close()
    if service.protocol and not stream.gone.is_set():
        await stream.write(shell_packet(Shell.EXIT, bytes([code])))
    return code


async def _pump(source: Descriptor, stream: Stream, kind: Shell | None) -> None:
    while data := await source.read():
        try:
            await stream.write(data if kind is None else shell_packet(kind, data))
        except StreamClosed:
            return


async def _feed_raw(stream: Stream, command: RunningCommand) -> None:
    try:
        while True:
            await command.stdio.write(await stream.read())
    except StreamClosed:
        command.close_stdin()


async def _feed(stream: Stream, command: RunningCommand) -> None:
    packets = ShellPackets()
    try:
        while True:
            for kind, data in packets.feed(await stream.read()):
                if kind == Shell.STDIN:
                    await command.stdio.write(data)
                elif kind == Shell.CLOSE_STDIN:
                    command.close_stdin()
                elif kind == Shell.WINDOW_SIZE and command.terminal:
                    command.stdio.resize(*_window(data))
    except StreamClosed:
        return


def _window(data: bytes) -> tuple[int, ...]:
    """Parse rows, columns, width and height from `24x80,640x480`."""
    return tuple(int(number) for number in data.rstrip(b"\0").decode().replace(",", "x").split("x"))
