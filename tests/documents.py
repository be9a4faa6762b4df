"""Documents as users write them."""

import json
from pathlib import Path
from typing import Any


def write_yaml(path: Path, document: Any) -> Path:
    """Write the document as a YAML file, in JSON, which is YAML."""
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path
