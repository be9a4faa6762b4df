"""Fake phones and boards that the real adb and ssh talk to. See fakes/README.md."""

from .adb_server import AdbServer
from .board import Board
from .device_root import DeviceGone, DeviceRoot
from .faults import DeviceFault, DeviceRule
from .journal import DeviceCommand
from .phone import Phone
from .state import DeviceState

__all__ = [
    "AdbServer",
    "Board",
    "DeviceCommand",
    "DeviceFault",
    "DeviceGone",
    "DeviceRoot",
    "DeviceRule",
    "DeviceState",
    "Phone",
]
