"""What an engineer reads in ten seconds."""

from __future__ import annotations

from fakes.records import run_record
from qhas.profile.figures import LATENCY
from qhas.runs.record import Origin
from qhas.verdict import CellVerdict, Verdict
from qhas.verdict.summary import morning_line, morning_page


def one(
    network: str, verdict: Verdict, change: float = 0.0, sentence: str = "", device: str | None = None
) -> CellVerdict:
    return CellVerdict(
        run_id="nightly-1",
        cell=f"{network}/sm8750/default",
        metric=LATENCY,
        origin=Origin.DEVICE,
        verdict=verdict,
        value=1.0,
        change_percent=change,
        sentence=sentence or f"{network} is {verdict}.",
        device=device,
    )


def test_the_largest_new_regression_is_named_and_the_rest_is_counted() -> None:
    line = morning_line(
        [
            one("a", Verdict.NEW, 4.0),
            one("b", Verdict.NEW, 9.0),
            one("c", Verdict.SUSTAINED, 30.0),
            one("d", Verdict.ENVIRONMENTAL, 6.0, device="oneplus13"),
            one("e", Verdict.STEADY),
        ]
    )
    assert line == "2 new regressions, the first: b is new; 1 sustained; 1 environmental; look at oneplus13."


def test_a_good_night_says_that_it_is_good() -> None:
    assert morning_line([one("a", Verdict.STEADY), one("b", Verdict.INSUFFICIENT_DATA)]) == (
        "No regression in 1 judged cell; 1 cell with too few nights."
    )


def test_a_first_run_says_nothing_of_verdicts() -> None:
    assert morning_line([one(name, Verdict.INSUFFICIENT_DATA) for name in "abc"]) == ""
    assert morning_line([]) == ""
    page = morning_page(run_record(cells=1), [one("a", Verdict.INSUFFICIENT_DATA)])
    assert page == "**1 of 1 cells good**.\n\nRun nightly-1."


def test_the_page_lists_what_is_not_steady_the_gravest_first() -> None:
    page = morning_page(
        run_record(cells=5, failed=1, missing=1),
        [one("z", Verdict.SUSPICIOUS), one("b", Verdict.NEW, 9.0, "b | worse."), one("e", Verdict.STEADY)],
    )
    lines = page.splitlines()
    assert lines[0].startswith("**3 of 5 cells good**, 1 failed, 1 not run. 1 new regression, the first:")
    assert lines[4:6] == [
        "| b/sm8750/default | new | b \\| worse. |",
        "| z/sm8750/default | suspicious | z is suspicious. |",
    ]
    assert lines[-1] == "Run nightly-1."


def test_a_page_of_a_terrible_night_has_an_end() -> None:
    page = morning_page(run_record(cells=90), [one(f"n{n}", Verdict.NEW) for n in range(90)])
    assert page.count("| new |") == 20
    assert "And 70 more." in page
