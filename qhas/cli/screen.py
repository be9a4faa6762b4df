"""The command's consoles: whatever is printed there is shown as text."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from qhas.outside_text import shown


class Screen(Console):
    """A console that takes nothing in a text for markup, and obeys nothing in it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As of any console; its own movements of the cursor are no text."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(shown(segment.text), segment.style)


# Nothing is cut in a pipe or a file.
_WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160
console = Screen(width=_WIDTH)
errors = Screen(stderr=True, width=_WIDTH)
