"""A fake board: OpenSSH's own sshd over a file system with busybox."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .applets import host_path, lay_out_busybox
from .device_root import DeviceRoot, missing_programs, why_no_root
from .faults import DeviceFault, DeviceRule
from .namespace import RootPlan
from .occupants import is_sshd
from .session_shell import GREETING
from .settings import DaemonSettings
from .state import DeviceState, replace_text, write_sysfs

SCRATCH = "opt/qhas"
SESSION_SHELL = "/busybox/session-shell"
_SFTP_SERVERS = (
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/lib/ssh/sftp-server",
)
_ACCOUNTS = {
    "passwd": (
        f"root:x:0:0:root:/home/root:{SESSION_SHELL}\n"
        "sshd:x:74:74:sshd:/run/sshd:/bin/false\n"
        "nobody:x:65534:65534:nobody:/:/bin/false\n"
    ),
    "shadow": "root:*:19000:0:99999:7:::\nsshd:!:19000::::::\n",
    "os-release": 'ID=poky\nNAME="QCOM Reference Distro"\nVERSION_ID=1.3\nPRETTY_NAME="QCOM Reference Distro 1.3"\n',
}
_ONLY_OF_PHONES = {DeviceFault.CUT_TRANSFER, DeviceFault.CORRUPT_TRANSFER}


def why_unavailable() -> str | None:
    """Return a sentence saying why no board can run on this machine, or None if one can."""
    if os.geteuid() != 0:
        return "a fake board needs root: its sshd logs a root user in"
    if not all(Path(path).exists() for path in ("/etc/passwd", "/etc/shadow", "/etc/os-release")):
        return "a fake board needs /etc/passwd, /etc/shadow and /etc/os-release to put its own over"
    return why_no_root() or missing_programs("sshd", "ssh", "ssh-keygen", "busybox")


class Board(DeviceRoot):
    """A running board; `ssh -F <ssh_config> <host>` logs in as root."""

    def __init__(self, settings: DaemonSettings, state: DeviceState, host: str) -> None:
        self.host = host
        super().__init__("fakes.devices.board_daemon", settings, SCRATCH, state)
        self._write_client_files()

    @classmethod
    def start(
        cls, folder: Path, soc: str = "qcs9100", *, host: str = "board-7", data_bytes: int | None = None
    ) -> Board:
        """Boot a board with its files below `folder` (absent or empty); `host` is its name in `ssh_config`.

        With `data_bytes`, /opt/qhas is a file system of that size. Raises RuntimeError if the board does not come up.
        """
        folder = Path(folder).resolve()
        root = folder / "root"
        for directory in (SCRATCH, "home/root", "run/sshd", "run/board", "busybox/etc"):
            (root / directory).mkdir(parents=True)
        lay_out_busybox(root / "busybox")
        _write_session_shell(root)
        for name, text in _ACCOUNTS.items():
            (root / "busybox/etc" / name).write_text(text, encoding="utf-8")
        _make_keys(folder, root / "run/board")
        (root / "run/board/sshd_config").write_text(_sshd_config(soc), encoding="utf-8")
        plan = RootPlan(
            root,
            own=("sys", "run", "busybox"),
            spread=("opt", "home"),
            writable={SCRATCH: data_bytes, "home/root": None, "run": None},
            overlays={f"etc/{name}": f"busybox/etc/{name}" for name in _ACCOUNTS},
        )
        settings = DaemonSettings(plan, str(folder / "journal.jsonl"))
        return cls(settings, DeviceState.of(soc), host)

    @property
    def ssh_config(self) -> Path:
        """The file for `ssh -F`, `scp -F` and `sftp -F`."""
        return Path(self.settings.journal).with_name("ssh_config")

    def order(self, *rules: DeviceRule) -> None:
        """See `DeviceRoot`. Raises ValueError for faults in the data of transfers, which ssh encrypts."""
        for rule in rules:
            if rule.fault in _ONLY_OF_PHONES or rule.after_bytes is not None:
                raise ValueError(
                    f"a board cannot do {rule.fault} after bytes: ssh encrypts what it transfers"
                )
        super().order(*rules)

    def greet(self, text: str | None) -> None:
        """Print `text` on both streams before every further command, as a talkative profile does; None stops it."""
        greeting = self.settings.plan.root / GREETING.lstrip("/")
        if text is None:
            greeting.unlink(missing_ok=True)
        else:
            replace_text(greeting, text)

    def write_state(self) -> None:
        """See `DeviceRoot`."""
        write_sysfs(self.state, self.settings.plan.root / "sys")

    def is_machinery(self, pid: int) -> bool:
        """See `DeviceRoot`."""
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return True
        return is_sshd(pid) or SESSION_SHELL.encode() in words

    def _write_client_files(self) -> None:
        folder = self.ssh_config.parent
        key = (folder / "root/run/board/host_key.pub").read_text(encoding="utf-8")
        replace_text(folder / "known_hosts", f"[127.0.0.1]:{self.port} {key}")
        options = {
            "HostName": "127.0.0.1",
            "Port": self.port,
            "User": "root",
            "IdentityFile": folder / "user_key",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "UserKnownHostsFile": folder / "known_hosts",
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "BatchMode": "yes",
            "KexAlgorithms": "curve25519-sha256",  # takes half the time of the post-quantum default
        }
        lines = "".join(f'    {name} "{value}"\n' for name, value in options.items())
        replace_text(self.ssh_config, f"Host {self.host}\n{lines}")


def _write_session_shell(root: Path) -> None:
    source = Path(__file__).with_name("session_shell.py").read_text(encoding="utf-8")
    shell = root / SESSION_SHELL.lstrip("/")
    shell.write_text(f"#!{Path(sys.executable).resolve()} -IS\n{source}", encoding="utf-8")
    shell.chmod(0o755)


def _make_keys(folder: Path, server: Path) -> None:
    for path in (folder / "user_key", server / "host_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "fake", "-f", path], check=True)
    shutil.copy(folder / "user_key.pub", server / "authorized_keys")


def _sshd_config(soc: str) -> str:
    sftp = next((path for path in _SFTP_SERVERS if Path(path).exists()), "internal-sftp")
    return (
        "HostKey /run/board/host_key\nAuthorizedKeysFile /run/board/authorized_keys\nStrictModes no\n"
        "PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "UsePAM no\nUseDNS no\nPrintMotd no\nPrintLastLog no\nPidFile none\nMaxSessions 50\n"
        f"Subsystem sftp {sftp}\n"
        f"SetEnv PATH=/busybox:{host_path()} QHAS_FAKE_DEVICE_SOC={soc} SHELL=/bin/sh\n"
    )
