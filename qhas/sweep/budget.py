"""What a network may cost, as the author of a sweep writes it:

    budgets:
      inception_v2:
        total_dram: 20MB
        reference_ops: 0
        ops: {Conv2d: {at_least: 57}}          # one fewer, and a convolution is no longer on the HTP
        socs:
          sa8255: {time_us: 500}               # besides the above, and instead of it if both name a figure
        graphs:
          decode: {time_us: 90}                # for this graph of a DLC that holds several

A plain value is the most that is allowed; `{at_least: ...}`, `{at_most: ...}` or both say otherwise, and for figures
where more is better, as in `cosine: {at_least: 0.99}`, one of them is required. Sizes take units (`20MB` is 20 000 000
bytes, `20MiB` is 20 x 2^20). What the simulator and the QHAS of an inference say is deterministic in all but time, so
one run is enough to judge it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ByteSize,
    Field,
    WithJsonSchema,
    create_model,
    model_validator,
)

from qhas.documents import Written
from qhas.naming import SocName
from qhas.profile.figures import BY_BUDGET_KEY, Figure, Unit
from qhas.profile.op_types import near_miss
from qhas.profile.origin import Origin


class Limit(Written):
    """The least and the most that is allowed, both inclusive."""

    at_most: float | None = Field(default=None, ge=0)
    at_least: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _allows_something(self) -> Self:
        if self.at_most is None and self.at_least is None:
            raise ValueError("a limit names at_most, at_least or both")
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least {self.at_least:g} is more than at_most {self.at_most:g}")
        return self


_SIZE = re.compile(r"\d+(\.\d+)? ?([kMGT]i?)?B?", re.IGNORECASE)


def _plain_size(value: Any) -> Any:
    """Reject texts that Pydantic would read only in part: `20,0MB` would be 20 bytes."""
    if isinstance(value, str) and not _SIZE.fullmatch(value.strip()):
        raise ValueError(
            f"{value!r} is not a size; write a number and a unit, with a point for decimals, as in 20MB or 1.5MiB"
        )
    return value


Bytes = Annotated[ByteSize, BeforeValidator(_plain_size)]


class SizeLimit(Limit):
    """A limit in bytes; as text with a unit, or as a number."""

    at_most: Bytes | None = None
    at_least: Bytes | None = None


def _at_most(given: Any) -> Any:
    return (
        {"at_most": given} if isinstance(given, int | float | str) and not isinstance(given, bool) else given
    )


def _side_named(given: Any) -> Any:
    is_plain = isinstance(given, int | float | str) and not isinstance(given, bool)
    if is_plain:
        raise ValueError(
            f"higher is better for this figure, so say which bound {given} is, as in {{at_least: {given}}}"
        )
    return given


def _schema(*plain: str) -> WithJsonSchema:
    """Return the schema of a plain value, or of both sides by name.

    It is for forms and for the Prefect API, which rejects values that do not fit.
    """
    value = [{"type": kind} for kind in plain]
    side = {"anyOf": [*value, {"type": "null"}]}
    sides = {"type": "object", "additionalProperties": False, "properties": dict.fromkeys(_SIDES, side)}
    return WithJsonSchema({"anyOf": [*value, sides]})


_SIDES = tuple(Limit.model_fields)
Amount = Annotated[Limit, BeforeValidator(_at_most), _schema("number")]
Score = Annotated[Limit, BeforeValidator(_side_named), _schema()]
"""A limit of a figure where more is better: a plain value would be the most that is allowed."""
Size = Annotated[SizeLimit, BeforeValidator(_at_most), _schema("number", "string")]


def _limits() -> dict[str, Any]:
    """Return a field for every figure that budgets accept."""
    return {
        key: (
            _kind_of(figure) | None,
            Field(default=None, description=figure.meaning),
        )
        for key, figure in BY_BUDGET_KEY.items()
    }


def _kind_of(figure: Figure) -> Any:
    if figure.unit is Unit.BYTES:
        return Size
    return Score if figure.less_is_better is False else Amount


def _op_type(name: str) -> str:
    if meant := near_miss(name):
        raise ValueError(f"no op type is called {name!r}; {meant} is")
    return name


if TYPE_CHECKING:
    _Limits = Written
else:
    _Limits = create_model("_Limits", __base__=Written, **_limits())


class Budget(_Limits):
    """Limits of one inference. Figures are those of the QHAS summary, except for the latency."""

    ops: dict[Annotated[str, AfterValidator(_op_type)], Amount] = Field(
        default={}, description="Number of the network's ops that ran on the HTP, by type, as in Conv2d."
    )
    origin: Origin | None = Field(
        default=None,
        description="`device` or `simulator`: judge only its figures. By default both are judged.",
    )

    @property
    def limits(self) -> dict[str, Limit]:
        """The limits by figure; those of op types as `ops.Conv2d`."""
        named = {name: value for name, value in self if isinstance(value, Limit)}
        return named | {f"ops.{kind}": limit for kind, limit in self.ops.items()}


class NetworkBudget(Budget):
    """The budget of a network on every SoC; a limit given for a SoC under `socs` takes precedence there."""

    socs: dict[SocName, Budget] = {}
    graphs: dict[str, Budget] = Field(
        default={}, description="For a DLC with several graphs: limits for each, by the graph's name."
    )

    def on(self, soc: str) -> Budget:
        """Return the budget for a SoC: its own limits, and the network's for figures where it has none."""
        return _refined(self, self.socs.get(soc, Budget()))

    def of_graphs_on(self, soc: str) -> dict[str, Budget]:
        """Return the same for each graph that has its own limits, which take precedence."""
        return {name: _refined(self.on(soc), own) for name, own in self.graphs.items()}


def _refined(common: Budget, own: Budget) -> Budget:
    everywhere = {name: getattr(common, name) for name in Budget.model_fields}
    set_here = {name: getattr(own, name) for name in own.model_fields_set}
    return Budget.model_validate(everywhere | set_here | {"ops": common.ops | own.ops})
