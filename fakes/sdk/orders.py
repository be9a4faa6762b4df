"""Orders from a test to a fake SDK."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from .toolchain.faults import Tool
from .toolchain.plan import FILE_NAME, Plan, Rule, Wait


def order(
    root: Path,
    *rules: Rule,
    durations: Mapping[Tool, float] | None = None,
    scale: float = 1.0,
    waits: Iterable[Wait] = (),
) -> Path:
    """Put a plan in force for the SDK at `root`, reset the counts of its faults and return the plan file.

    `root` may also be a `.json` path, for a plan that QHAS_FAKE_SDK names. Without rules the tools work normally again.
    """
    path = root if root.suffix == ".json" else root / FILE_NAME
    plan = Plan(durations or {}, rules, scale, tuple(waits))
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_text(json.dumps(plan.as_json(), indent=4), encoding="utf-8")
    path.with_name(f"{path.name}.counts").unlink(missing_ok=True)
    scratch.replace(path)
    return path
