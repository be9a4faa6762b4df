"""S3-protocol servers: moto (quick, accepts any secret) and Ceph's radosgw (a production server, in memory)."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import urlopen

import botocore.session
from botocore.config import Config

from fakes.s3.authority import issue
from qhas.machine.free_ports import free_port

_CEPH_PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph", "ceph-authtool", "monmaptool")


class S3Server(ABC):
    """A server on loopback; `with` starts and stops it. Its credentials are valid for this server only.

    With `tls` it speaks https, with a certificate of an authority that `environ` makes known to clients.
    """

    access_key = "QHASTESTKEY"
    secret_key = "a-secret-no-message-may-show"

    def __init__(self, folder: Path, *, tls: bool = False) -> None:
        self._folder = folder
        self.certificates = issue(folder) if tls else None
        self._processes: list[subprocess.Popen[bytes]] = []
        self.port = free_port()

    @property
    def endpoint(self) -> str:
        """The address given to clients as AWS_ENDPOINT_URL."""
        return f"{'https' if self.certificates else 'http'}://127.0.0.1:{self.port}"

    @abstractmethod
    def _start(self) -> None:
        """Start all processes; the gateway may still be coming up on return."""

    def environ(self, endpoint: str | None = None) -> dict[str, str]:
        """Return the AWS variables for a client of the server itself or of a wire in front of it."""
        return {
            "AWS_ENDPOINT_URL": endpoint or self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            **({"AWS_CA_BUNDLE": str(self.certificates.authority)} if self.certificates else {}),
        }

    def client(self) -> Any:
        """Return a botocore client, independent of every client under test.

        It retries, as moto answers 500 to a listing while others write.
        """
        return botocore.session.get_session().create_client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            verify=str(self.certificates.authority) if self.certificates else None,
            config=Config(retries={"total_max_attempts": 5}, s3={"addressing_style": "path"}),
        )

    def bucket(self, region: str | None = None) -> str:
        """Create a bucket for a test, in the server's region or the given one, and return its name."""
        name = f"qhas-{uuid.uuid4().hex[:12]}"
        where = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region else {}
        self.client().create_bucket(Bucket=name, **where)
        return name

    def __enter__(self) -> Self:
        try:
            self._start()
            trust = str(self.certificates.authority) if self.certificates else None
            context = ssl.create_default_context(cafile=trust)
            self._await_answer(lambda: urlopen(self.endpoint, timeout=5, context=context).close(), 300)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Kill every process that was started."""
        for process in reversed(self._processes):
            process.kill()
            process.wait()
        self._processes.clear()

    def _await_answer(self, ask: Callable[[], None], seconds: float) -> None:
        end, last = time.monotonic() + seconds, "nothing was tried"
        while time.monotonic() < end:
            for process in self._processes:
                if (code := process.poll()) is not None:
                    raise RuntimeError(f"{process.args!r} ended with {code}; see {self._folder}")
            try:
                return ask()
            except OSError as error:
                last = str(error)
            time.sleep(0.05)
        raise RuntimeError(f"the S3 server did not come up within {seconds:g} s: {last}")

    def _spawn(self, argv: Sequence[str], name: str) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes.append(
                subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder)
            )


class MotoServer(S3Server):
    """moto's server: one process, up within seconds. Honours conditions; does not check signatures."""

    def _start(self) -> None:
        argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        if self.certificates:
            argv += ["--ssl-cert", str(self.certificates.server), "--ssl-key", str(self.certificates.key)]
        self._spawn(argv, "moto")


def ceph_is_installed() -> bool:
    """Whether radosgw and its dependencies are installed, and this process runs as root.

    The Debian packages are radosgw, ceph-mon, ceph-osd and ceph-common.
    """
    return os.geteuid() == 0 and all(map(shutil.which, _CEPH_PROGRAMS))


