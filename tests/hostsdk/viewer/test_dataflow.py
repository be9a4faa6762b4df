"""Which of the executed ops feed which."""

from __future__ import annotations

from hostsdk.viewer.dataflow import executed_inputs
from hostsdk.viewer.schematic import HtpOp


def graph(**edges: str) -> dict[int, HtpOp]:
    """Return ops by letter, each with the letters of its inputs."""
    return {
        ord(op): HtpOp("q::Op", tuple((ord(source), 0) for source in sources), ())
        for op, sources in edges.items()
    }


def feeding(ops: dict[int, HtpOp], executed: str) -> dict[str, str]:
    found = executed_inputs(ops, frozenset(map(ord, executed)))
    return {chr(op): "".join(map(chr, sources)) for op, sources in found.items()}


def test_an_executed_input_is_named_directly() -> None:
    assert feeding(graph(a="", b="a", c="ab"), "abc") == {"a": "", "b": "a", "c": "ab"}


def test_an_op_that_never_runs_passes_on_what_feeds_it() -> None:
    assert feeding(graph(a="", b="", c="ab", d="c", e="da"), "abe") == {"a": "", "b": "", "e": "ab"}


def test_an_input_that_comes_by_two_ways_is_named_once() -> None:
    assert feeding(graph(a="", b="a", c="a", d="bc"), "ad") == {"a": "", "d": "a"}


def test_inputs_missing_from_the_graph_are_left_out() -> None:
    assert feeding(graph(a="x"), "a") == {"a": ""}


def test_a_chain_longer_than_the_recursion_limit_is_followed() -> None:
    length = 20_000
    ops = {n: HtpOp("q::Op", ((n - 1, 0),) if n else (), ()) for n in range(length)}
    assert executed_inputs(ops, frozenset({0, length - 1}))[length - 1] == (0,)


def test_a_loop_which_only_a_damaged_file_has_ends() -> None:
    assert set(feeding(graph(a="", b="ac", c="b", d="c"), "ad")) == {"a", "d"}
