"""`python -m bench truth`: what it accepts, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.truth import matrix, simulated
from bench.truth.command import _targets, main
from qhas.truth.tables import WHEEL


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--model", "mobilenet_v2"], "--model and --onnx must be given together"),
        (["--model", "my_net", "--onnx", "net.onnx"], "there are no measurements for 'my_net'"),
        (["--run", "my_net"], "there is no structure file for my_net"),
        (["--run", "--write"], "not allowed with argument --run"),
        (["--run", "--jobs", "0"], "'0' is not a positive integer"),
        (
            ["--model", "mediapipe_face", "--onnx", "net.onnx"],
            "mediapipe_face was measured as --component face_detector or face_landmark_detector",
        ),
        (
            ["--model", "mobilenet_v2", "--onnx", "net.onnx", "--component", "head"],
            "mobilenet_v2 was measured as no --component",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(
    argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_run_without_names_is_of_every_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(matrix, "run", lambda wanted, *_: None)
    monkeypatch.setattr(simulated, "FAILED", tmp_path / "not_simulated.tsv")
    simulated.FAILED.write_text("model\tprecision\twhy\n")
    assert main(["--run", "--results", str(tmp_path / "results")]) == 0
    said = capsys.readouterr().out
    assert f"of {len(list(matrix.cells(WHEEL)))} figures to simulate" in said
    assert "0 rows added" in said


def test_a_shape_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["--model", "mobilenet_v2", "--onnx", "net.onnx", "--shape", "image=1,3,H,W"]
    assert main(argv) == 1
    assert "--shape 'image=1,3,H,W' is not a shape" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("soc", "sentence"),
    [
        ("sm875", "unknown SoC 'sm875': did you mean"),
        ("sa7255p", "SA7255P cannot be estimated: the library's id 67 is the SA8620P"),
        ("sm7325", "the simulator has no cost model for SM7325"),
    ],
)
def test_a_soc_without_an_estimate_is_refused_before_anything_runs(
    soc: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--model", "mobilenet_v2", "--onnx", "net.onnx", "--soc", soc]) == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "title"), [("SA8650P", "SA8775P"), ("qcs9075", "IQ-9075"), ("sm8750", "Galaxy S25")]
)
def test_a_soc_is_taken_by_any_of_its_names(name: str, title: str) -> None:
    (target,) = _targets([name])
    assert target.device is not None
    assert target.device.title == title


def test_a_soc_that_nobody_measured_is_estimated_all_the_same() -> None:
    assert _targets(["sa8797"]) == [("sa8797", None)]