class Ceph(S3Server):
    """A cluster of a monitor, an in-memory object daemon and a gateway. Checks signatures and payload digests."""

    def __init__(
        self,
        folder: Path,
        memory_bytes: int = 6 << 30,
        lifecycle_day_seconds: int = 0,
        *,
        tls: bool = False,
    ) -> None:
        super().__init__(folder, tls=tls)
        self._memory_bytes = memory_bytes
        self._lifecycle_day_seconds = lifecycle_day_seconds
        self._conf = folder / "ceph.conf"

    def _start(self) -> None:
        folder, fsid, mon_port = self._folder, str(uuid.uuid4()), free_port()
        for name in ("mon", "osd", "rgw", "run"):
            (folder / name).mkdir()
        self._conf.write_text(
            _CEPH_CONF.format(
                fsid=fsid,
                folder=folder,
                mon_port=mon_port,
                listen=self._listen(),
                bytes=self._memory_bytes,
                lifecycle=str(bool(self._lifecycle_day_seconds)).lower(),
                day=self._lifecycle_day_seconds,
            )
        )
        keyring, monmap = str(folder / "mon.keyring"), str(folder / "monmap")
        self._call(
            "ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *"
        )
        address = f"[v2:127.0.0.1:{mon_port}/0]"
        self._call("monmaptool", "--create", "--addv", "a", address, "--fsid", fsid, monmap)
        mon = ["ceph-mon", "-c", str(self._conf), "-i", "a", "--setuser", "root", "--setgroup", "root"]
        self._call(*mon, "--mkfs", "--monmap", monmap, "--keyring", keyring)
        self._spawn([*mon, "-f"], "mon")
        self._ceph("osd", "new", osd_id := str(uuid.uuid4()))
        osd = ["ceph-osd", "-c", str(self._conf), "-i", "0", "--setuser", "root", "--setgroup", "root"]
        self._call(*osd, "--mkfs", "--osd-uuid", osd_id)
        self._spawn([*osd, "-f"], "osd")
        self._call(
            "radosgw-admin", "-c", str(self._conf), "user", "create", "--uid=qhas", "--display-name=qhas",
            f"--access-key={self.access_key}", f"--secret-key={self.secret_key}",
        )  # fmt: skip
        gateway = ["radosgw", "-c", str(self._conf), "-n", "client.rgw", "-f", "--setuser", "root"]
        self._spawn([*gateway, "--setgroup", "root"], "rgw")

    def _listen(self) -> str:
        address = f"endpoint=127.0.0.1:{self.port}"
        if not self.certificates:
            return address
        return f"ssl_{address} ssl_certificate={self.certificates.server} ssl_private_key={self.certificates.key}"

    def user(self, name: str) -> dict[str, str]:
        """Create a user, who may do what the buckets' policies allow, and return its AWS variables."""
        secret = f"a-secret-of-{name}"
        self._call(
            "radosgw-admin", "-c", str(self._conf), "user", "create", f"--uid={name}", f"--display-name={name}",
            f"--access-key={name}", f"--secret-key={secret}",
        )  # fmt: skip
        return self.environ() | {"AWS_ACCESS_KEY_ID": name, "AWS_SECRET_ACCESS_KEY": secret}

    def _ceph(self, *words: str) -> None:
        self._call("ceph", "-c", str(self._conf), "--connect-timeout", "300", *words)

    def _call(self, *argv: str) -> None:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=600, cwd=self._folder)
        if done.returncode:
            raise RuntimeError(f"{argv[0]} failed: {done.stderr.strip()}")


_CEPH_CONF = """[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon_port}/0]
auth cluster required = none
auth service required = none
auth client required = none
public network = 127.0.0.0/8
ms bind ipv6 = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail crit = 1
run dir = {folder}/run
admin socket = {folder}/run/$name.$pid.asok
log file = {folder}/$name.log
debug ms = 0
[mon]
mon data = {folder}/mon
[osd]
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = {bytes}
osd class load list = *
osd class default list = *
[client.rgw]
ms mon client mode = crc
rgw data = {folder}/rgw
rgw frontends = beast {listen}
rgw enable usage log = false
rgw gc obj min wait = 0
rgw gc processor period = 1
rgw enable gc threads = true
rgw enable lc threads = {lifecycle}
rgw lc debug interval = {day}
"""
