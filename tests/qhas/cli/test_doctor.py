"""`qhas doctor` as a command. Its checks are tested in `tests/qhas/upkeep`."""

from __future__ import annotations

from tests.qhas.cli.desk import Desk


def test_doctor_says_what_is_wrong_and_ends_with_1(desk: Desk) -> None:
    desk.site({"store": "store", "sdk": {"root": "gone"}})
    result = desk.run("doctor", "--site", "site.yaml")
    assert result.exit_code == 1
    assert "is not a directory" in " ".join(result.stdout.split())


def test_doctor_reads_every_stored_file_when_asked(desk: Desk) -> None:
    desk.store.write("runs/nightly-1/net/sm8750/default/manifest.json", b"")
    said = " ".join(desk.run("doctor", "--verify", "--site", "site.yaml").stdout.split())
    assert "bad stored runs 2 damages in 1 run, 0 cells" in said
    assert "stored runs" not in desk.run("doctor", "--site", "site.yaml").stdout
