"""Planted causes, the search for them, and SDKs that are the host SDK with something planted."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from qhas.direct import run_direct
from qhas.site import Site
from qhas.site.sdk import HOST_TARGET, host_sdk_root
from qhas.upgrade.model import Upgrade
from qhas.upgrade.search import Stages

SOC = "sa8255"
THRESHOLD = 1.0
"""The change of time, in per cent, from which a cause is searched for."""
_PREPARE = "snpe-dlc-graph-prepare"


@dataclass(frozen=True)
class Planted:
    """A planted change, and what was found: every cause that was named, and the change of time."""

    kind: str
    name: str
    change_percent: float
    truth: str
    named: tuple[str, ...]

    @property
    def counts(self) -> bool:
        """Whether there is a cause to name: a plant that changes the time by less than the threshold is silent."""
        return bool(self.truth) and abs(self.change_percent) >= THRESHOLD

    @property
    def right(self) -> bool:
        """Whether the truth alone was named or, if there is nothing to name, no cause."""
        if not self.counts:
            return not self.named
        return len(self.named) == 1 and self.truth in self.named[0]

    @property
    def invented(self) -> bool:
        """Whether a false cause was named."""
        return any(not self.truth or self.truth not in cause for cause in self.named)


def answered(stages: Stages, site: Site) -> Upgrade:
    """Run the sweeps that a search requests, and return its answer."""
    try:
        while True:
            stage = next(stages)
            run_direct(stage.spec, site, stage.run_id)
    except StopIteration as ended:
        answer: Upgrade = ended.value
        return answer


def planted_sdk(root: Path, option: str = "", generation: str | None = None) -> Path:
    """Build a generation of the host SDK with one more option in its graph-prepare, and its own version."""
    if not root.exists():
        original = host_sdk_root(generation)
        shutil.copytree(original, root, symlinks=True)
        tool = root / "bin" / HOST_TARGET / _PREPARE
        tool.unlink()
        tool.write_text(f'#!/bin/sh\nexec "{original}/bin/{HOST_TARGET}/{_PREPARE}" {option} "$@"\n')
        tool.chmod(0o755)
        header = root / "include" / "QNN" / "QnnSdkBuildId.h"
        header.write_text(header.read_text().replace('_ID "v', f'_ID "v{root.name}.'))
    return root
