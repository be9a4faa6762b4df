"""What is chosen when a stack comes up: ports and secrets, all new each time; and how they reach a process."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from infra.stack.failure import StackFailed
from infra.stack.postgresql import Address
from qhas.machine.free_ports import free_ports
from qhas.machine.proxies import exempt_loopback
from qhas.prefect_settings import new_login

UI_PORT = 4200
"""Prefect's own default, used if it is free and no other was requested."""
BUCKET = "qhas-artifacts"
_PRIVATE = ("PREFECT_", "QHAS_", "AWS_", "HOSTSDK_")


@dataclass(frozen=True)
class Settings:
    """Ports on loopback, and the secrets of this one stack."""

    server: int
    database: int
    storage: int
    reports: int
    redis: int | None
    """None: messages stay in the server's memory, and server and services are one process."""
    data: str
    """Folder of the database's files; outside the stack's if the database has an account of its own."""
    login: str = field(repr=False)
    """The login of Prefect's API and UI."""
    database_password: str = field(repr=False)
    redis_password: str = field(repr=False)
    access_key: str
    secret_key: str = field(repr=False)
    reports_token: str = field(repr=False)
    """Part of the address of everything that flow runs link to."""

    @property
    def ui(self) -> str:
        """Address of the Prefect UI."""
        return f"http://127.0.0.1:{self.server}"

    @property
    def api(self) -> str:
        """Address of Prefect's API."""
        return f"{self.ui}/api"

    @property
    def endpoint(self) -> str:
        """Address of the S3 server."""
        return f"http://127.0.0.1:{self.storage}"

    @property
    def pages(self) -> str:
        """Address below which reports and artifacts are served."""
        return f"http://127.0.0.1:{self.reports}/{self.reports_token}"

    @property
    def database_url(self) -> str:
        """Address of the database, as Prefect's setting expects it."""
        return Address(self.database, self.database_password).url

    @property
    def redis_url(self) -> str:
        """Address of Redis, with its password."""
        return f"redis://:{self.redis_password}@127.0.0.1:{self.redis}/0"

    @property
    def store(self) -> dict[str, str]:
        """The AWS variables of a process that reads or writes the store."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @classmethod
    def choose(cls, data: Path, ui_port: int | None, with_redis: bool) -> Settings:
        """Choose ports that are free now and new secrets. Raises StackFailed if the given port is taken."""
        if ui_port is not None and not _is_free(ui_port):
            raise StackFailed(
                f"Port {ui_port} is taken; name another with --port, or omit it for a free one."
            )
        free = iter(free_ports(5))
        return cls(
            server=ui_port or (UI_PORT if _is_free(UI_PORT) else next(free)),
            database=next(free),
            storage=next(free),
            reports=next(free),
            redis=next(free) if with_redis else None,
            data=str(data),
            login=new_login(),
            database_password=secrets.token_hex(16),
            redis_password=secrets.token_hex(16),
            access_key=f"STACK{secrets.token_hex(8).upper()}",
            secret_key=secrets.token_hex(20),
            reports_token=secrets.token_urlsafe(24),
        )

    @classmethod
    def read(cls, file: Path) -> Settings | None:
        """Read the settings of the stack that is or was up; None if there are none."""
        try:
            return cls(**json.loads(file.read_text(encoding="ascii")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, file: Path) -> None:
        """Save the settings for later commands, readable by their owner only."""
        write_private(file, json.dumps(asdict(self), indent=2))


def write_private(file: Path, content: str) -> None:
    """Write a file that only its owner can read, even if it existed before."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as sink:
        sink.write(content)


def as_shell(variables: Mapping[str, str]) -> str:
    """Format variables as lines that `source` understands."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def plain_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment without the user's own Prefect, lab and store, and without a proxy for loopback.

    A vendor SDK that it names is kept.
    """
    plain = {name: value for name, value in environ.items() if not name.startswith(_PRIVATE)}
    exempt_loopback(plain)
    return plain


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server itself does
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
        return True
