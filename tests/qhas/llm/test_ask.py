"""A query about a model: extrapolated from one block and two to the whole, and repeated from the store."""

from __future__ import annotations

import pytest

from qhas.cli.llm import document
from qhas.estimate.estimator import open_estimator
from qhas.estimate.model import GraphEstimate
from qhas.failures import InvalidInput
from qhas.llm import expected, graphs
from qhas.llm.ask import ask
from qhas.llm.expected import calibrations_of
from qhas.llm.model import NOTHING
from qhas.llm.parts import Kind, Part, Question
from qhas.llm.scaling import Cost, scaled, shares
from qhas.llm.table import expected_rows, figure_rows, share_rows
from qhas.network.recipe import Recipe, WeightBits
from qhas.report.llm_page import page
from qhas.site.sdk import HOST_TARGET
from qhas.store import Store
from tests.qhas.estimating import HostSdk
from tests.qhas.explain.test_experiments import estimate, op
from tests.qhas.llm.pairs import made

BY_NORMS = """
    if asked["soc"] == "sm0000" or asked["dlc"] is None:
        print(json.dumps({"refusal": "no such SoC."} if asked["soc"] == "sm0000" else {"graphs": []}), flush=True)
        continue
    cycles = 1000 + 500 * open(asked["dlc"], "rb").read().count(b"RMSNormalization")
"""


@pytest.fixture
def host(tmp_path):
    """A host SDK that charges 1,000 cycles of 1 GHz for a block, 1,500 for the head, and 1,000 for any graph."""
    host = HostSdk(tmp_path, BY_NORMS.strip())
    converter = host.sdk.root / "bin" / HOST_TARGET / "snpe-onnx-to-dlc"
    converter.write_text('#!/bin/sh\ncp "$2" "$4"\n')
    converter.chmod(0o755)
    return host


def asked(host, tmp_path, question, *socs):
    with open_estimator(host.sdk, Store(str(tmp_path / "store")), 1) as estimator:
        return ask(question, socs, estimator, tmp_path)


def test_a_model_is_its_blocks_and_its_ends(host, tmp_path, arch):
    question = Question("small", arch, Recipe(), (128, 256))
    answer = asked(host, tmp_path, question, "sm8750")
    decode = answer.figures[0].decode
    assert (decode.block_us, decode.constant_us, decode.ends_us) == (1, 1, 2.5)
    assert decode.time_us == 1 + 16 + 2.5
    assert answer.figures[0].decode_tokens_per_s == pytest.approx(1e6 / 19.5)
    assert answer.figures[1].first_token_full_ms == 2 * answer.figures[1].first_token_ms
    assert answer.compiled == 12
    assert "1 and 2 decoder blocks" in answer.sentence
    assert "16 blocks" in answer.sentence
    for titles, rows in (figure_rows(answer), share_rows(answer)):
        assert {len(row) for row in rows} == {len(titles)}
    written = page(answer.model_copy(update={"model": "<b>small"}))
    assert written.count("<polyline") == 2
    assert "<b>" not in written
    again = asked(host, tmp_path, question, "sm8750")
    assert (again.compiled, again.figures) == (0, answer.figures)
    assert not list(tmp_path.glob("*.onnx"))
    assert not list(tmp_path.glob("*.dlc"))


def test_what_devices_are_expected_to_give_stands_beside(host, tmp_path, arch, monkeypatch):
    known = calibrations_of([*made(context=256), *made(tokens=128, context=256)])
    monkeypatch.setattr(expected, "calibrations", lambda: known)
    answer = asked(host, tmp_path, Question("small", arch, Recipe(), (128, 256)), "sm8750")
    titles, rows = expected_rows(answer)
    assert [row[0] for row in rows] == [
        "Galaxy S25 (sm8750) 256 decode, tokens/s", "Galaxy S25 (sm8750) 256 first token, ms",
    ]  # fmt: skip
    assert {len(row) for row in rows} == {len(titles)}
    text = page(answer)
    assert rows[0][2] in text
    assert "models were measured at context 256" in text
    by_figure = [
        (each["context"], each["figure"], len(each["by_runtime"])) for each in document(answer)["expected"]
    ]
    assert by_figure == [
        (128, "decode_tokens_per_s", 0), (128, "first_token_ms", 0), (256, "decode_tokens_per_s", 1), (256, "first_token_ms", 1),
    ]  # fmt: skip


