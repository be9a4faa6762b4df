"""How often, and for how long, a series was slow without anyone having changed it."""

from __future__ import annotations

from dataclasses import dataclass, field

from qhas.verdict.look import Look, Slow

NO_WONDER = 0.001
"""The chance above which slow runs may just be what the series does now and then."""
_REMEMBERED = 40
"""Nights for which they are counted against a series; for its rack, `_RACK_REMEMBERS`."""
_RACK_REMEMBERS = 75


@dataclass
class Spells:
    """Regressions that came back by themselves: the night of their end, and how many nights they had lasted."""

    _ended: list[tuple[int, int]] = field(default_factory=list)

    def end(self, night: int, nights: int) -> None:
        """Record that a regression has come back."""
        self._ended = [*self._since(night, _RACK_REMEMBERS), (night, max(1, nights))]

    def recent(self, night: int) -> list[tuple[int, int]]:
        """Return the spells that are remembered."""
        return self._since(night, _REMEMBERED)

    def count(self, night: int) -> int:
        """Return the number of spells that the rack remembers."""
        return len(self._since(night, _RACK_REMEMBERS))

    def _since(self, night: int, nights: int) -> list[tuple[int, int]]:
        return [spell for spell in self._ended if night - spell[0] <= nights]

    def before(self, look: Look, night: int) -> Slow:
        """Return all slow nights that have passed: those of recent spells, and those among the level's nights."""
        recent = self.recent(night)
        return look.slow + Slow(sum(nights for _, nights in recent), len(recent))

    def chance(self, look: Look, night: int, measured: int) -> float:
        """Return the chance of `measured` slow runs in a row.

        It assumes a slow mode as frequent and as long as was seen so far (rule of succession).
        """
        slow = self.before(look, night) if look.off > 0 else Slow()
        enters = (slow.nights + 1) / (look.known + len(self.recent(night)) + 2)
        stays = max(enters, (slow.nights - slow.spells + enters) / (slow.nights + 1))
        return float(enters * stays ** (measured - 1))
