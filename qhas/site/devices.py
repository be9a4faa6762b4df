"""The devices of a lab as site.yaml lists them, and the transports that reach them.

To add a transport, add a member and a row here, a key for its address if none of a device's fits, and a shell.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import Field, model_validator

from qhas.documents import Written
from qhas.naming import Name, SocName

_ADDRESS = r"^[A-Za-z0-9\[][A-Za-z0-9._:@%\[\]-]*$"
"""Hosts as ssh knows them. None begins with a dash, which would make it an option."""
_SERIAL = r"^[A-Za-z0-9\[]([A-Za-z0-9._:@%\[\]() -]*[A-Za-z0-9._:@%\[\])-])?$"
"""Serials as adb lists them; with wireless debugging, one may contain a space and parentheses, as in
`adb-X (2)._adb-tls-connect._tcp`.
"""


class Transport(StrEnum):
    """How commands and files reach a device."""

    HOST = "host"
    """This machine itself, simulating with the SDK's own executables."""
    ADB = "adb"
    """An Android device, through the adb client."""
    SSH = "ssh"
    """An embedded Linux board, through the OpenSSH client and its user's own configuration."""


@dataclass(frozen=True, kw_only=True)
class TransportFacts:
    """A way to reach devices through a client."""

    opened_by: str
    """The function that opens a shell on such a device, as `module:function`: imported when a device is reached."""
    address: str
    """The key of a device in site.yaml that holds its address."""
    target: str
    """The SDK's directory of executables for such devices, unless a device names another."""
    directory: str
    """Our directory on such a device, unless it names another."""
    log: str
    """The command for the end of the device's system log, from `{moment}` in seconds of its clock if possible."""
    client: tuple[str, ...]
    """A command to which a working client responds with its version."""
    install: str
    """How to get the client."""


TRANSPORTS = {
    Transport.ADB: TransportFacts(
        opened_by="qhas.devices.adb:open_shell",
        address="serial",
        target="aarch64-android",
        directory="/data/local/tmp/qhas",
        log="logcat -d -v threadtime -T {moment:.3f} | tail -c 1000000",
        client=("adb", "version"),
        install="install Android's platform-tools (Debian, Ubuntu: `apt install adb`) and put them on PATH",
    ),
    Transport.SSH: TransportFacts(
        opened_by="qhas.devices.ssh:open_shell",
        address="host",
        target="aarch64-oe-linux-gcc11.2",
        directory="/opt/qhas",
        log="dmesg | tail -n 1000",
        client=("ssh", "-V"),
        install="install the OpenSSH client (Debian, Ubuntu: `apt install openssh-client`)",
    ),
}
"""All transports except this machine itself."""


class Gate(Written):
    """Conditions that a device must meet before a cell starts on it, and how long to wait for them."""

    thermal_status: int = Field(
        default=0,
        ge=0,
        le=6,
        description="Highest Android thermal status to start at; 0 is none, 6 shutdown.",
    )
    skin_celsius: float = Field(default=40.0, description="Highest skin temperature to start at.")
    chip_celsius: float = Field(
        default=75.0, description="Highest temperature of any CPU, GPU or NPU sensor."
    )
    battery_percent: int = Field(default=30, ge=0, le=100, description="Lowest battery level to start at.")
    free_mb: int = Field(default=500, ge=0, description="Least free space in the device's directory, in MB.")
    patience_seconds: float = Field(
        default=600.0, ge=0, description="How long to wait for a device to cool down or charge."
    )
    poll_seconds: float = Field(default=10.0, gt=0, description="Between two checks of a waiting device.")


class DeviceRef(Written):
    """A device of the lab."""

    name: Name
    soc: SocName
    transport: Transport = Transport.HOST
    serial: str | None = Field(default=None, pattern=_SERIAL, description="adb: as `adb devices` lists it.")
    adb_server: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]+:\d{1,5}$",
        description="adb: host:port of a remote adb server.",
    )
    host: str | None = Field(
        default=None, pattern=_ADDRESS, description="ssh: host, user@host or a Host of ssh_config."
    )
    ssh_config: Path | None = Field(
        default=None, description="ssh: a configuration instead of the user's own."
    )
    target: str | None = Field(
        default=None, description="The SDK's directory of executables for the device, below bin/ and lib/."
    )
    directory: str | None = Field(
        default=None,
        pattern=r"^(/[A-Za-z0-9._-]+)*$",
        description="The directory that qhas uses on the device.",
    )
    hexagon: str | None = Field(
        default=None,
        pattern=r"^v\d{2,3}$",
        description="Hexagon architecture, as in v79, if neither SDK nor device reports it.",
    )
    env: dict[str, str] = Field(default={}, description="Variables for the tools on the device.")
    answer_seconds: float = Field(
        default=30.0,
        gt=0,
        description="A device that does not answer a short question within this time is offline.",
    )
    comeback_seconds: float = Field(
        default=60.0, ge=0, description="adb: how long a device may be away, for example booting."
    )
    gate: Gate | None = Field(default=None, description="Replaces the site's gate.")

    @model_validator(mode="after")
    def _address_fits_transport(self) -> DeviceRef:
        way = TRANSPORTS.get(self.transport)
        for key in dict.fromkeys(facts.address for facts in TRANSPORTS.values()):
            if (getattr(self, key) is None) is (way is not None and way.address == key):
                users = " or ".join(name for name, facts in TRANSPORTS.items() if facts.address == key)
                raise ValueError(f"device {self.name}: `{key}` is for transport {users}, which requires it")
        return self

    @property
    def sdk_target(self) -> str:
        """The SDK's directory of executables for a device reached through a client."""
        return self.target or TRANSPORTS[self.transport].target

    @property
    def root(self) -> str:
        """Our directory on such a device: everything we leave there is below it."""
        return self.directory or TRANSPORTS[self.transport].directory

    @property
    def address(self) -> str:
        """What identifies the physical device, whatever a site calls it; the lease is named by it."""
        way = TRANSPORTS.get(self.transport)
        return f"{self.transport}:{getattr(self, way.address) if way else self.name}"
