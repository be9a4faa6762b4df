"""What a device reports about itself: SoC, build, temperatures, battery, in files where its tools look."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class SocIdentity:
    """A SoC as Android and the kernel name it; `soc_id` is the kernel's number, not QNN's."""

    model: str
    platform: str
    soc_id: int | None


SOCS = {
    "sm8750": SocIdentity("SM8750", "sun", 618),
    "sm8650": SocIdentity("SM8650", "pineapple", 557),
    "sm8550": SocIdentity("SM8550", "kalama", 519),
    "qcs8550": SocIdentity("QCS8550", "kalama", 603),
    "qcs9100": SocIdentity("QCS9100", "lemans", 667),
    "qcs8300": SocIdentity("QCS8300", "monaco", 674),
}

SENSOR_TYPES = {"cpu": 0, "gpu": 1, "battery": 2, "skin": 3, "nsp": 9, "npu": 9}
"""android.hardware.thermal's TemperatureType, keyed by the beginning of a sensor's name."""


@dataclass(frozen=True)
class DeviceState:
    """A device's state: `battery` is in per cent, `thermal_status` is Android's 0 (none) to 6 (shutdown)."""

    soc_model: str
    platform: str
    soc_id: int | None
    soc_manufacturer: str = "QTI"
    family: str = "Snapdragon"
    build: str = "qti/fake/fake:15/AQ3A.240829.003/1:userdebug/test-keys"
    thermal_status: int = 0
    celsius: Mapping[str, float] = field(
        default_factory=lambda: {"CPU0": 41.2, "GPU0": 38.4, "battery": 30.1, "skin": 33.9, "nsp0": 37.6}
    )
    battery: int = 80
    charging: bool = True
    wakefulness: str = "Awake"

    @classmethod
    def of(cls, soc: str) -> "DeviceState":
        """Return a cool, charged device with that SoC; a SoC that is not in `SOCS` has no soc_id."""
        identity = SOCS.get(soc, SocIdentity(soc.upper(), "unknown", None))
        return cls(identity.model, identity.platform, identity.soc_id)

    def properties(self) -> dict[str, str]:
        """Return Android's properties."""
        return {
            "ro.board.platform": self.platform,
            "ro.build.fingerprint": self.build,
            "ro.build.version.sdk": "35",
            "ro.product.cpu.abi": "arm64-v8a",
            "ro.product.model": "fake",
            "ro.soc.manufacturer": self.soc_manufacturer,
            "ro.soc.model": self.soc_model,
            "sys.boot_completed": "1",
        }


def sensor_type(name: str) -> int:
    """Return the TemperatureType of a sensor. Raises ValueError if its name begins like no known kind."""
    for beginning, number in SENSOR_TYPES.items():
        if name.lower().startswith(beginning):
            return number
    raise ValueError(
        f"no kind of sensor begins like {name!r}; name it {', '.join(SENSOR_TYPES)} and a number"
    )


def write_sysfs(state: DeviceState, sys: Path) -> None:
    """Write the kernel's view: soc0 and the thermal zones, in thousandths of a degree."""
    soc0 = sys / "devices/soc0"
    replace_text(soc0 / "machine", state.soc_model + "\n")
    replace_text(soc0 / "family", state.family + "\n")
    if state.soc_id is not None:
        replace_text(soc0 / "soc_id", f"{state.soc_id}\n")
    else:
        (soc0 / "soc_id").unlink(missing_ok=True)
    for number, (name, celsius) in enumerate(state.celsius.items()):
        sensor_type(name)
        zone = sys / f"class/thermal/thermal_zone{number}"
        replace_text(zone / "type", f"{name.lower()}\n")
        replace_text(zone / "temp", f"{round(celsius * 1000)}\n")


def replace_text(path: Path, text: str) -> None:
    """Write a file atomically: a reader sees either the old text or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)
