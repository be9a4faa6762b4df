"""`qhas accept` at the terminal."""

from __future__ import annotations

import json

import pytest

from qhas.cli.frame import Exit
from tests.qhas.archive.stored import put_nights
from tests.qhas.cli.desk import Desk


def test_a_level_is_accepted_listed_and_taken_back(desk: Desk) -> None:
    put_nights(desk.store)
    site = ("--site", "site.yaml")
    done = desk.run("accept", "nightly-2/net/sm8750", "--reason", "new kernel", "--by", "ana", *site)
    assert (done.exit_code, done.stdout.count("\n")) == (Exit.GOOD, 1)
    assert "nightly-2/net/sm8750/default: accepted by ana on " in done.stdout
    (one,) = json.loads(desk.run("accept", "--list", "--json", *site).stdout)["accepted"]
    assert (one["cell"], one["reason"], one["withdrawn"]) == ("net/sm8750/default", "new kernel", None)
    assert (
        "taken back by ben" in desk.run("accept", "latest/net/sm8750", "--undo", "--by", "ben", *site).stdout
    )
    assert "taken back by ben" in desk.run("accept", "--list", *site).stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Name a cell"),
        (("nightly-2/net/sm8750",), "--reason"),
        (("nightly-2/net/sm8750", "--undo", "--reason", "x"), "--reason"),
        (("nightly-2", "--reason", "x"), "is a whole run"),
        (("nightly-2/net/sa8255", "--reason", "x"), "net/sm8750/default"),
        (("nightly-2/net/sm8750", "--list"), "--list accepts no cell"),
    ],
)
def test_what_is_no_acceptance_is_refused(desk: Desk, words: tuple[str, ...], says: str) -> None:
    put_nights(desk.store)
    assert says in desk.refused("accept", *words, "--site", "site.yaml")
