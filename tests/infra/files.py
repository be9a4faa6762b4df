"""Read the files of infra/ as the programs that use them do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"


def environment_file(path: Path) -> dict[str, str]:
    """Return the variables of a file of NAME=value lines."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def compose() -> dict[str, Any]:
    """Return compose.yaml with its anchors resolved."""
    return dict(yaml.safe_load((INFRA / "compose.yaml").read_text(encoding="utf-8")))


def manifests() -> list[dict[str, Any]]:
    """Return every Kubernetes object of every file that kustomization.yaml names."""
    folder = INFRA / "kubernetes"
    named = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    texts = ((folder / name).read_text(encoding="utf-8") for name in named)
    return [document for text in texts for document in yaml.safe_load_all(text)]


def rules(name: str) -> dict[str, Any]:
    """Return a JSON file of the bucket."""
    return dict(json.loads((INFRA / "bucket" / f"{name}.json").read_text(encoding="utf-8")))
