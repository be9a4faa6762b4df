"""How often, and for how long, a series was slow without anybody having changed it."""

from __future__ import annotations

from dataclasses import dataclass, field

from qhas.verdict.look import Look, Slow

NO_WONDER = 0.001
"""Chance from which slow runs may be what the series does now and then."""
_REMEMBERED = 40
"""Nights for which they are counted against a series, and, as the next, against its rack."""
_RACK_REMEMBERS = 75


@dataclass
class Spells:
    """Regressions that came back by themselves: the night of their end, and how many nights they had been there."""

    _ended: list[tuple[int, int]] = field(default_factory=list)

    def end(self, night: int, nights: int) -> None:
        """A regression has come back."""
        self._ended = [*self._since(night, _RACK_REMEMBERS), (night, max(1, nights))]

    def recent(self, night: int) -> list[tuple[int, int]]:
        """Those that are remembered."""
        return self._since(night, _REMEMBERED)

    def count(self, night: int) -> int:
        """Those that the rack remembers."""
        return len(self._since(night, _RACK_REMEMBERS))

    def _since(self, night: int, nights: int) -> list[tuple[int, int]]:
        return [spell for spell in self._ended if night - spell[0] <= nights]

    def before(self, look: Look, night: int) -> Slow:
        """All slow nights that have passed, these and the ones within the level's nights."""
        recent = self.recent(night)
        return look.slow + Slow(sum(nights for _, nights in recent), len(recent))

    def chance(self, look: Look, night: int, measured: int) -> float:
        """Of so many slow runs on end, if it has a slow mode as often, and for as long, as was seen (rule of succession)."""
        slow = self.before(look, night) if look.off > 0 else Slow()
        enters = (slow.nights + 1) / (look.known + len(self.recent(night)) + 2)
        stays = max(enters, (slow.nights - slow.spells + enters) / (slow.nights + 1))
        return float(enters * stays ** (measured - 1))
