"""Advice reports a helpful change with its gain and writes it, names one that did not help, and omits the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from qhas.advise.advise import advise
from qhas.advise.model import Advice, Attempt, Verdict
from qhas.advise.onnx_graph import load
from qhas.failures import InvalidInput
from qhas.site import Site
from qhas.tune.subject import open_bench
from tests.qhas.advise.test_rewrites import Net

pytestmark = pytest.mark.hostsdk


def attempt(name: str, verdict: Verdict, gain: float | None = None) -> Attempt:
    return Attempt(name=name, sentence="", source="", verdict=verdict, gain_percent=gain)


def advice(*together: str, after_us: float = 100.0) -> Advice:
    attempts = [
        attempt("small", Verdict.HELPED, -1),
        attempt("large", Verdict.HELPED, -40),
        attempt("none", Verdict.NOT_APPLICABLE),
    ]
    return Advice(
        network="net", soc="sa8255", sdk="2.51", before_us=100.0, after_us=after_us, together=list(together),
        attempts=attempts, truth="no expectation",
    )  # fmt: skip


def test_the_gain_is_called_simulated_in_its_own_sentence() -> None:
    assert advice("large", after_us=60).sentence == (
        "net on sa8255: −40 % by large, simulated, not confirmed on a device: 60 µs instead of 100 µs; no expectation."
    )


def test_what_applied_and_brought_nothing_is_counted() -> None:
    assert "none of 2 applicable rewrites is simulated faster than 100 µs" in advice().sentence


def test_the_most_helpful_comes_first() -> None:
    assert [each.name for each in advice().of(Verdict.HELPED)] == ["large", "small"]


def test_what_is_no_onnx_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"\x01no network")
    with pytest.raises(ValueError, match="cannot be read as ONNX"):
        load(path)


def shuffled_between_convolutions() -> Net:
    shape, split = (1, 128, 28, 28), np.array([1, 2, 64, 28, 28])
    net = Net(shape).weights("w1", 128, 128, 1, 1).weights("w2", 128, 128, 1, 1)
    net.constant("split", split).constant("whole", np.array(shape)).op("Conv", "x w1", "a")
    net.op("Reshape", "a split", "b").op("Transpose", "b", "c", perm=[0, 2, 1, 3, 4])
    return net.op("Reshape", "c whole", "d").op("Conv", "d w2", "y")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_shuffle_is_rewritten_and_asked_again_nothing_is_compiled(tmp_path: Path) -> None:
    network, target = tmp_path / "net.onnx", tmp_path / "better.onnx"
    onnx.save(shuffled_between_convolutions().model(), str(network))
    answers = []
    for _ in range(2):
        with open_bench(str(network), "sa8255", Site(store=str(tmp_path / "store"))) as bench:
            answers.append(advise(network, bench, target))
            truth = bench.truth_of(answers[0].after_us)
    first, again = answers
    assert first.truth == truth  # of the rewritten network
    (helped,) = first.of(Verdict.HELPED)
    assert helped.name == "shuffle-as-convolution"
    assert first.after_us < first.before_us
    assert [node.op_type for node in load(target).graph.node] == ["Conv"] * 3
    assert (again.after_us, again.compiled) == (first.after_us, 0)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_network_that_could_show_no_difference_is_refused(tmp_path: Path) -> None:
    network = tmp_path / "net.onnx"
    onnx.save(
        Net((1, 8, 8, 8)).constant("c", 0.0).op("Relu", "x", "a").op("Sub", "a a", "y").model(), str(network)
    )
    with (
        open_bench(str(network), "sa8255", Site(store=str(tmp_path / "store"))) as bench,
        pytest.raises(InvalidInput, match="no rewrite could be checked"),
    ):
        advise(network, bench, tmp_path / "better.onnx")
