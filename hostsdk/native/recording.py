"""Record the events of a run's calls, collected under a profile handle, in a log."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from ctypes import c_void_p
from pathlib import Path
from typing import TypeVar

from hostsdk.native.context_binary import ProfileRefused
from hostsdk.native.profile_log import Message, Method, ProfileLog, open_log
from hostsdk.native.profiling import ProfileLevel, open_profile, read_events
from hostsdk.native.session import Session

T = TypeVar("T")


class Recording:
    """The profile of one graph's calls, at the requested level, or of whole calls if the emulator refuses it."""

    def __init__(
        self,
        scope: ExitStack,
        session: Session,
        graph: str,
        level: ProfileLevel | None,
        notify: Callable[[str], None],
    ) -> None:
        self._scope, self._session, self._graph, self._notify = scope, session, graph, notify
        self._level = level
        self._log: ProfileLog | None = None
        self.profile: c_void_p | None = self._open(level) if level else None

    def keep_log(self, path: Path, application: str, version: str, backend: str) -> ProfileLog:
        """Write every call's events to a new log from now on. Raises as `open_log` does."""
        self._log = self._scope.enter_context(
            open_log(self._session.libraries, path, application, version, backend)
        )
        return self._log

    def call(self, method: Method, work: Callable[[c_void_p | None], T]) -> T:
        """Run `work` with the profile, and log its events."""
        start = time.time_ns()
        try:
            outcome = work(self.profile)
        except ProfileRefused:
            if self._level in (None, ProfileLevel.BASIC):
                raise
            self._coarsen()
            start = time.time_ns()
            outcome = work(self.profile)
        stop = time.time_ns()
        if self._log and self.profile:
            events = read_events(self._session, self.profile)
            self._log.add(Message(method, self._graph, start // 1000, stop // 1000, events))
        return outcome

    def _coarsen(self) -> None:
        self._level = ProfileLevel.BASIC
        self.profile = self._open(ProfileLevel.BASIC)
        self._notify(
            f"The emulator cannot profile the individual nodes of {self._graph}: whole calls are recorded. "
            "The simulator's timeline is not affected.",
        )

    def _open(self, level: ProfileLevel) -> c_void_p:
        return self._scope.enter_context(open_profile(self._session, level, optrace=False))
