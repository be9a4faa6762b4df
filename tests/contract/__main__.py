"""Record deliberate additions: `python -m tests.contract [STORE]`, also the contents of a finished demo's store."""

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
