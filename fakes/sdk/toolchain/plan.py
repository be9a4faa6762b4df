"""Orders to the fake: how long tools take and which calls fail. They are read again at every call."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from .faults import Fault, Tool

ENVIRONMENT = "QHAS_FAKE_SDK"
FILE_NAME = "fake.json"


class PlanError(Exception):
    """The plan cannot be followed; the message says which file and what to write instead."""


class _Rule(NamedTuple):
    tool: Tool
    fault: Fault
    soc: str
    model: str
    times: int | None


class Rule(_Rule):
    """An order to fail a tool's calls. An empty `soc` or `model` matches all; `times=None` fails every match.

    `soc` and `model` are substrings, of the SoC the graph is prepared for and of the graph's or DLC's name.
    """

    __slots__ = ()

    def __new__(
        cls, tool: Tool, fault: Fault, soc: str = "", model: str = "", times: int | None = None
    ) -> Self:
        """Check the rule. Raises PlanError for a fault that the tool cannot suffer, or if `times` is below 1."""
        if tool not in fault.tools:
            at = ", ".join(fault.tools)
            raise PlanError(f"{tool} cannot suffer {fault.value!r}; choose one of: {at}")
        if times is not None and times < 1:
            raise PlanError(f"times of {fault.value!r} must be at least 1, or absent for every call")
        return super().__new__(cls, tool, fault, soc, model, times)

    def matches(self, tool: Tool, socs: list[str], names: list[str]) -> bool:
        """Whether the rule applies to a call of `tool` on any of these SoCs with any of these model names."""
        return _speaks_of(self, tool, socs, names)

    def as_json(self) -> dict[str, Any]:
        """Return the rule as written in the plan file."""
        row: dict[str, Any] = {"tool": self.tool.value, "fault": self.fault.value, **_match_as_json(self)}
        if self.times is not None:
            row["times"] = self.times
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Rule":
        """Read one entry of `faults`. Raises PlanError for an unknown key, tool or fault."""
        _refuse_unknown(row, {"tool", "fault", "match", "times"}, "a fault")
        match = row.get("match", {})
        _refuse_unknown(match, {"soc", "model"}, "match")
        try:
            tool, fault = Tool(row["tool"]), Fault(row["fault"])
        except (KeyError, ValueError) as error:
            known = ", ".join(member.value for member in Fault)
            raise PlanError(
                f"a fault needs a known tool and fault ({error}); the faults are {known}"
            ) from None
        return cls(tool, fault, match.get("soc", ""), match.get("model", ""), row.get("times"))


class Wait(NamedTuple):
    """Seconds that a tool's calls take for some SoC and model, instead of the tool's usual duration.

    `soc` and `model` are substrings as in a Rule.
    """

    tool: Tool
    seconds: float
    soc: str = ""
    model: str = ""

    def matches(self, tool: Tool, socs: list[str], names: list[str]) -> bool:
        """Whether it applies to a call of `tool` on any of these SoCs with any of these model names."""
        return _speaks_of(self, tool, socs, names)

    def as_json(self) -> dict[str, Any]:
        """Return the entry as written in the plan file."""
        return {"tool": self.tool.value, "seconds": self.seconds, **_match_as_json(self)}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Wait":
        """Read one entry of `waits`. Raises PlanError for an unknown key or tool, or if seconds is not a number."""
        _refuse_unknown(row, {"tool", "seconds", "match"}, "a wait")
        match = row.get("match", {})
        _refuse_unknown(match, {"soc", "model"}, "match")
        try:
            return cls(Tool(row["tool"]), float(row["seconds"]), match.get("soc", ""), match.get("model", ""))
        except (KeyError, TypeError, ValueError) as error:
            raise PlanError(f"a wait needs a known tool and seconds ({error})") from None


class Plan(NamedTuple):
    """Orders for the tools of one fake SDK.

    `durations`: seconds a tool takes before it writes anything; `waits` are the exceptions, of which the first match
    applies. `scale` multiplies every cycle and time that net-run reports, so a test can make a network slower than
    before.
    """

    durations: Mapping[Tool, float] = MappingProxyType({})
    rules: tuple[Rule, ...] = ()
    scale: float = 1.0
    waits: tuple[Wait, ...] = ()

    def seconds(self, tool: Tool, socs: list[str], names: list[str]) -> float:
        """Return how long a call of `tool` on these SoCs with these model names takes before it writes anything."""
        exceptions = (wait.seconds for wait in self.waits if wait.matches(tool, socs, names))
        return next(exceptions, self.durations.get(tool, 0.0))

    def as_json(self) -> dict[str, Any]:
        """Return the plan as stored in `fake.json`."""
        return {
            "durations": {tool.value: seconds for tool, seconds in self.durations.items()},
            "faults": [rule.as_json() for rule in self.rules],
            "scale": self.scale,
            "waits": [wait.as_json() for wait in self.waits],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Plan":
        """Read a plan. Raises PlanError for anything unknown, so that a misspelt fault cannot pass as a success."""
        _refuse_unknown(document, {"durations", "faults", "scale", "waits"}, "the plan")
        try:
            durations = {
                Tool(name): float(seconds) for name, seconds in document.get("durations", {}).items()
            }
        except ValueError as error:
            raise PlanError(f"durations are seconds by tool name: {error}") from None
        rules = tuple(Rule.from_json(row) for row in document.get("faults", []))
        waits = tuple(Wait.from_json(row) for row in document.get("waits", []))
        return cls(durations, rules, float(document.get("scale", 1.0)), waits)


def plan_file(root: str) -> str:
    """Return the plan in force for the SDK at `root`: the file named by QHAS_FAKE_SDK, else `<root>/fake.json`."""
    return os.environ.get(ENVIRONMENT) or os.path.join(root, FILE_NAME)  # noqa: PTH118 - pathlib doubles the start-up


def read_plan(path: str) -> Plan:
    """Read the plan in `path`; an absent file is a plan without faults. Raises PlanError for a bad one."""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            return Plan.from_json(json.load(file))
    except FileNotFoundError:
        return Plan()
    except (ValueError, PlanError) as error:
        raise PlanError(f"{path}: {error}") from None


def claim(path: str, plan: Plan, tool: Tool, socs: list[str], names: list[str]) -> Fault | None:
    """Return the fault this call must suffer, counted across all processes that follow the plan in `path`."""
    candidates = [rule for rule in plan.rules if rule.matches(tool, socs, names)]
    if not candidates:
        return None
    with _counts(path) as counts:
        for rule in candidates:
            key = json.dumps(rule.as_json(), sort_keys=True)
            if rule.times is None or counts.get(key, 0) < rule.times:
                counts[key] = counts.get(key, 0) + 1
                return rule.fault
    return None


@contextmanager
def _counts(path: str) -> Iterator[dict[str, int]]:
    with open(f"{path}.counts", "a+", encoding="utf-8") as file:  # noqa: PTH123
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        counts: dict[str, int] = json.loads(file.read() or "{}")
        yield counts
        file.seek(0)
        file.truncate()
        json.dump(counts, file)


def _speaks_of(entry: "Rule | Wait", tool: Tool, socs: list[str], names: list[str]) -> bool:
    return (
        entry.tool == tool
        and (not entry.soc or any(entry.soc in soc for soc in socs))
        and (not entry.model or any(entry.model in name for name in names))
    )


def _match_as_json(entry: "Rule | Wait") -> dict[str, Any]:
    match = {key: value for key, value in (("soc", entry.soc), ("model", entry.model)) if value}
    return {"match": match} if match else {}


def _refuse_unknown(row: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(row) - known)
    if unknown:
        raise PlanError(f"unknown key {unknown[0]!r} in {where}; known are {', '.join(sorted(known))}")
