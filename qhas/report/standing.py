"""A cell's standing in a word, a colour and a sentence: failure, verdict, or comparison with the baseline."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from qhas import units
from qhas.diff import model as diff
from qhas.profile.figures import HEADLINE
from qhas.report.findings import Findings
from qhas.runs.condition import poor
from qhas.runs.record import CellRecord
from qhas.units import signed, words
from qhas.verdict.model import SdkOutcome, Verdict, headlines


class Tone(StrEnum):
    """The colour of a word; members are names in the style sheet."""

    FAILED = "failed"
    """No result."""
    WORSE = "worse"
    """Someone should look at it."""
    DOUBT = "doubt"
    """The figure says less than it seems to."""
    BETTER = "better"
    """Faster, or back at the old level."""
    CHANGED = "changed"
    """A different figure, neither better nor worse."""
    GOOD = "good"
    """Nothing to see."""


@dataclass(frozen=True)
class Standing:
    """The standing of a cell.

    `percent` is the change of the headline figure; None if there is nothing to compare with.
    """

    tone: Tone
    word: str
    sentence: str = ""
    percent: float | None = None

    @property
    def change(self) -> str:
        """The change for display, as in `+12.3 %`; empty if there is none."""
        return "" if self.percent is None else signed(self.percent, units.percent)


_VERDICTS = {
    Verdict.NEW: Tone.WORSE,
    Verdict.SUSTAINED: Tone.WORSE,
    Verdict.DRIFTING: Tone.WORSE,
    Verdict.FLAKY: Tone.DOUBT,
    Verdict.SUSPICIOUS: Tone.DOUBT,
    Verdict.POOR_CONDITIONS: Tone.DOUBT,
    Verdict.ENVIRONMENTAL: Tone.DOUBT,
    Verdict.RECOVERED: Tone.BETTER,
    Verdict.IMPROVED: Tone.BETTER,
    Verdict.CHANGED: Tone.CHANGED,
    Verdict.ACCEPTED: Tone.CHANGED,
    Verdict.STEADY: Tone.GOOD,
}
_SDK = {SdkOutcome.SLOWER: Tone.WORSE, SdkOutcome.FASTER: Tone.BETTER}
_DIFFS = {
    diff.Outcome.WORSE: Tone.WORSE,
    diff.Outcome.BETTER: Tone.BETTER,
    diff.Outcome.SAME: Tone.GOOD,
}


def standing(record: CellRecord, findings: Findings, compared: diff.CellDiff | None = None) -> Standing:
    """Return what a matrix and the head of a page say about the cell.

    `compared` is its comparison with the baseline, if the findings do not hold it yet.
    """
    key = record.cell.key
    if failure := record.failure:
        return Standing(Tone.FAILED, words(failure.kind), f"{failure.message} {failure.hint}")
    compared = compared or findings.diffs.get(key)
    change = compared.time.percent if compared else None
    if (acceptance := findings.accepted.get(key)) and acceptance.run_id == record.run_id:
        return Standing(Tone.CHANGED, "accepted", f"A{acceptance.sentence[1:]}.", change)
    if broken := record.over_budget:
        return Standing(Tone.WORSE, "over budget", " ".join(result.sentence for result in broken), change)
    verdict = headlines(findings.verdicts.get(key, ())).get(key)
    if verdict and (upgrade := verdict.upgrade) and upgrade.outcome is not SdkOutcome.SAME:
        return Standing(
            _SDK[upgrade.outcome], f"{upgrade.outcome} with SDK {upgrade.after}", verdict.sentence, change
        )
    if verdict and verdict.verdict is not Verdict.INSUFFICIENT_DATA:
        word = words(verdict.verdict)
        if verdict.metric is HEADLINE[record.origin]:
            return Standing(_VERDICTS[verdict.verdict], word, verdict.sentence, change)
        word = f"{word}: {verdict.metric.words_of(record.origin)}"
        if verdict.verdict.regressed and (faster := _faster(record, findings, compared)):
            return Standing(
                faster.tone, f"{faster.word}; {word}", f"{faster.sentence} {verdict.sentence}", change
            )
        return Standing(_VERDICTS[verdict.verdict], word, verdict.sentence, change)
    if reasons := poor(record.health, record.latency):
        return Standing(Tone.DOUBT, "poor", f"{', '.join(reasons)}: do not quote the latency.", change)
    if compared:
        return Standing(_DIFFS[compared.verdict], words(compared.verdict), compared.sentence, change)
    return Standing(Tone.GOOD, "complete")


def _faster(record: CellRecord, findings: Findings, compared: diff.CellDiff | None) -> Standing | None:
    """Return the standing of a cell that is faster, by the verdict on its time or else by the comparison; else None."""
    for verdict in findings.verdicts.get(record.cell.key, ()):
        if verdict.metric is HEADLINE[record.origin] and verdict.verdict.says_something:
            better = _VERDICTS[verdict.verdict] is Tone.BETTER
            return Standing(Tone.BETTER, words(verdict.verdict), verdict.sentence) if better else None
    if compared and compared.verdict is diff.Outcome.BETTER:
        return Standing(Tone.BETTER, words(compared.verdict), compared.sentence)
    return None
