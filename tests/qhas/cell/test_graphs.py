"""No two graphs of a DLC share a folder, whatever their names."""

from __future__ import annotations

import pytest

from qhas.cell.graphs import folders
from qhas.naming import check_name


@pytest.mark.parametrize(
    "names",
    [
        ["encoder", "decoder"],
        ["a", "A", "a"],
        ["1-a", "a", "A", "2-A", "a"],
        ["a/b", "a b", "a_b"],
        ["x" * 200, "y" + "x" * 199, "X" * 100],
        ["", "..", "unnamed"],
    ],
)
def test_every_graph_has_a_folder_of_its_own(names: list[str]) -> None:
    chosen = folders(names)
    assert len({folder.lower() for folder in chosen}) == len(names)
    assert list(map(check_name, chosen)) == chosen


@pytest.mark.parametrize(
    "name",
    [
        "manifest.json",
        "Prepared.dlc",
        "unfinished",
        "OUTPUT",
        "Result_0",
        "network.json.gz",
        "qnn-profiling-data.log",
    ],
)
def test_no_graph_has_the_name_of_a_file_that_lies_beside_it(name: str) -> None:
    assert folders([name, "net"]) == [f"1-{name}", "net"]


def test_a_graph_that_is_alone_with_its_name_keeps_it() -> None:
    assert folders(["encoder", "decoder"]) == ["encoder", "decoder"]
