"""Every command that accepts a SoC refuses a misspelt one before it converts, prepares or writes anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.sdk import build_fake_sdk
from tests.onnx_bytes import write_onnx
from tests.qhas.cli.desk import Desk

SITE = ("--site", "site.yaml")
SLIP = ("--soc", "sa8225", *SITE)
COMMANDS: dict[str, tuple[str, ...]] = {
    "profile": ("profile", "net.onnx", *SLIP),
    "plan": ("plan", "slip.yaml", *SITE),
    "sweep": ("sweep", "slip.yaml", *SITE),
    "explain": ("explain", "net.onnx", *SLIP),
    "tune": ("tune", "net.onnx", *SLIP),
    "advise": ("advise", "net.onnx", *SLIP),
    "check": ("check", "net.onnx", "--soc", "sa8225"),
    "gate": ("gate", "net.onnx", "other.onnx", *SLIP),
    "upgrade": ("upgrade", "net.dlc", "--from", "old", "--to", "new", *SLIP),
    "llm": ("llm", "config.json", *SLIP),
}
LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 2,
    "vocab_size": 256,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-5,
    "max_position_embeddings": 4096,
}


@pytest.fixture(scope="module")
def host_sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SDK that claims to be the host SDK, and whose tools must not be called."""
    root = build_fake_sdk(tmp_path_factory.mktemp("sdk") / "host")
    (root / "sdk.yaml").write_text("name: hostsdk\n")
    return root


@pytest.fixture
def lab(desk: Desk, host_sdk: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr("qhas.gate.support.host_sdk_root", lambda: host_sdk)
    sdk = {"root": str(host_sdk)}
    desk.site({"store": "store", "sdk": sdk, "sdks": {"old": sdk, "new": sdk}})
    slip = json.loads((desk.folder / "sweep.yaml").read_text()) | {"socs": ["sa8255", "sa8225"]}
    (desk.folder / "slip.yaml").write_text(json.dumps(slip))
    (desk.folder / "config.json").write_text(json.dumps(LLAMA))
    for name in ("net.onnx", "other.onnx"):
        write_onnx(desk.folder / name, salt=name)
    return desk


@pytest.mark.parametrize("command", COMMANDS)
def test_a_misspelt_soc_is_refused_and_the_near_ones_are_named(lab: Desk, command: str) -> None:
    before = sorted(lab.folder.rglob("*"))
    sentence = lab.refused(*COMMANDS[command])
    assert "unknown SoC 'sa8225'" in sentence
    assert "sa8255" in sentence
    assert sorted(lab.folder.rglob("*")) == before


def test_a_part_that_shares_anothers_id_is_refused_with_the_reason(lab: Desk) -> None:
    assert "4 times faster" in lab.refused("profile", "net.onnx", "--soc", "sa7255p", *SITE)


REFUSED_AT_ONCE = """
import sys
from qhas.cli.main import app
try:
    app(sys.argv[1:], prog_name="qhas")
finally:
    print(*sorted({"asyncio", "qhas.site", "qhas.cli.gate"} & sys.modules.keys()))
"""


def test_it_is_refused_before_what_the_command_takes_is_imported(tmp_path: Path) -> None:
    words = ("gate", "a.onnx", "b.onnx", "--soc", "sa8255", "--soc=sa8225")
    done = subprocess.run(
        [sys.executable, "-c", REFUSED_AT_ONCE, *words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if not key.startswith("QHAS_")},
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (2, "")
    assert "unknown SoC 'sa8225': did you mean sa8295 or sa8255" in done.stderr


def test_a_vendor_sdk_decides_itself_which_socs_it_knows(
    desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write_onnx(desk.folder / "net.onnx", salt="net")
    desk.site({"store": "store", "sdk": {"root": str(build_fake_sdk(tmp_path_factory.mktemp("vendor")))}})
    assert "unknown SoC" not in desk.run("gate", "net.onnx", "net.onnx", *SLIP).output


def test_a_pattern_of_a_sweep_is_no_soc(lab: Desk) -> None:
    assert "None of the 2 cells" in lab.refused("plan", "sweep.yaml", *SLIP)
