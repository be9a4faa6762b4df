"""The text format that Prometheus and its kin read: families of samples, every value a gauge.

Written by the rules of OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/): unit in base units and
as the end of the name, each family once and in one piece, label values escaped, `# EOF` last. The textfile collector of
node_exporter reads the older format of Prometheus, in which `# UNIT` and `# EOF` are comments; it refuses the types
that are OpenMetrics' own, so there are none but gauges.
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
    """Samples of one name. Raises ValueError for a name or a unit that the format does not take."""

    name: str
    help: str
    unit: str = ""
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name of a metric")
        if self.unit and not self.name.endswith(f"_{self.unit}"):
            raise ValueError(f"{self.name} must end in its unit, _{self.unit}")

    def add(self, value: float, labels: Mapping[str, str]) -> None:
        """A sample. Raises ValueError if there is one with these labels: a scraper would refuse the whole file."""
        key = tuple(sorted(labels.items()))
        if key in self.samples:
            raise ValueError(f"{self.name} has two samples of {dict(key)}")
        self.samples[key] = value


def openmetrics(families: Iterable[Family]) -> str:
    """The file's text. A family without samples is left out."""
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
