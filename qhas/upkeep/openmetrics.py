"""The text format that Prometheus and similar systems read: families of samples, every value a gauge.

Written by the rules of OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/): units are base units
and end the name, each family occurs once and in one piece, label values are escaped, `# EOF` is last. The textfile
collector of node_exporter reads Prometheus's older format, in which `# UNIT` and `# EOF` are comments; it rejects
types that only OpenMetrics has, so all families are gauges.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


@dataclass
class Family:
    """The samples of one name. Raises ValueError for a name or a unit that the format does not accept."""

    name: str
    help: str
    unit: str = ""
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is not a valid metric name")
        if self.unit and not self.name.endswith(f"_{self.unit}"):
            raise ValueError(f"{self.name} must end in its unit, _{self.unit}")

    def add(self, value: float, labels: Mapping[str, str]) -> None:
        """Add a sample. Raises ValueError if one with these labels exists: a scraper would reject the whole file."""
        key = tuple(sorted(labels.items()))
        if key in self.samples:
            raise ValueError(f"{self.name} has two samples of {dict(key)}")
        self.samples[key] = value


def openmetrics(families: Iterable[Family]) -> str:
    """Return the file's text. A family without samples is left out."""
    lines = [line for family in families if family.samples for line in _lines(family)]
    return "\n".join([*lines, "# EOF", ""])


def _lines(family: Family) -> Iterator[str]:
    yield f"# TYPE {family.name} gauge"
    if family.unit:
        yield f"# UNIT {family.name} {family.unit}"
    yield f"# HELP {family.name} {family.help.translate(_ESCAPES)}"
    for labels, value in family.samples.items():
        named = ",".join(f'{name}="{text.translate(_ESCAPES)}"' for name, text in labels)
        yield f"{family.name}{{{named}}} {_number(value)}" if named else f"{family.name} {_number(value)}"


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))
