"""Both sides of a change run and are compared on the fake SDK: what fails the gate, what passes, what is not run."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.dlc import SAMPLE_NODES, make_dlc
from fakes.sdk import Fault, Rule, Tool, build_fake_sdk, order, read_calls
from qhas.failures import InvalidInput
from qhas.gate.gate import GateSpec, judge
from qhas.gate.model import GateResult, GateState
from qhas.gate.sides import read_sides
from qhas.site import SdkRef, Site
from qhas.site.sdk import find_sdk
from qhas.sweep.budget import NetworkBudget

MORE = [(f"conv{number}", "Conv2d") for number in range(5, 40)]
LONGER = [*SAMPLE_NODES[:-1], *MORE, SAMPLE_NODES[-1]]


class Change:
    """Two folders of networks, and a gate over them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sdk = build_fake_sdk(folder / "sdk")
        self.base, self.head = folder / "base", folder / "head"
        for side in (self.base, self.head):
            side.mkdir()
            make_dlc(side / "alpha.dlc", graph="alpha")

    def judged(self, **changes: object) -> GateResult:
        site = Site(store=str(self.folder / "store"), sdk=SdkRef(root=self.sdk))
        sides = read_sides(str(self.base), str(self.head), ["*"], self.folder)
        spec = GateSpec(**{"socs": ["sa8255"], **changes})
        return judge(*sides, spec, site, find_sdk(site.sdk), self.folder)


@pytest.fixture
def change(tmp_path: Path) -> Change:
    return Change(tmp_path)


def states(result: GateResult) -> dict[str, GateState]:
    return {line.network: line.state for line in result.lines}


def test_the_same_bytes_are_not_run(change: Change) -> None:
    result = change.judged()
    assert states(result) == {"alpha": GateState.UNCHANGED}
    assert result.passed
    assert (result.origin, result.times) == ("", "none, nothing was run")
    assert read_calls(change.sdk) == []


def test_a_slower_network_fails_the_gate_with_its_cause_and_a_faster_one_does_not(change: Change) -> None:
    make_dlc(change.head / "alpha.dlc", graph="alpha", nodes=LONGER)
    make_dlc(change.base / "beta.dlc", graph="beta", nodes=LONGER)
    make_dlc(change.head / "beta.dlc", graph="beta")
    result = change.judged()
    assert states(result) == {"alpha": GateState.WORSE, "beta": GateState.BETTER}
    assert not result.passed
    assert "Conv2d" in result.lines[0].sentence
    assert result.sentence.startswith("2 cells: 1 worse, 1 better. alpha on sa8255: ")


def test_new_and_removed_networks_are_told_and_pass(change: Change) -> None:
    make_dlc(change.head / "beta.dlc", graph="beta")
    make_dlc(change.base / "gamma.dlc", graph="gamma")
    result = change.judged()
    assert states(result) == {"beta": GateState.NEW, "gamma": GateState.REMOVED, "alpha": GateState.UNCHANGED}
    assert result.passed


def test_a_network_that_never_ran_does_not_fail_the_gate(change: Change) -> None:
    for side in (change.base, change.head):
        make_dlc(side / "beta.dlc", graph="beta", salt=side.name)
    order(change.sdk, Rule(Tool.PREPARE, Fault.ERROR_EXIT, model="beta"))
    result = change.judged()
    assert states(result)["beta"] is GateState.STILL_FAILS
    assert result.passed


def test_a_new_network_that_does_not_run_fails(change: Change) -> None:
    make_dlc(change.head / "beta.dlc", graph="beta")
    order(change.sdk, Rule(Tool.PREPARE, Fault.ERROR_EXIT, model="beta"))
    result = change.judged()
    assert states(result)["beta"] is GateState.FAILED
    assert not result.passed


def test_what_is_over_its_budget_fails_also_where_nothing_changed(change: Change) -> None:
    result = change.judged(budgets={"alpha": NetworkBudget.model_validate({"time_us": 1})})
    assert states(result) == {"alpha": GateState.OVER_BUDGET}
    assert "allowed: at most 1" in result.lines[0].sentence


@pytest.mark.parametrize("network", ["alpha", "beta"])
def test_what_did_not_change_and_does_not_run_fails_where_it_has_a_budget(
    change: Change, network: str
) -> None:
    for side in (change.base, change.head):
        (side / "beta.onnx").write_bytes(b"not converted")
    order(change.sdk, Rule(Tool.PREPARE, Fault.ERROR_EXIT, model="alpha"))
    result = change.judged(budgets={network: NetworkBudget.model_validate({"time_us": 1})})
    assert states(result)[network] is GateState.FAILED
    assert not result.passed


def test_a_budget_of_no_network_is_refused(change: Change) -> None:
    with pytest.raises(InvalidInput, match="budgets for delta"):
        change.judged(budgets={"delta": NetworkBudget()})


def test_a_second_gate_compiles_nothing(change: Change) -> None:
    make_dlc(change.head / "alpha.dlc", graph="alpha", nodes=LONGER)
    change.judged()
    prepared = len(read_calls(change.sdk, Tool.PREPARE))
    change.judged()
    assert len(read_calls(change.sdk, Tool.PREPARE)) == prepared == 2


def test_an_onnx_that_the_sdk_cannot_convert_fails_with_the_reason(change: Change) -> None:
    (change.head / "beta.onnx").write_bytes(b"\x08\x07")
    result = change.judged()
    assert states(result)["beta"] is GateState.FAILED
    assert "beta.onnx cannot be read as an ONNX" in result.lines[0].sentence


def test_the_graphs_of_a_dlc_are_compared_each_with_its_own(change: Change) -> None:
    make_dlc(change.base / "alpha.dlc", graphs=("prefill", "decode"))
    make_dlc(change.head / "alpha.dlc", graphs=("prefill", "decode"), nodes=LONGER)
    result = change.judged()
    assert sorted(states(result)) == ["alpha/decode", "alpha/prefill"]
    assert set(states(result).values()) == {GateState.WORSE}


def test_a_graph_that_is_gone_is_removed_and_a_new_one_is_new(change: Change) -> None:
    make_dlc(change.base / "alpha.dlc", graphs=("prefill", "decode"))
    make_dlc(change.head / "alpha.dlc", graphs=("prefill", "verify"))
    by_graph = states(change.judged())
    assert (by_graph["alpha/decode"], by_graph["alpha/verify"]) == (GateState.REMOVED, GateState.NEW)


def test_a_dlc_of_graphs_that_does_not_run_any_more_fails_once(change: Change) -> None:
    make_dlc(change.base / "beta.dlc", graphs=("prefill", "decode"))
    (change.head / "beta.dlc").write_bytes(b"no DLC")
    assert states(change.judged()) == {"alpha": GateState.UNCHANGED, "beta": GateState.FAILED}
