"""`python -m bench truth`: what it refuses, and weights for a topology that has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.failure import BenchFailed
from bench.truth.command import main


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--model", "mobilenet_v2"], "--model and --onnx go together"),
        (["--model", "my_net", "--onnx", "net.onnx"], "nothing was measured of 'my_net'"),
    ],
)
def test_what_makes_no_sense_is_refused(
    argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_soc_that_nobody_measured_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model", "mobilenet_v2", "--onnx", "net.onnx", "--soc", "sm8450"]) == 1
    assert "no device was measured for sm8450" in capsys.readouterr().err


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from bench.truth.growing import read

    (tmp_path / "net.onnx").write_bytes(b"\x00text")
    with pytest.raises(BenchFailed, match="cannot be read as an ONNX file"):
        read(tmp_path / "net.onnx")


def test_weights_that_were_taken_out_are_grown_the_same_each_time() -> None:
    onnx = pytest.importorskip("onnx")
    from bench.truth.growing import grow

    def model() -> object:
        weight = onnx.TensorProto(data_type=onnx.TensorProto.FLOAT, dims=[8, 3, 3, 3], name="w")
        kept = onnx.helper.make_tensor("b", onnx.TensorProto.FLOAT, [2], [1.0, 2.0])
        return onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], [weight, kept]))

    first, second = model(), model()
    assert (grow(first), grow(second)) == (1, 1)
    assert first == second
