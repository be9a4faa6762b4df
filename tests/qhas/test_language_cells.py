"""A language model in a sweep: two graphs per cell, each with figures of the whole model wherever figures go."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fakes.dlc import make_dlc
from fakes.sdk import build_fake_sdk
from qhas.diff.runs import compare_runs
from qhas.direct import run_direct
from qhas.failures import FailureKind
from qhas.gate.formats import junit, markdown
from qhas.gate.gate import GateSpec, judge
from qhas.gate.model import GateState
from qhas.gate.sides import read_sides
from qhas.history.reading import Where, read_history
from qhas.llm import expected, foreseen
from qhas.llm.expected import calibrations_of
from qhas.profile.language_figures import DECODE, FIRST_TOKEN, PREFILL, TOKEN_DRAM
from qhas.report.language import language_rows
from qhas.report.publish import publish_report
from qhas.runs import keys
from qhas.runs.record import CellRecord, by_graph
from qhas.runs.rows import columns, legend, row
from qhas.runs.stored import load_run
from qhas.site import SdkRef, Site
from qhas.site.sdk import HOST_TARGET, find_sdk
from qhas.store import Store
from qhas.sweep.spec import SweepSpec
from qhas.verdict.judge import judge_run
from tests.qhas.estimating import write_program
from tests.qhas.llm.conftest import CONFIG
from tests.qhas.llm.pairs import made

GRAPHS = ("decode", "prefill")
CELL = "small/sm8750/context-256"
PARTS = (
    "cycles = 1000 + 500 * open(asked['dlc'], 'rb').read().count(b'RMSNormalization') if asked['dlc'] else 0"
)
"""A block costs 2,000 cycles of 1 GHz, the head 1,000, and any graph 1,000; both graphs of a DLC contain its salt."""


CONVERTER = """#!/bin/sh
cp {folder}/norms-$(grep -ao RMSNormalization "$2" | wc -l).dlc "$4"
"""
"""The fake SDK prepares no joined networks, so the first one has both graphs already."""
NORMS = (0, 1, 2, 4)
"""The number of norms in the look-up, the head, one block and two."""


@dataclass(frozen=True)
class Language:
    """A fake host SDK, and sweeps of one small model."""

    folder: Path

    @property
    def store(self) -> Store:
        return Store(str(self.folder / "store"))

    def spec(self, **changes: Any) -> SweepSpec:
        model = {"name": "small", "llm": {"config": str(self.folder / "config.json"), "prompt": 16}}
        return SweepSpec.model_validate(
            {"name": "llms", "models": [model], "socs": ["sm8750"], "variants": {"context": [256]}} | changes
        )

    def run(self, run_id: str, program: str = PARTS, **changes: Any) -> CellRecord:
        """Run a night with an estimator that answers by this program, whatever the previous night's was."""
        write_program(self.folder / "sdk", self.folder / "asked.jsonl", program)
        site = Site(store=str(self.folder / "store"), sdk=SdkRef(root=self.folder / "sdk"))
        run_direct(self.spec(**changes), site, run_id)
        return load_run(self.store, run_id)[1][0]


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> Language:
    folder = tmp_path_factory.mktemp("language")
    root = folder / "sdk"
    build_fake_sdk(root)
    with (root / "sdk.yaml").open("a") as marker:
        marker.write("\nby: hostsdk\n")
    (folder / "config.json").write_text(json.dumps(CONFIG))
    converter = root / "bin" / HOST_TARGET / "snpe-onnx-to-dlc"
    converter.unlink()
    converter.write_text(CONVERTER.format(folder=folder))
    for norms in NORMS:
        make_dlc(folder / f"norms-{norms}.dlc", graphs=GRAPHS, salt="RMSNormalization" * norms)
    converter.chmod(0o755)
    return Language(folder)


LIMITS = {"decode_tokens_per_s": {"at_least": 10}, "first_token_ms": 0.001, "peak_vtcm": "8MiB"}


@pytest.fixture(scope="module")
def record(language: Language) -> CellRecord:
    """The record of the first night."""
    return language.run("llms-1", budgets={"small": LIMITS})


def test_each_pass_is_a_graph_of_its_name_with_the_rate_of_the_whole_model(record: CellRecord) -> None:
    assert record.failure is None
    assert [graph.name for graph in record.graphs] == list(GRAPHS)
    decode, prefill = by_graph([record])
    assert DECODE.read(decode) == pytest.approx(1e6 / (1 + 16 * 2 + 1 + 2), abs=1e-3)
    assert (DECODE.read(prefill), PREFILL.read(decode)) == (None, None)
    assert TOKEN_DRAM.read(decode)
    assert FIRST_TOKEN.read(prefill)
    assert decode.language
    assert "was scaled to 16 blocks" in decode.language.sentence
    assert record.model
    assert record.model.llm.endswith("config.json")


def test_a_limit_is_held_against_the_pass_that_has_the_figure(record: CellRecord) -> None:
    decode, prefill = by_graph([record])
    assert {result.figure for result in decode.budgets} == {"decode_tokens_per_s", "peak_vtcm"}
    assert [result.figure for result in prefill.over_budget] == ["first_token_ms"]
    assert [result.sentence.partition(":")[0] for result in record.over_budget] == ["prefill"]


