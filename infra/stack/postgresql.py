"""A private PostgreSQL: created in a folder, on loopback, with a password, removed with the folder."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.stack.failure import StackFailed

_DEBIAN = Path("/usr/lib/postgresql")
_ACCOUNT = "postgres"
_USER = "prefect"


class PostgresqlMissing(StackFailed):
    """No PostgreSQL can be started. The message says what to install."""


@dataclass(frozen=True)
class Postgresql:
    """An installation, and the account it runs as: PostgreSQL refuses to run as root. None is the current one."""

    programs: Path
    account: str | None

    @classmethod
    def find(cls) -> Postgresql:
        """Find the installation on the PATH, else Debian's newest. Raises PostgresqlMissing."""
        found = shutil.which("initdb") or next(iter(_debian()), None)
        if found is None:
            raise PostgresqlMissing(
                "PostgreSQL is not installed (initdb is missing); `apt install postgresql`, then try again."
            )
        account = _ACCOUNT if os.geteuid() == 0 else None
        if account and not _exists(account):
            raise PostgresqlMissing(
                f"PostgreSQL does not run as root, and there is no account {account}; try as another user."
            )
        return cls(Path(found).resolve().parent, account)

    @property
    def version(self) -> str:
        """Its version, as in 15.18."""
        return self._call("postgres", "--version").split()[2]

    def create(self, folder: Path, password: str) -> None:
        """Create an empty cluster in an existing empty folder. Raises PostgresqlMissing."""
        secret = folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(password, encoding="ascii")
        if self.account:
            for path in (
                secret,
                folder,
            ):  # once it owns the folder, the account may replace the file by a link
                shutil.chown(path, self.account, self.account)
        self._call(
            *("initdb", "-D", str(folder / "data"), "-U", _USER, "-E", "UTF8"),
            *("-A", "scram-sha-256", f"--pwfile={secret}", "--no-sync"),
        )
        secret.unlink()

    def command(self, folder: Path, port: int) -> list[str]:
        """Return the server's command line. SIGINT ends it cleanly, within a second or two."""
        return [
            *(str(self.programs / "postgres"), "-D", str(folder / "data"), "-p", str(port)),
            *("-k", str(folder), "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"),
        ]

    def _call(self, program: str, *arguments: str) -> str:
        argv = [str(self.programs / program), *arguments]
        done = subprocess.run(
            argv, capture_output=True, text=True, check=False, cwd="/", **as_account(self.account)
        )
        if done.returncode:
            raise PostgresqlMissing(f"{program} failed: {done.stderr.strip()}")
        return str(done.stdout)


@dataclass(frozen=True)
class Address:
    """Where a cluster listens, and the password to connect with."""

    port: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        """The value of Prefect's PREFECT_SERVER_DATABASE_CONNECTION_URL, password included."""
        return f"postgresql+asyncpg://{_USER}:{self.password}@127.0.0.1:{self.port}/postgres"


def as_account(account: str | None) -> dict[str, Any]:
    """Return subprocess arguments that make a program run as another account, in none of root's groups."""
    return {"user": account, "group": account, "extra_groups": []} if account else {}


def _debian() -> list[Path]:
    """Find Debian's installations, newest first: the programs of each version are kept apart, off the PATH."""
    return sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]), reverse=True)


def _exists(account: str) -> bool:
    try:
        pwd.getpwnam(account)
    except KeyError:
        return False
    return True