def test_what_has_no_estimate_is_told_for_its_soc(host, tmp_path, arch):
    question = Question("small", arch, Recipe(), (128,))
    answer = asked(host, tmp_path, question, "sm8750", "sm0000")
    assert [(each.soc, "no such SoC." in each.why) for each in answer.failed] == [("sm0000", True)]
    before = host.asked
    with pytest.raises(InvalidInput, match="no such SoC"):
        asked(host, tmp_path, question, "sm0000")
    assert host.asked == before + 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"contexts": (0,)}, "--context 0"),
        ({"contexts": (4096, 1 << 20)}, "--context 1048576"),
        ({"count": 0}, "--layers 0"),
        ({"count": 9}, "--layers 9"),
        ({"prompt": 1}, "--prompt 1"),
    ],
)
def test_an_impossible_question_is_refused(arch, changed, said):
    with pytest.raises(InvalidInput, match=said):
        Question("small", arch, Recipe(), **changed)


@pytest.mark.parametrize(
    ("bits", "count", "said"),
    [
        (8, 2, "2 blocks for 128 tokens .* 2 GB; use --layers 1 or --weights 4"),
        (4, 2, r"2\.6 GB.* 2 GB; use --layers 1\.$"),
        (8, 1, r"1 block for 128 tokens .* 2 GB; use --weights 4\.$"),
    ],
)
def test_a_graph_that_no_file_holds_is_refused_with_what_to_do(arch, bits, count, said):
    wide = arch.model_copy(update={"hidden": 16384, "intermediate": 53248})
    with pytest.raises(InvalidInput, match=said):
        Part(Kind.BLOCKS, 128, 4096, count).draft(wide, Recipe(weights=WeightBits(bits)))


def test_a_block_that_no_option_makes_smaller_is_refused_before_it_is_drawn(arch, monkeypatch):
    monkeypatch.setattr(graphs, "blocks", None)
    wide = arch.model_copy(update={"hidden": 1 << 17, "intermediate": 1 << 17})
    with pytest.raises(InvalidInput, match=r"holds at most 2 GB: a model this large cannot be estimated\.$"):
        Part(Kind.BLOCKS, 1, 4096, 1).draft(wide, Recipe())
    with pytest.raises(InvalidInput, match=r"the head .* 2 GB; use --head 4\.$"):
        Part(Kind.HEAD, 1).draft(wide.model_copy(update={"vocabulary": 1 << 15}), Recipe())


def test_what_a_graph_costs_by_itself_is_told_from_what_repeats():
    one, two = Cost(30, 3, 1, 0, 100), Cost(50, 5, 2, 0, 180)
    assert scaled(one, two, 2, 10).whole == Cost(210, 21, 10, 0, 820)
    assert scaled(one, one, 1, 10).whole == Cost(300, 30, 10, 0, 1000)


def test_time_is_shared_by_the_parts_of_a_block():
    ops = (
        op("HMX", 400, 400, node="b0_down_17"),
        op("HMX", 200, 200, node="b1_down_90"),
        op("HVX", 100, 100, node="b0_softmax_3_q16_5"),
        op("DMA", 100, 100, node="Input"),
        op("", 200, 200, node="", htp_op=""),
    )
    graph: GraphEstimate = estimate(ops=ops).graphs[0]
    assert {share.part: share.percent for share in shares(graph)} == {
        "down": 60, "softmax": 10, "inputs and outputs": 10, NOTHING: 20,
    }  # fmt: skip
