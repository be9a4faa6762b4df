"""`qhas doctor` as a command. What it looks at is tested in `tests/qhas/upkeep`."""

from __future__ import annotations

from tests.qhas.cli.desk import Desk


def test_doctor_says_what_is_wrong_and_ends_with_1(desk: Desk) -> None:
    desk.site({"store": "store", "sdk": {"root": "gone"}})
    result = desk.run("doctor", "--site", "site.yaml")
    assert result.exit_code == 1
    assert "is not a directory" in " ".join(result.stdout.split())
