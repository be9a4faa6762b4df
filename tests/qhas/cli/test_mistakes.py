"""A newcomer's mistakes exit with code 2 and one sentence that says what is wrong and what to do; nothing runs."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree

import pytest

from qhas.store import Store
from tests.onnx_bytes import write_onnx
from tests.qhas.archive.stored import put_nights
from tests.qhas.cli.desk import Desk

FOREIGN = b'A\0\0\0\0\0\0\0{"other.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}\0\0\0\0'
"""A safetensors file: the length of its header, the header, and the values."""
ONNX = b"\x08\x08\x12\x07pytorch:\x00"
SITE = ("--site", "site.yaml")
PROFILE = ("profile", "net.dlc", "--soc", "sa8255")
CALIBRATED = ("profile", "net.onnx", "--soc", "sa8255", "--quantize", "w8a8", "--calibration")
BLOCK = ("block", "config.json", "--onnx", "block.onnx")
LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 2,
    "vocab_size": 256,
}
FILES: dict[str, dict[str, object]] = {
    "soc.yaml": {"soc": ["sm8750"]},
    "vtcm.yaml": {"variants": {"vtcm": [2]}},
    "milliseconds.yaml": {"budgets": {"net": {"time_ms": 5}}},
    "stranger.yaml": {"budgets": {"nett": {"time_us": 5}}},
    "one-soc.yaml": {"socs": "sm8750"},
    "slow.yaml": {"run": {"perf_profile": "brust"}},
    "often.yaml": {"run": {"repetitions": "often"}},
    "perhaps.yaml": {"prepare": {"dlbc": "perhaps"}},
    "no-models.yaml": {"models": []},
    "llm-key.yaml": {"models": [{"name": "net", "llm": {"config": "config.json", "atention": "split"}}]},
    "llm-gone.yaml": {"models": [{"name": "net", "llm": "gone/config.json"}]},
    "two-kinds.yaml": {"models": [{"name": "net", "dlc": "net.dlc", "onnx": "net.onnx"}]},
    "prose-inputs.yaml": {"models": [{"name": "net", "dlc": "net.dlc", "inputs": "README.md"}]},
    "wrong-shape.yaml": {"models": [{"name": "net", "onnx": "net.onnx", "shapes": {"imagee": [1, 3, 8, 8]}}]},
}
"""The desk's sweep file, each time with one mistake."""
MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "a SoC in capitals": (("profile", "net.dlc", "--soc", "SM8750", *SITE), "as in sm8750"),
    "no SoC at all": (("profile", "net.dlc", *SITE), "Missing option '--soc'"),
    "ONNX that is called a DLC": (
        ("profile", "onnx.dlc", "--soc", "sa8255", *SITE),
        "is an ONNX model, not a DLC",
    ),
    "a DLC that is not there": (("profile", "gone.dlc", "--soc", "sa8255", *SITE), "There is no file"),
    "an input list that is not there": ((*PROFILE, "--inputs", "gone.txt", *SITE), "There is no file"),
    "more VTCM than there is": ((*PROFILE, "--vtcm-mb", "99", *SITE), "at most 64"),
    "a level that is none": ((*PROFILE, "--optimization-level", "5", *SITE), "at most 3"),
    "a level that is no number": (
        (*PROFILE, "--optimization-level", "x", *SITE),
        "it should be a whole number",
    ),
    "bits that are none": (
        ("profile", "net.onnx", "--soc", "sa8255", "--quantize", "w8a61", *SITE),
        "it should be 8, 16 or 'mixed'",
    ),
    "a quantisation that is none": (
        ("profile", "net.onnx", "--soc", "sa8255", "--quantize", "int8", *SITE),
        "choose from float, w8a8",
    ),
    "calibration data that are not there": (
        ("profile", "net.onnx", "--soc", "sa8255", "--quantize", "w8a8", "--calibration", "gone", *SITE),
        "There is no file or folder",
    ),
    "calibration data of what is not quantised": (
        ("profile", "net.onnx", "--soc", "sa8255", "--calibration", "gone", *SITE),
        "is data for --quantize",
    ),
    "a day that is none": (
        ("history", "net", "sa8255", "--since", "yesterday", *SITE),
        "is not a date; write it",
    ),
    "a choice that is none": (("show", "latest", "--by", "nodes", *SITE), "perhaps node was meant"),
    "a figure that is none": (
        ("history", "net", "sm8750", "--metric", "time", *SITE),
        "perhaps time_us was meant",
    ),
    "a threshold below nothing": (
        ("compare", "latest", "--baseline", "--threshold", "-1", *SITE),
        "it should be at least 0;",
    ),
    "a profile of the clock that is none": (("plan", "slow.yaml", *SITE), "perhaps burst was meant"),
    "a word for a number": (("plan", "often.yaml", *SITE), "repetitions: it should be a whole number"),
    "a word for a switch": (("plan", "perhaps.yaml", *SITE), "dlbc: it should be true or false"),
    "a sweep of nothing": (("plan", "no-models.yaml", *SITE), "models: it should have 1 or more, and has 0"),
    "an ONNX to check that is not there": (("check", "gone.onnx"), "gone.onnx; correct its path"),
    "a folder to check": (("check", "."), "is a folder; name an ONNX file"),
    "a host SDK that is none": (
        ("explain", "net.onnx", "--soc", "sa8255", "--sdk", "2.99"),
        "2.99 is not a version",
    ),
    "soc for socs": (("plan", "soc.yaml", *SITE), "perhaps socs was meant"),
    "vtcm for vtcm_mb": (("plan", "vtcm.yaml", *SITE), "perhaps vtcm_mb was meant"),
    "a budget in milliseconds": (("plan", "milliseconds.yaml", *SITE), "perhaps time_us was meant"),
    "a budget of another network": (("plan", "stranger.yaml", *SITE), "choose from net"),
    "one SoC that is no list": (("plan", "one-soc.yaml", *SITE), "should be a list, as in [a, b]"),
    "YAML with a bracket open": (("plan", "broken.yaml", *SITE), "is not YAML: line 2"),
    "an empty sweep file": (("plan", "empty.yaml", *SITE), "it is empty; its keys are name, models, socs"),
    "a sweep file that is not there": (("plan", "gone.yaml", *SITE), "there is no such file"),
    "a slip in a site file": (
        ("show", "latest", "--site", "slip.yaml"),
        "perhaps devices was meant",
    ),
    "a run that is nearly there": (("show", "nightli-1", *SITE), "near it: nightly-1"),
    "too little of a run's id": (("show", "nightly", *SITE), "2 runs begin with nightly"),
    "a store without a run": (("show", "latest"), "has no run yet"),
    "one run to compare": (("compare", "nightly-1", *SITE), "one run and --baseline"),
    "a run against a cell": (("compare", "nightly-1", "nightly-2/net/sm8750", *SITE), "is a whole run"),
    "a cell that the run does not have": (
        ("compare", "nightly-1/net/sa8255", "nightly-2/net/sm8750", *SITE),
        "choose from net/sm8750/default",
    ),
    "a network that the history does not have": (("history", "nett", "sm8750", *SITE), "of nett on sm8750"),
    "a SoC that the history has under another name": (
        ("history", "net", "sm8570", *SITE),
        "near it: net sm8750",
    ),
    "a cell in place of a run": (("show", "nightly-1/net/sm8750", *SITE), "give only its run: nightly-1"),
    "a folder of outputs that is not there": (
        ("openmetrics", "gone/lab.prom", *SITE),
        "there is no folder gone",
    ),
    "fewer days than none": (("prune", "--traces", "-1", *SITE), "from 0 to"),
    "a history of no SoC": (("history", "net", *SITE), "Name a model and a SoC"),
    "a level without a reason": (("accept", "latest/net/sm8750", *SITE), "Give --reason"),
    "a question that changes something": (("query", "drop table cells", *SITE), "nothing was changed"),
    "a view that is none": (("query", "select * from cell", *SITE), "The views are cells, ops"),
    "a word that is none": (("lits",), "No such command 'lits'"),
    "two formats at once": (("show", "latest", "--csv", "ops", "--json", *SITE), "leave out --json"),
    "a report that was not made": (("open", "nightly-1", *SITE), "`qhas report nightly-1` writes it"),
    "a network that the demo does not have": (("demo", "--network", "alexnet"), "choose from inception_v1"),
    "a network that the sweep does not have": (
        ("sweep", "sweep.yaml", "--model", "vgg", *SITE),
        "None of the 2 cells",
    ),
    "a month that is none": (
        ("history", "net", "sm8750", "--since", "2026-13-01", *SITE),
        "'2026-13-01' is not a date",
    ),
    "prose for a configuration": (("llm", "README.md", "--soc", "sm8750"), "give the config.json"),
    "a model of no known blocks": (("llm", "bert.json", "--soc", "sm8750"), "it has model_type bert"),
    "bits that weights do not have": (
        ("llm", "config.json", "--soc", "sm8750", "--weights", "5"),
        "4 or 8 bits",
    ),
    "weights of another model": ((*BLOCK, "foreign.safetensors"), "give all files of the model"),
    "weights in a folder": ((*BLOCK, "folder"), "folder is a folder; name the model's .safetensors files"),
    "weights without a byte": ((*BLOCK, "empty"), "empty is empty; name"),
    "weights that are not there": ((*BLOCK, "gone.safetensors"), "gone.safetensors does not exist; name"),
    "a slip in a language model": (("plan", "llm-key.yaml", *SITE), "perhaps attention was meant"),
    "a language model that is not there": (("sweep", "llm-gone.yaml", *SITE), "There is no file"),
    "a network of two formats": (("plan", "two-kinds.yaml", *SITE), "give one of a dlc, an onnx or an llm"),
    "a shape of an input that is none": (("plan", "wrong-shape.yaml", *SITE), "given for 'imagee'"),
    "prose for an input list": (
        (*PROFILE, "--inputs", "README.md", *SITE),
        "README.md: input number 1 of the list, which is not named like a data file, does not exist",
    ),
    "prose for the only network's inputs": (("sweep", "prose-inputs.yaml", *SITE), "correct the list"),
    "a folder for an input list": (
        (*PROFILE, "--inputs", "folder", *SITE),
        "folder is a folder; name a file",
    ),
    "prose for calibration data": ((*CALIBRATED, "README.md", *SITE), "correct the list, or its path"),
    "a folder without calibration data": ((*CALIBRATED, "folder", *SITE), "holds 0 files that end in .npy"),
    "a DLC without a byte": (("profile", "empty.dlc", "--soc", "sa8255", *SITE), "empty.dlc is empty"),
    "a folder for a network": (("profile", "folder", "--soc", "sa8255", *SITE), "is a folder; name a file"),
    "prose to tune": (("tune", "README.md", "--soc", "sa8255", *SITE), "is a text file, not a DLC"),
    "an ONNX without a byte to explain": (("explain", "empty.onnx", "--soc", "sa8255", *SITE), "is empty"),
    "noise for a sweep file": (("plan", "noise.yaml", *SITE), "it is not text in UTF-8"),
    "a sweep file for a site": (("show", "latest", "--site", "sweep.yaml"), "models: no such key"),
    "a store of no protocol": (("runs", "--site", "protocol.yaml"), "Protocol not known: ftpp"),
    "a run of another store": (("open", "nothing", *SITE), "`qhas runs` lists those it has"),
    "a level that was never stored": (
        ("accept", "latest/net/sm9999", "--reason", "x", *SITE),
        "choose from net/sm8750/default",
    ),
    "a reason of nothing": (
        ("accept", "latest/net/sm8750", "--reason", " ", *SITE),
        "reason: there is no value; write one",
    ),
    "SQL that is none": (("query", "selct * from cells", *SITE), 'syntax error at or near "selct"'),
    "a column that is none": (("query", "select tim_us from cells", *SITE), '"time_us"'),
    "a folder for a merged trace": (
        ("compare", "nightly-1/net/sm8750", "nightly-2/net/sm8750", "--trace", "folder", *SITE),
        "it must end in .json",
    ),
    "a folder for a history's CSV": (
        ("history", "net", "sm8750", "--csv", "folder", *SITE),
        "it is a folder; name a file",
    ),
    "the two SDKs of an upgrade in one": (
        ("upgrade", "net.dlc", "--from", "2.48", "--to", "2.48", "--soc", "sa8255", *SITE),
        "name two SDKs",
    ),
}


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two nights, to be copied."""
    store = tmp_path_factory.mktemp("nights") / "store"
    put_nights(Store(str(store)))
    return store


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_ends_in_one_sentence(desk: Desk, nights: Path, mistake: str) -> None:
    copytree(nights, desk.folder / "store")
    for name, changes in FILES.items():
        document = json.loads((desk.folder / "sweep.yaml").read_text())
        (desk.folder / name).write_text(json.dumps(document | changes))
    (desk.folder / "slip.yaml").write_text("store: store\ndevises: []\n")
    (desk.folder / "broken.yaml").write_text("name: [nightly\nsocs: x")
    (desk.folder / "empty.yaml").write_text("")
    (desk.folder / "onnx.dlc").write_bytes(ONNX)
    (desk.folder / "noise.yaml").write_bytes(b"\xff\xfe\0\1" * 40)
    (desk.folder / "README.md").write_text("# A network\n\nSome words.\n")
    (desk.folder / "protocol.yaml").write_text("store: ftpp://bucket/store\n")
    (desk.folder / "config.json").write_text(json.dumps(LLAMA))
    (desk.folder / "bert.json").write_text(json.dumps(LLAMA | {"model_type": "bert"}))
    (desk.folder / "foreign.safetensors").write_bytes(FOREIGN)
    (desk.folder / "folder").mkdir()
    for name in ("empty", "empty.dlc", "empty.onnx"):
        (desk.folder / name).touch()
    write_onnx(desk.folder / "net.onnx")
    words, says = MISTAKES[mistake]
    assert says in desk.plain_refusal(*words)
