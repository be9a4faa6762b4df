"""What the daemons of phones and boards have in common: rules, pending faults and recovery."""

import asyncio
import errno
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Generic, TypeVar

from .faults import DeviceFault, DeviceRule, RuleBook
from .namespace import set_read_only

Session = TypeVar("Session")
"""What DROP cuts: an adb connection or an sshd process."""


class FaultyDaemon(ABC, Generic[Session]):
    """A daemon whose faults strike according to the rules; `data` is the directory that READ_ONLY affects."""

    def __init__(self, data: Path) -> None:
        self.rules = RuleBook()
        self._data = data
        self._due: set[asyncio.Task[None]] = set()

    @abstractmethod
    def strike(self, fault: DeviceFault, session: Session) -> None:
        """Make a fault happen; READ_ONLY and HANG are handled elsewhere."""

    @abstractmethod
    def come_back(self) -> None:
        """Undo OFFLINE and UNAUTHORISED."""

    def answer(self, request: dict[str, Any]) -> None:
        """Carry out a request from the test: {"order": [rule, ...]} or {"recover": true}."""
        self.rules.add(DeviceRule.from_json(row) for row in request.get("order", ()))
        if "recover" in request:
            self.rules.clear()
            for task in self._due:
                task.cancel()
            self.come_back()
            set_read_only(self._data, read_only=False)

    async def meet(self, rule: DeviceRule, session: Session) -> bool:
        """Let a fault strike now or later; return whether the command is to run."""
        if rule.after_seconds is not None:
            self._schedule(self._later(rule.after_seconds, rule.fault, session))
            return True
        await self.strike_now(rule.fault, session)
        return rule.fault is DeviceFault.READ_ONLY

    async def strike_now(self, fault: DeviceFault, session: Session) -> None:
        """Make a fault happen. READ_ONLY waits until no file is open for writing."""
        if fault is DeviceFault.READ_ONLY:
            await self._turn_read_only()
        else:
            self.strike(fault, session)

    async def _later(self, seconds: float, fault: DeviceFault, session: Session) -> None:
        await asyncio.sleep(seconds)
        await self.strike_now(fault, session)

    async def _turn_read_only(self) -> None:
        while True:
            try:
                set_read_only(self._data, read_only=True)
            except OSError as error:
                if error.errno != errno.EBUSY:
                    raise
                await asyncio.sleep(0.005)
            else:
                return

    def _schedule(self, later: Any) -> None:
        task = asyncio.create_task(later)
        self._due.add(task)
        task.add_done_callback(self._due.discard)
