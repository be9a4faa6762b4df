"""The settings that a device's daemon gets at its start."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .namespace import RootPlan
from .occupants import namespace_of


@dataclass(frozen=True)
class DaemonSettings:
    """The root to enter, the journal to write, the port to listen on (0: any free one), the commands' environment.

    `outside` is the number of the host's mount namespace, in which the daemon must not run.
    """

    plan: RootPlan
    journal: str
    port: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    shell_v2: bool = True
    outside: int = field(default_factory=lambda: namespace_of("self"))

    def to_json(self) -> str:
        """Return what `from_json` reads."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> "DaemonSettings":
        """Return the settings that `to_json` wrote."""
        row = json.loads(text)
        plan = row.pop("plan")
        return cls(plan=RootPlan(**{**plan, "root": Path(plan["root"])}), **row)
