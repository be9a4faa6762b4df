"""The command's consoles, which show everything as plain text."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from qhas.outside_text import shown


class Screen(Console):
    """A console that interprets neither markup nor control sequences in what it prints."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)

    def print(self, *objects: Any, soft_wrap: bool | None = None, **options: Any) -> None:
        """Print as any console does, but fold names in tables, and at a terminal wrap sentences between words."""
        for table in objects:
            if isinstance(table, Table):
                _fold_names(table)
        if not self.color_system:
            options.setdefault("highlight", False)  # its patterns are compiled only to add colours
        whole = soft_wrap and not (self.is_terminal and all(map(self._has_room, objects)))
        super().print(*objects, soft_wrap=whole, **options)

    def _has_room(self, text: Any) -> bool:
        """Whether no word is wider than the terminal, as an address can be, which is kept whole to be copied."""
        return isinstance(text, str | Text) and all(
            cell_len(word) <= self.width for word in str(text).split()
        )

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as any console does, but sanitise the text; the console's own cursor movements stay."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(shown(segment.text), segment.style)


def _fold_names(table: Table) -> None:
    for column in table.columns:
        if column.overflow == "ellipsis" and not column.no_wrap:
            column.overflow = "fold"


# Nothing is truncated in a pipe or a file.
_WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160
console = Screen(width=_WIDTH)
errors = Screen(stderr=True, width=_WIDTH)
