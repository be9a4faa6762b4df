"""An explanation as rows and a sentence, for terminals and pages alike."""

from __future__ import annotations

from qhas.explain.model import Explanation, Finding, OpBound
from qhas.outside_text import shown
from qhas.units import microseconds, number, signed_percent

MOST_OPS = 12
FINDING_TITLES = ("what if", "time", "change", "elasticity")
"""The note in the last column has no title."""
OP_TITLES = ("% of time", "waits for", "of its threads", "of its ceiling", "node", "HTP op")


def finding_row(finding: Finding) -> tuple[str, str, str, str, str]:
    """Return the row of one experiment."""
    what = f"{finding.resource} {'x 2' if finding.factor > 1 else '/ 2'}"
    time = "" if finding.time_us is None else microseconds(finding.time_us)
    change = "" if finding.change_percent is None else signed_percent(finding.change_percent)
    follows = "" if finding.elasticity is None else number(f"{finding.elasticity:.2f}")
    return what, time, change, follows, finding.note


def op_row(op: OpBound) -> tuple[str, ...]:
    """Return the row of one node's ops."""
    waits = op.bound or ("" if op.htp_op else "the foreground thread")
    shares = ["" if share is None else f"{share:.0f} %" for share in (op.threads_percent, op.ceiling_percent)]
    return f"{op.share_percent:.1f}", waits, *shares, shown(f"{op.type} {op.node}"), shown(op.htp_op)


def circumstances(answer: Explanation) -> str:
    """Say how much has a bound, what is spilled, with which options and SDK, and that everything is simulated."""
    moved = [
        f"{name} {value:,} B" for name, value in (("spilled", answer.spill), ("filled", answer.fill)) if value
    ]
    fast = (
        f"ops with {answer.too_fast_percent:.1f} % of the time are simulated faster than any of the small networks that the ceilings "
        "come from, so trust their cost least; "
        if answer.too_fast_percent
        else ""
    )
    return (
        f"{answer.bounded_percent:.0f} % of the work on the dominant path has a bound; "
        f"{' and '.join(moved) or 'nothing is spilled for lack of VTCM'}; {fast}options: {answer.options}; SDK {answer.sdk}; "
        f"{answer.compiled} compiled now. All figures are simulated."
    )