def test_tables_have_tokens_a_second_and_say_what_was_scaled(record: CellRecord) -> None:
    graphs = by_graph([record])
    assert "tokens/s" in [column.title for column in columns(record.origin, graphs)]
    assert all(row(graph).tokens for graph in graphs)
    assert any("was scaled to 16 blocks" in sentence for sentence in legend(graphs))


def test_pages_show_rates_against_context_and_where_a_token_goes(
    language: Language, record: CellRecord
) -> None:
    run, cells = load_run(language.store, record.run_id)
    publish_report(language.store, run, cells)
    page = language.store.read(keys.report(run.run_id, f"cells/{CELL}/decode/index.html"))
    assert page
    assert "The whole model, a token in decode" in page.decode()
    assert "tokens/s simulated; " in page.decode()
    index = language.store.read(keys.report(run.run_id))
    assert index
    assert "Language models" in index.decode()
    assert "not run" not in index.decode()


def test_what_devices_are_expected_to_give_stands_beside(
    record: CellRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = calibrations_of([*made(context=256), *made(runtime="geniex_qairt", tokens=16, context=256)])
    monkeypatch.setattr(expected, "calibrations", lambda: known)
    decode, prefill = by_graph([record])
    assert "tokens/s expected on Galaxy S25 by genie, from 8 architectures" in foreseen.sentence(decode)
    assert "ms expected on Galaxy S25 by geniex_qairt" in foreseen.sentence(prefill)
    (row,) = language_rows([decode, prefill])
    assert row.expected.count(" by ") == 2
    told = foreseen.document(decode)
    assert told
    assert told["by_runtime"][0]["low"] < told["by_runtime"][0]["expected"]
    assert "before" in foreseen.change(decode, decode)


def test_a_gate_compares_rates_also_of_equal_blocks(language: Language, tmp_path: Path) -> None:
    write_program(language.folder / "sdk", language.folder / "asked.jsonl", PARTS)
    for side, layers in (("base", 16), ("head", 32)):
        folder = tmp_path / side / "small"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(CONFIG | {"num_hidden_layers": layers}))
    odd = tmp_path / "head" / "odd"
    odd.mkdir()
    (odd / "config.json").write_text('{"model_type": "mamba"}')
    site = Site(store=str(tmp_path / "store"), sdk=SdkRef(root=language.folder / "sdk"))
    sides = read_sides(str(tmp_path / "base"), str(tmp_path / "head"), ["*"], tmp_path)
    spec = GateSpec(["sm8750"], context=256)
    result = judge(*sides, spec, site, find_sdk(site.sdk), tmp_path)
    lines = {line.network: line for line in result.lines}
    assert {name: line.state for name, line in lines.items()} == {
        "small/decode": GateState.WORSE, "small/prefill": GateState.WORSE, "odd": GateState.FAILED,
    }  # fmt: skip
    decode = lines["small/decode"]
    assert decode.decode_tokens_per_s_before == pytest.approx(1e6 / 36, abs=1e-3)
    assert decode.decode_tokens_per_s_after == pytest.approx(1e6 / 68, abs=1e-3)
    assert decode.change_percent == pytest.approx(100 * (36 / 68 - 1), abs=1e-3)
    assert decode.dram_per_token_after
    assert decode.prefill_tokens_per_s_after is None
    assert "tokens a second in decode (−47 %)" in decode.sentence
    assert "model_type mamba" in lines["odd"].sentence
    assert "27,778 → 14,706 tokens/s" in markdown(result)
    assert "tokens a second in prefill" in junit(result)


def test_slower_blocks_are_a_regression_of_tokens_a_second(language: Language, record: CellRecord) -> None:
    later = language.run("llms-2", f"{PARTS}; cycles *= 2", prepare={"vtcm_mb": 4})
    for run_id in ("llms-1", "llms-2"):
        judged = judge_run(language.store, *load_run(language.store, run_id))
    rows = read_history(
        language.store, Where(sweep="llms"), ("run_id", "variant", "decode_tokens_per_s")
    ).to_pylist()
    rates = {
        each["run_id"]: each["decode_tokens_per_s"] for each in rows if each["variant"].endswith("/decode")
    }
    assert rates["llms-1"] == pytest.approx(2 * rates["llms-2"], rel=1e-3)
    assert later.failure is None
    told = {verdict.sentence for verdict in judged if verdict.verdict.says_something}
    assert any("tokens a second in decode −50.0 %" in sentence for sentence in told)
    diff = compare_runs(language.store, "llms-1", "llms-2")
    (decode,) = [cell for cell in diff.cells if cell.after.cell == f"{CELL}/decode"]
    figure = decode.figure("decode_tokens_per_s")
    assert figure
    assert figure.percent == pytest.approx(-50, abs=0.1)
    assert "tokens a second in decode" in decode.sentence


def test_a_part_without_an_estimate_fails_the_cell_in_a_sentence(language: Language) -> None:
    refusal = "print(json.dumps({'refusal': 'too wide.'}), flush=True); continue"
    failed = language.run("llms-3", refusal, prepare={"vtcm_mb": 2})
    assert failed.failure
    assert failed.failure.kind is FailureKind.PARTS_MISSING
    assert "too wide" in failed.failure.message
