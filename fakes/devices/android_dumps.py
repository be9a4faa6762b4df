"""The output of Android's `getprop` and `dumpsys` for a device's state."""

from collections.abc import Mapping

from .state import DeviceState, sensor_type

_STALE_DEGREES = 6.5
"""How far below the HAL's temperatures the cached ones are on a phone that has just woken up."""


def property_lines(state: DeviceState) -> str:
    """Return `name=value` lines, sorted."""
    return "".join(f"{name}={value}\n" for name, value in sorted(state.properties().items()))


def dumps(state: DeviceState, cached: Mapping[str, float]) -> dict[str, str]:
    """Return what `dumpsys SERVICE` prints, keyed by service. `cached` holds the stale temperatures at boot."""
    return {"thermalservice": _thermal(state, cached), "battery": _battery(state), "power": _power(state)}


def _thermal(state: DeviceState, cached: Mapping[str, float]) -> str:
    stale = {name: celsius - _STALE_DEGREES for name, celsius in cached.items()}
    return (
        "IsStatusOverride: false\n"
        "ThermalEventListeners:\n\tcallbacks: 2\n\tkilled: false\n\tbroadcasts count: -1\n"
        "ThermalStatusListeners:\n\tcallbacks: 5\n\tkilled: false\n\tbroadcasts count: -1\n"
        f"Thermal Status: {state.thermal_status}\n"
        f"Cached temperatures:\n{_temperatures(stale, 0)}"
        "HAL Ready: true\nHAL connection:\n\tThermalHAL AIDL 1 connected: yes\n"
        f"Current temperatures from HAL:\n{_temperatures(state.celsius, state.thermal_status)}"
        "Current cooling devices from HAL:\n"
        "\tCoolingDevice{mValue=0, mType=2, mName=thermal-cpufreq-0}\n"
    )


def _temperatures(celsius: Mapping[str, float], skin_status: int) -> str:
    lines = ""
    for name, degrees in celsius.items():
        kind = sensor_type(name)
        status = skin_status if name == "skin" else 0
        lines += f"\tTemperature{{mValue={degrees:.1f}, mType={kind}, mName={name}, mStatus={status}}}\n"
    return lines


def _battery(state: DeviceState) -> str:
    status = 2 if state.charging else 3
    return (
        "Current Battery Service state:\n"
        f"  AC powered: {str(state.charging).lower()}\n"
        "  USB powered: false\n  Wireless powered: false\n  Dock powered: false\n"
        "  Max charging current: 3000000\n  Max charging voltage: 5000000\n  Charge counter: 4368000\n"
        f"  status: {status}\n  health: 2\n  present: true\n  level: {state.battery}\n  scale: 100\n"
        f"  voltage: 4210\n  temperature: {round(state.celsius.get('battery', 30) * 10)}\n  technology: Li-ion\n"
    )


def _power(state: DeviceState) -> str:
    return (
        "POWER MANAGER (dumpsys power)\n\nPower Manager State:\n  mDirty=0x0\n"
        f"  mWakefulness={state.wakefulness}\n  mWakefulnessChanging=false\n"
        f"  mIsPowered={str(state.charging).lower()}\n  mBatteryLevel={state.battery}\n"
    )
