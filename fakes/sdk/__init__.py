"""A fake of the vendor's SDK: real command lines, files and failures; invented figures. See fakes/README.md."""

from .calls import Call, most_at_once, read_calls
from .layout import build_fake_sdk
from .orders import order
from .toolchain.faults import Fault, Tool
from .toolchain.plan import Plan, PlanError, Rule, Wait

__all__ = [
    "Call",
    "Fault",
    "Plan",
    "PlanError",
    "Rule",
    "Tool",
    "Wait",
    "build_fake_sdk",
    "most_at_once",
    "order",
    "read_calls",
]
