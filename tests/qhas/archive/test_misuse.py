"""Misuse in a notebook raises one of this project's errors, in one sentence that says what to pass instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import qhas
from qhas.store import Store
from tests.qhas.archive.stored import put_nights

Asked = Callable[[qhas.Archive, str], Any]
ASKED: dict[str, tuple[Asked, str]] = {
    "a run that is none": (lambda lab, _: lab.run("nope"), "has no run nope"),
    "no run": (lambda lab, _: lab.run(None), "A run must be given as a str, as in 'latest', not as None"),
    "a run by its number": (lambda lab, _: lab.run(3), "not as 3"),
    "a run of no name": (lambda lab, _: lab.run(" "), "not as ' '"),
    "a cell that is none": (lambda lab, _: lab.run().cell("net/sm9"), "choose from net/sm8750/default"),
    "no cell": (lambda lab, _: lab.run().cell(None), "A cell must be given as a str"),
    "a file that is none": (lambda lab, _: lab.run().cells[0].file("nope"), "has no nope; it has"),
    "a figure that is none": (lambda lab, _: lab.history("net", "sm8750", "time"), "choose from time_us"),
    "a network by its number": (lambda lab, _: lab.cells(5), "Where selects rows by name"),
    "no question": (lambda lab, _: lab.query(None), "A query must be given as a str"),
    "a view that is none": (lambda lab, _: lab.query("select * from cels"), "The views are cells, ops"),
    "a comparison with nothing": (
        lambda lab, _: lab.compare("latest", None),
        "A run or a cell must be given",
    ),
    "a store by its number": (lambda _, root: qhas.open(5), "A store must be given as a str"),
    "a store of no name": (lambda _, root: qhas.open(""), "not as ''"),
    "a store that is not there": (lambda _, root: qhas.open(f"{root}/gone"), "There is no store at"),
    "the address of a store for a store": (lambda _, root: qhas.load_run(root, "x"), "give qhas.Store(...)"),
    "no store for a history": (
        lambda _, root: qhas.read_history(None, qhas.Where()),
        "'None' is not a store",
    ),
    "a column that is none": (
        lambda _, root: qhas.read_history(Store(root), qhas.Where(), ["time"]),
        "The history has no column time; choose from time_us",
    ),
    "a network for networks": (lambda _, root: qhas.Where("net"), "Where(['resnet50'], soc='sa8255')"),
    "a number for a site file": (lambda _, root: qhas.load_site(5), "5 cannot be a site file"),
    "a number for a sweep file": (lambda _, root: qhas.load_sweep(5), "5 cannot be a sweep file"),
    "a sweep file that is not there": (lambda _, root: qhas.load_sweep("gone.yaml"), "there is no such file"),
    "a QHAS file that is not there": (
        lambda _, root: qhas.read_qhas("gone.json"),
        "gone.json cannot be read",
    ),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = str(tmp_path_factory.mktemp("lab") / "store")
    put_nights(Store(root))
    return root


@pytest.mark.parametrize("misuse", ASKED)
def test_misuse_is_refused_in_one_sentence(root: str, misuse: str) -> None:
    ask, says = ASKED[misuse]
    with pytest.raises(qhas.InvalidInput) as refused:
        ask(qhas.open(root), root)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("address", [None, 5, "", "ftpp://lab/store"])
def test_what_cannot_be_a_store_is_a_store_error(address: Any) -> None:
    with pytest.raises(qhas.StoreError, match=r"cannot be (a store|used)"):
        qhas.Store(address)


def test_a_store_may_be_named_by_its_path(root: str) -> None:
    assert qhas.Store(Path(root)).exists("runs/nightly-1/sweep.json")


def test_a_closed_archive_and_what_came_of_it_refuse_whatever_is_asked(root: str) -> None:
    with qhas.open(root) as lab:
        run = lab.run()
        cell = run.cells[0]
    for ask in (lab.runs, lab.run, lab.cells, run.ops, run.verdicts, cell.trace, cell.ops, lab._repr_html_):
        with pytest.raises(qhas.InvalidInput, match=r"is closed: open it again with qhas\.open\.$"):
            ask()
    lab.close()
    assert repr(lab) == f"<Archive {root}>"
