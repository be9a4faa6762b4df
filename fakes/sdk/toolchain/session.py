"""One call of one tool: its SDK, its orders and its failures."""

import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from typing import NoReturn

from .faults import Fault, Tool
from .journal import Journal
from .plan import claim, plan_file, read_plan


class ToolError(Exception):
    """The tool refuses; its message goes to standard error unchanged."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def vendor_error(code: int, message: str, component: str) -> ToolError:
    """Return an error in the vendor's form, with its code from the SDK's table."""
    return ToolError(f"error_code={code}; error_message={message}; error_component={component}; line_no=1;")


# Terminates processes that a test forgot to kill.
_HANG_SECONDS = 900
_OUTLIVED = 75

_CONVERSION = ToolError("ERROR - Encountered Error: Planned by the fake SDK; error_code=1002;")
_ERRORS = {
    Tool.CONVERTER: _CONVERSION,
    Tool.QAIRT_CONVERTER: _CONVERSION,
    Tool.QUANTIZER: vendor_error(1002, "Quantization failed. Planned by the fake SDK", "Dl Quantizer"),
    Tool.PREPARE: vendor_error(
        1002,
        "Layer parameter value is invalid. No backend could validate Op=fake; error code=3110",
        "Model Validation",
    ),
    Tool.NET_RUN: vendor_error(401, "Network creation failed. Planned by the fake SDK", "Dnn Network"),
    Tool.VIEWER: ToolError("Error printing stats."),
    Tool.DIAGVIEW: vendor_error(208, "Diaglog failure. Planned by the fake SDK", "Diagnostic Log"),
}


class Session:
    """What a tool needs to know about its SDK. `version` is four numbers: major.minor.patch.date."""

    def __init__(self, root: str, tool: Tool, version: str, journal: Journal) -> None:
        self.root, self.tool, self.version, self.journal = root, tool, version, journal
        self.fault: Fault | None = None
        self.scale = 1.0

    @property
    def build_id(self) -> str:
        """The version as the vendor's tools print it."""
        return f"v{self.version}000000_0"

    @property
    def has_qhas(self) -> bool:
        """Whether there is profiling level qhas: it came with 2.44 at the latest, where the fake draws the line."""
        major, minor = (int(part) for part in self.version.split(".")[:2])
        return (major, minor) >= (2, 44)

    def begin(self, socs: Sequence[str], names: Sequence[str]) -> None:
        """Wait for the planned time, then suffer the planned fault if it is one that ends the call."""
        path = plan_file(self.root)
        plan = read_plan(path)
        self.scale = plan.scale
        self.fault = claim(path, plan, self.tool, list(socs), list(names))
        time.sleep(plan.seconds(self.tool, list(socs), list(names)))
        if self.fault is Fault.ERROR_EXIT:
            raise _ERRORS[self.tool]
        if self.fault is Fault.KILLED:
            self._die(signal.SIGKILL)
        if self.fault is Fault.SEGFAULT:
            self._die(signal.SIGSEGV)
        if self.fault is Fault.HANG:
            _hang()
        if self.fault is Fault.HANG_DEAF:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.fork()
            _hang()

    def _die(self, number: signal.Signals) -> NoReturn:
        sys.stdout.flush()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        self.journal.ended(-number, str(self.fault))
        os.kill(os.getpid(), number)
        _hang()


def _hang() -> NoReturn:
    sys.stdout.flush()
    time.sleep(_HANG_SECONDS)
    os._exit(_OUTLIVED)
