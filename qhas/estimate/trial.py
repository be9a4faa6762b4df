"""One way to compile a network for a SoC, and the key that its estimate is stored under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qhas.machine.digest import data_digest
from qhas.site.sdk import Sdk
from qhas.sweep.spec import PrepareOptions


@dataclass(frozen=True)
class Subject:
    """A network on a SoC. `dlc` is an un-cached DLC on this host, `sha256` its digest."""

    dlc: Path
    sha256: str
    soc: str


@dataclass(frozen=True)
class Trial:
    """Options of graph-prepare, and settings of the simulator that distinguish a what-if from the SoC as it is.

    `ops` also requests every op of the dominant path.
    """

    subject: Subject
    prepare: PrepareOptions = field(default_factory=PrepareOptions)
    settings: Mapping[str, int | float] = field(default_factory=dict)
    ops: bool = False

    def key(self, sdk: Sdk) -> str:
        """Return the content key, which covers everything that affects the estimate and nothing else."""
        return data_digest(
            {
                "dlc": self.subject.sha256,
                "soc": self.subject.soc,
                "options": self.prepare.model_dump(),
                "settings": dict(self.settings),
                "ops": self.ops,
                "sdk": [sdk.kind, sdk.version, dict(sdk.env)],
            }
        )

    def request(self) -> dict[str, Any]:
        """Return the trial in the form that the worker accepts."""
        return {
            "dlc": str(self.subject.dlc),
            "soc": self.subject.soc,
            "options": self.prepare.model_dump(exclude_none=True),
            "settings": dict(self.settings),
            "ops": self.ops,
        }
