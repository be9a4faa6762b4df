"""What a test can order from a fake device: which fault, when and how often."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

TRANSFERS = ("push ", "pull ")


class DeviceFault(StrEnum):
    """One way a device fails, with a sentence saying what happens."""

    sentence: str

    def __new__(cls, value: str, sentence: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    OFFLINE = (
        "offline",
        "Every connection is cut (ssh: falls silent) and new ones are not answered until recover().",
    )
    UNAUTHORISED = ("unauthorised", "Every connection is cut and the device takes no key until recover().")
    DIE = (
        "die",
        "The daemon and all its connections end at once; new connections are refused until reboot().",
    )
    DROP = ("drop", "This one connection is cut; connecting again works at once.")
    CUT_TRANSFER = ("cut-transfer", "The connection is cut after `after_bytes` bytes of a push or pull.")
    CORRUPT_TRANSFER = (
        "corrupt-transfer",
        "One byte of a push or pull, at offset `after_bytes`, is changed.",
    )
    READ_ONLY = ("read-only", "The data directory can no longer be written until recover().")
    HANG = ("hang", "The command or transfer is accepted, is not run and never answers.")


@dataclass(frozen=True)
class DeviceRule:
    """A fault for whatever contains `when`: an adb service (`shell,v2,raw:...`), a `push` or `pull`, an ssh command.

    A transfer's text is `push PATH` or `pull PATH`. `times` is how often the fault strikes, None for always. Without
    `after_seconds` and `after_bytes` it strikes before the command starts, and the command is run only for READ_ONLY.
    With `after_seconds` the command runs and the fault strikes that long after its start, even if the command has
    finished by then. `after_bytes` counts a transfer's data.
    """

    when: str
    fault: DeviceFault
    times: int | None = 1
    after_seconds: float | None = None
    after_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.after_bytes is not None and not self.when.startswith(TRANSFERS):
            raise ValueError(
                f"after_bytes counts a transfer: `when` must begin with 'push ' or 'pull ', not {self.when!r}"
            )
        if self.fault in _OF_TRANSFERS and not self.when.startswith(TRANSFERS):
            raise ValueError(
                f"{self.fault} strikes transfers: `when` must begin with 'push ' or 'pull ', not {self.when!r}"
            )
        if self.fault is DeviceFault.READ_ONLY and self.after_bytes is not None:
            raise ValueError(
                "read-only cannot strike in the middle of a push: the kernel waits for its file to be closed"
            )
        if self.fault in _AT_THE_START and self.after_seconds is not None:
            raise ValueError(f"{self.fault} strikes at the start only: give no after_seconds")

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "DeviceRule":
        """Return the rule that `as_json` wrote."""
        return cls(**{**row, "fault": DeviceFault(row["fault"])})


_OF_TRANSFERS = {DeviceFault.CUT_TRANSFER, DeviceFault.CORRUPT_TRANSFER}
_AT_THE_START = {DeviceFault.HANG, DeviceFault.CORRUPT_TRANSFER}


class RuleBook:
    """The rules in force on a device, each with the number of its remaining strikes."""

    def __init__(self) -> None:
        self._rules: list[DeviceRule] = []
        self._left: list[int | None] = []

    def add(self, rules: Iterable[DeviceRule]) -> None:
        """Put more rules in force, after those already in force."""
        for rule in rules:
            self._rules.append(rule)
            self._left.append(rule.times)

    def clear(self) -> None:
        """Drop all rules."""
        self._rules.clear()
        self._left.clear()

    def take(self, text: str) -> DeviceRule | None:
        """Return the first matching rule that is not used up, and count this use; None if there is none."""
        for number, rule in enumerate(self._rules):
            left = self._left[number]
            if left != 0 and _meets(rule, text):
                self._left[number] = None if left is None else left - 1
                return rule
        return None


def _meets(rule: DeviceRule, text: str) -> bool:
    for kind in TRANSFERS:
        if rule.when.startswith(kind):
            return text.startswith(kind) and rule.when.removeprefix(kind) in text
    return rule.when in text
