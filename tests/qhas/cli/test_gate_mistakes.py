"""Mistakes with `qhas gate` are refused in one sentence before any SDK is looked up or anything is converted."""

from __future__ import annotations

import pytest

from tests.onnx_bytes import write_onnx
from tests.qhas.cli.desk import Desk

SITE = ("--site", "site.yaml")
GATE = ("gate", "net.onnx", "net.onnx", "--soc", "sa8255", *SITE)
BUDGETS = {
    "nett.yaml": "budgets: {nett: {time_us: 5}}",
    "figure.yaml": "budgets: {net: {tim_us: 5}}",
    "words.yaml": "budgets: {net: {time_us: fast}}",
    "budget.yaml": "budget: {net: {time_us: 5}}",
}
"""Budgets of a gate, each with a mistake."""
MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "a gate of nothing": (("gate", "", "net.onnx", "--soc", "sa8255", *SITE), "A side has no name"),
    "two empty networks": (
        ("gate", "empty.onnx", "empty.onnx", "--soc", "sa8255", *SITE),
        "There is nothing to compare: empty.onnx is empty",
    ),
    "one empty DLC against another format's": (
        ("gate", "empty.dlc", "onnx.dlc", "--soc", "sa8255", *SITE),
        "empty.dlc is empty; onnx.dlc cannot be read as a DLC",
    ),
    "a gate of prose": (
        ("gate", "README.md", "net.onnx", "--soc", "sa8255", *SITE),
        "README.md is not a network",
    ),
    "a gate of folders without networks": (
        ("gate", "folder", "folder", "--soc", "sa8255", *SITE),
        "has a network (.dlc, .onnx or config.json)",
    ),
    "a pattern of no network": (
        ("gate", ".", ".", "--models", "*.tflite", "--soc", "sa8255", *SITE),
        "that matches *.tflite",
    ),
    "a file for the gate's cache": ((*GATE, "--folder", "net.onnx"), "net.onnx is a file; name another"),
    "a file above the gate's cache": (
        (*GATE, "--folder", "net.onnx/cache"),
        "net.onnx/cache cannot be a folder",
    ),
    "a gate's budget of another network": (
        (*GATE, "--budgets", "nett.yaml"),
        "no network of that name; the networks are net; perhaps net was meant",
    ),
    "a gate's budget of no figure": ((*GATE, "--budgets", "figure.yaml"), "perhaps time_us was meant"),
    "a gate's budget in words": (
        (*GATE, "--budgets", "words.yaml"),
        "time_us.at_most: it should be a number",
    ),
    "budgets without their key": ((*GATE, "--budgets", "budget.yaml"), "perhaps budgets was meant"),
    "budgets that are not there": ((*GATE, "--budgets", "gone.yaml"), "there is no such file"),
    "a folder for budgets": ((*GATE, "--budgets", "folder"), "it is not a regular file; name one"),
    "empty budgets": ((*GATE, "--budgets", "empty.yaml"), "it is empty; its keys are budgets"),
    "a gate that counts less than nothing": ((*GATE, "--threshold", "-3"), "it should be at least 0"),
    "a gate with more VTCM than there is": ((*GATE, "--vtcm-mb", "99"), "vtcm_mb: it should be at most 64"),
    "a context that is too short": ((*GATE, "--context", "3"), "it should be at least 128"),
    "JUnit where there is no folder": ((*GATE, "--junit", "gone/junit.xml"), "there is no folder gone"),
    "revisions that do not exist": (
        ("gate", "nope", "nada", "--soc", "sa8255", *SITE),
        "nope is neither a file nor a folder nor a git revision",
    ),
    "a gate of a file and a folder": (("gate", "net.onnx", "folder", "--soc", "sa8255", *SITE), "give two"),
    "a folder for the gate's comment": (
        ("gate", "net.onnx", "net.onnx", "--soc", "sa8255", "--markdown", "folder", *SITE),
        "folder cannot be written: it is a folder; name a file",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_gate_that_cannot_be_is_refused(desk: Desk, mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("find_sdk", "judge"):
        monkeypatch.setattr(f"qhas.cli.gate.{name}", None)
    (desk.folder / "folder").mkdir()
    (desk.folder / "README.md").write_text("# A network\n")
    (desk.folder / "onnx.dlc").write_bytes(b"\x08\x08\x12\x07pytorch:\x00")
    for name, budgets in BUDGETS.items():
        (desk.folder / name).write_text(budgets)
    for name in ("empty.yaml", "empty.dlc", "empty.onnx"):
        (desk.folder / name).touch()
    write_onnx(desk.folder / "net.onnx")
    words, says = MISTAKES[mistake]
    assert says in desk.plain_refusal(*words)
