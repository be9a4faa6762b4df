"""Record what was added on purpose: `python -m tests.contract`, and with the store of a finished demo what it holds."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.contract.draw import DRAWN, record, stored

with tempfile.TemporaryDirectory() as folder:
    for name, draw in DRAWN.items():
        record(name, draw(Path(folder)))
for store in sys.argv[1:]:
    record("stored", stored(Path(store)))
