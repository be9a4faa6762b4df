"""What a device's daemon is told at its start."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .namespace import RootPlan
from .occupants import namespace_of


@dataclass(frozen=True)
class DaemonSettings:
    """The root to enter, the journal to write, the port to listen at (0: any free one), the commands' environment.

    `outside` is the number of the mount namespace that the device's must not be.
    """

    plan: RootPlan
    journal: str
    port: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    shell_v2: bool = True
    outside: int = field(default_factory=lambda: namespace_of("self"))

    def to_json(self) -> str:
        """What `from_json` reads."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> "DaemonSettings":
        """The settings that `to_json` wrote."""
        row = json.loads(text)
        plan = row.pop("plan")
        return cls(plan=RootPlan(**{**plan, "root": Path(plan["root"])}), **row)
