"""The rack as bash and as JSON, for the contenders that are scripts."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from bench.job import Job
from bench.plain import CONFIG, TARGET

SCRIPT = Path(__file__).with_name("cell.sh").resolve()


def write_rack(job: Job) -> None:
    """Write the job to its folder in the form that the scripts read."""
    folder = Path(job.folder).resolve()
    settings = {"SDK": job.sdk, "TARGET": TARGET, "DEVICES": str(job.devices)}
    lines = [f"{name}={shlex.quote(value)}" for name, value in settings.items()]
    files = {
        "DLC": {network.name: network.dlc for network in job.networks},
        "INPUTS": {network.name: network.inputs for network in job.networks},
    }
    for name, by_network in files.items():
        entries = " ".join(f"[{network}]={shlex.quote(path)}" for network, path in by_network.items())
        lines.append(f"declare -A {name}=({entries})")
    (folder / "rack.sh").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    rack = {
        "script": str(SCRIPT),
        "folder": str(folder),
        "networks": [network.name for network in job.networks],
        "socs": list(job.socs),
    }
    (folder / "rack.json").write_text(json.dumps(rack), encoding="utf-8")
