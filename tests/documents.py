"""Documents that people write."""

import json
from pathlib import Path
from typing import Any


def write_yaml(path: Path, document: Any) -> Path:
    """A YAML file: JSON is YAML."""
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path
