"""Files of the history that cannot be read: reported with the reason, left out, never removed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa

from qhas.history.files import HistoryFile
from qhas.outside_text import shown

_logger = logging.getLogger(__name__)
_REASON_CHARACTERS = 160
_UNREADABLE = (
    pa.ArrowException,
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What Arrow raises, and what the conversion of a file's values to Python raises."""


@dataclass(frozen=True)
class DamagedFile:
    """A file that readers leave out, and why. Its rows come back only if its run is reported again."""

    file: HistoryFile
    reason: str

    def __str__(self) -> str:
        return f"{self.file.key} cannot be read ({self.reason})"


class Damaged(Exception):
    """A file cannot be read by any reader."""

    def __init__(self, file: HistoryFile, reason: str) -> None:
        super().__init__(file.key)
        self.damage = DamagedFile(file, shown(" ".join(reason.split()))[:_REASON_CHARACTERS])


Listener = Callable[[DamagedFile], None]


def log_damage(damage: DamagedFile) -> None:
    """Report a damaged file in the log."""
    _logger.warning("%s; its rows are left out.", damage)


@contextmanager
def judging(file: HistoryFile) -> Iterator[None]:
    """Raise Damaged for what Arrow and the file's own metadata raise; errors of the store pass through."""
    try:
        yield
    except _UNREADABLE as error:
        raise Damaged(file, str(error)) from error
