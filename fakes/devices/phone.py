"""A fake phone: adb's wire protocol over a file system with mksh and toybox."""

from __future__ import annotations

from pathlib import Path

from .android_dumps import dumps, property_lines
from .applets import host_path, lay_out_android
from .device_root import DeviceRoot, missing_programs, why_no_root
from .namespace import RootPlan
from .settings import DaemonSettings
from .state import DeviceState, replace_text, write_sysfs

SCRATCH = "data/local/tmp"


def why_unavailable() -> str | None:
    """Return a sentence saying why no phone can run on this machine, or None if one can."""
    return why_no_root() or missing_programs("adb", "mksh", "toybox")


class Phone(DeviceRoot):
    """A running phone that `adb connect` reaches at `serial`."""

    def __init__(self, settings: DaemonSettings, state: DeviceState) -> None:
        self._celsius_at_boot = state.celsius
        super().__init__("fakes.devices.phone_daemon", settings, SCRATCH, state)

    @classmethod
    def start(
        cls, folder: Path, soc: str = "sm8750", *, shell_v2: bool = True, data_bytes: int | None = None
    ) -> Phone:
        """Boot a phone whose files are below `folder`, which must be absent or empty.

        Without `shell_v2` it behaves like Android 6: commands have a terminal (CR LF, one stream) and no exit code.
        With `data_bytes`, /data is a file system of that size. Raises RuntimeError if the phone does not come up.
        """
        folder = Path(folder).resolve()
        root = folder / "root"
        (root / SCRATCH).mkdir(parents=True)
        (root / "vendor").mkdir()
        lay_out_android(root / "system/bin")
        log = root / "system/etc/fake/log/main"
        log.parent.mkdir(parents=True)
        log.write_text("--------- beginning of main\n", encoding="utf-8")
        plan = RootPlan(
            root,
            own=("data", "sys", "system", "vendor"),
            writable={"data": data_bytes, "system/etc/fake/log": None},
        )
        journal = str(folder / "journal.jsonl")
        settings = DaemonSettings(plan, journal, environment=_environment(soc), shell_v2=shell_v2)
        return cls(settings, DeviceState.of(soc))

    @property
    def serial(self) -> str:
        """The phone's serial number in adb."""
        return f"127.0.0.1:{self.port}"

    def log(self, line: str) -> None:
        """Add a line to logcat's output."""
        with (self.settings.plan.root / "system/etc/fake/log/main").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def write_state(self) -> None:
        """See `DeviceRoot`."""
        root = self.settings.plan.root
        write_sysfs(self.state, root / "sys")
        replace_text(root / "system/etc/fake/properties", property_lines(self.state))
        for service, text in dumps(self.state, self._celsius_at_boot).items():
            replace_text(root / "system/etc/fake/dumpsys" / service, text)


def _environment(soc: str) -> dict[str, str]:
    """Return adbd's environment for commands, plus the host's programs in PATH and the SoC for the fake SDK."""
    return {
        "ANDROID_DATA": "/data",
        "ANDROID_ROOT": "/system",
        "HOME": "/",
        "HOSTNAME": "fake",
        "LOGNAME": "shell",
        "PATH": f"/system/bin:/vendor/bin:{host_path()}",
        "QHAS_FAKE_DEVICE_SOC": soc,
        "SHELL": "/system/bin/sh",
        "TMPDIR": "/data/local/tmp",
        "USER": "shell",
    }
