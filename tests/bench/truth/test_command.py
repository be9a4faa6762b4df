"""`python -m bench truth`: what it takes, and what it refuses."""

from __future__ import annotations

import pytest

from bench.truth.command import _targets, main


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--model", "mobilenet_v2"], "--model and --onnx go together"),
        (["--model", "my_net", "--onnx", "net.onnx"], "nothing was measured of 'my_net'"),
        (["--run", "my_net"], "there is no structure file of my_net"),
    ],
)
def test_what_makes_no_sense_is_refused(
    argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("soc", "sentence"),
    [
        ("sm875", "unknown SoC 'sm875': did you mean"),
        ("sa7255p", "SA7255P cannot be estimated: the library's id 67 is the SA8620P"),
        ("sm7325", "the simulator has no cost model of SM7325"),
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
