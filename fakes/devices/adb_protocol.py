"""The ADB wire protocol: messages, shell packets, sync records.

Source: AOSP packages/modules/adb, protocol.txt, SYNC.TXT, shell_protocol.h and file_sync_protocol.h.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

MAX_DATA = 1024 * 1024
VERSION_WITH_CHECKSUM = 0x01000000
VERSION_WITHOUT_CHECKSUM = 0x01000001
SYNC_CHUNK = 64 * 1024

_HEADER = struct.Struct("<6I")
HEADER_SIZE = _HEADER.size


class ProtocolError(Exception):
    """The other side sent something that the protocol does not allow."""


class Command(IntEnum):
    """The command word of a message: four letters, little endian."""

    CNXN = 0x4E584E43
    AUTH = 0x48545541
    OPEN = 0x4E45504F
    OKAY = 0x59414B4F
    CLSE = 0x45534C43
    WRTE = 0x45545257


class Auth(IntEnum):
    """The first argument of AUTH."""

    TOKEN = 1
    SIGNATURE = 2
    RSA_PUBLIC_KEY = 3


class Shell(IntEnum):
    """The kind of a packet in the shell protocol."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    EXIT = 3
    CLOSE_STDIN = 4
    WINDOW_SIZE = 5


@dataclass(frozen=True)
class Message:
    """One message. Except in CNXN and AUTH, the arguments are stream ids, the sender's first."""

    command: Command
    arg0: int
    arg1: int
    data: bytes = b""

    def encode(self, *, checksum: bool) -> bytes:
        """Return the message as bytes on the wire."""
        crc = sum(self.data) & 0xFFFFFFFF if checksum else 0
        magic = self.command ^ 0xFFFFFFFF
        return _HEADER.pack(self.command, self.arg0, self.arg1, len(self.data), crc, magic) + self.data


@dataclass(frozen=True)
class Header:
    """The first 24 bytes of a message."""

    command: Command
    arg0: int
    arg1: int
    length: int
    crc: int

    @classmethod
    def decode(cls, data: bytes) -> "Header":
        """Decode a header. Raises ProtocolError for an unknown command, a wrong magic or too much data."""
        command, arg0, arg1, length, crc, magic = _HEADER.unpack(data)
        if magic != command ^ 0xFFFFFFFF or length > MAX_DATA:
            raise ProtocolError(f"not a message: {data.hex()}")
        try:
            return cls(Command(command), arg0, arg1, length, crc)
        except ValueError:
            raise ProtocolError(f"unknown command {command:08x}") from None

    def with_data(self, data: bytes, *, checksum: bool) -> Message:
        """Return the complete message. Raises ProtocolError if checksums are in use and this one does not match."""
        if checksum and sum(data) & 0xFFFFFFFF != self.crc:
            raise ProtocolError(f"checksum of {self.command.name} does not fit its data")
        return Message(self.command, self.arg0, self.arg1, data)


class SyncStat:
    """Layouts of the answers to STAT (32-bit), to LST2 and STA2 (64-bit), and of a directory entry."""

    V1 = struct.Struct("<4s3I")
    V2 = struct.Struct("<4sI2Q4IQ3q")
    ENTRY = struct.Struct("<4s4I")


SYNC_REQUEST = struct.Struct("<4sI")


def shell_packet(kind: Shell, data: bytes) -> bytes:
    """Encode a packet of the shell protocol."""
    return struct.pack("<BI", kind, len(data)) + data


class ShellPackets:
    """A splitter of the client's bytes into packets of the shell protocol."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the packets that `data` completes, as (kind, data)."""
        self._buffer += data
        packets = []
        while len(self._buffer) >= 5:
            kind, length = struct.unpack_from("<BI", self._buffer)
            if len(self._buffer) < 5 + length:
                break
            packets.append((kind, self._buffer[5 : 5 + length]))
            self._buffer = self._buffer[5 + length :]
        return packets
