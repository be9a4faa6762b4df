"""Accepted levels: from the accepted run on, a cell's figures are compared with them.

One object per acceptance, written atomically. A withdrawn acceptance is kept, with who withdrew it, but does not
count.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated

from pydantic import Field, ValidationError

from qhas.documents import Moment, Stored
from qhas.naming import Name, is_key
from qhas.outside_text import ShownText
from qhas.runs import keys
from qhas.runs.record import BudgetResult, BudgetState
from qhas.store import Store

LONGEST = 500
"""Maximum length of a reason, in characters."""
_SCHEMA_VERSION = 1
_NOISE = 0.03
"""Share by which a noisy figure may be worse than its accepted level: smaller changes are not worth a morning."""

Who = Annotated[ShownText, Field(min_length=1, max_length=100)]
Why = Annotated[ShownText, Field(min_length=1, max_length=LONGEST)]


class Withdrawal(Stored):
    """Who withdrew an acceptance, and when."""

    by: Who
    at: Moment


class Acceptance(Stored):
    """A cell's level in a run, accepted as the baseline from then on: by whom, when, and why."""

    schema_version: int = Field(default=_SCHEMA_VERSION, le=_SCHEMA_VERSION)
    sweep: Name
    run_id: Name
    cell: str = Field(description="Key of the cell, `<model>/<soc>/<variant>`.")
    night: date = Field(description="Night of the run, UTC.")
    by: Who
    at: Moment
    reason: Why
    budgets: dict[str, float] = Field(
        default={}, description="Figures that exceeded their budgets and are allowed from then on."
    )
    withdrawn: Withdrawal | None = None

    @property
    def sentence(self) -> str:
        """Who accepted the level, when, and why, in words without a full stop."""
        return f"accepted by {self.by} on {self.at.date().isoformat()}: {self.reason.rstrip('.')}"

    @property
    def full_sentence(self) -> str:
        """The whole acceptance in a sentence, with the withdrawal if there is one."""
        what = f"{self.run_id}/{self.cell}: {self.sentence}"
        if gone := self.withdrawn:
            return f"{what}; taken back by {gone.by} on {gone.at.date().isoformat()}."
        return f"{what}. It is the baseline from {self.night.isoformat()} on."

    @property
    def key(self) -> str:
        """The key under which the acceptance is stored."""
        return keys.accepted(self.sweep, self.cell, self.run_id)


def read_acceptances(store: Store, sweep: str | None = None, cell: str | None = None) -> list[Acceptance]:
    """Return the acceptances of a sweep, of one of its cells, or of all sweeps, oldest first. Raises StoreError.

    Withdrawn ones are included. Objects that cannot be read, such as those of a later version, are left out.
    """
    prefix = keys.accepted(sweep, cell) if sweep else keys.ACCEPTED
    listed = (each.key for each in store.objects(prefix))
    names = [key for key in listed if key.endswith(".json") and is_key(key)]
    contents = store.read_all(names) if names else []
    every = (_acceptance(key, content) for key, content in zip(names, contents, strict=True))
    return sorted(
        (acceptance for acceptance in every if acceptance),
        key=lambda acceptance: (acceptance.night, acceptance.at),
    )


def read_accepted(store: Store, sweep: str, cell: str | None = None) -> list[Acceptance]:
    """Return the acceptances that have not been withdrawn. Raises StoreError."""
    return [acceptance for acceptance in read_acceptances(store, sweep, cell) if acceptance.withdrawn is None]


def read_acceptance(store: Store, sweep: str, cell: str, run_id: str) -> Acceptance | None:
    """Return the acceptance of one cell of one run, even if it was withdrawn. Raises StoreError."""
    key = keys.accepted(sweep, cell, run_id)
    return _acceptance(key, store.read(key))


def _acceptance(key: str, content: bytes | None) -> Acceptance | None:
    try:
        acceptance = Acceptance.model_validate_json(content, extra="ignore") if content else None
    except ValidationError:
        return None
    return (
        acceptance if acceptance and acceptance.key == key else None
    )  # a copy under another key does not count


def with_accepted(results: Iterable[BudgetResult], accepted: Iterable[Acceptance]) -> list[BudgetResult]:
    """Return the results, with those over budget but not beyond the last accepted level as ACCEPTED."""
    levels = {name: acceptance for acceptance in accepted for name in acceptance.budgets}
    return [_allowed(result, levels.get(result.figure)) for result in results]


def _allowed(result: BudgetResult, acceptance: Acceptance | None) -> BudgetResult:
    if acceptance is None or result.state is not BudgetState.OVER or result.value is None:
        return result
    level = acceptance.budgets[result.figure]
    too_much = result.at_most is not None and result.value > max(result.at_most, level * (1 + _NOISE))
    too_little = result.at_least is not None and result.value < min(result.at_least, level * (1 - _NOISE))
    if too_much or too_little:
        return result
    sentence = f"{result.sentence.rstrip('.')}; {acceptance.sentence}."
    return result.model_copy(update={"state": BudgetState.ACCEPTED, "sentence": sentence})
