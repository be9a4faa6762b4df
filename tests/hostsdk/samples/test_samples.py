"""Sample networks have the same bytes every time, run entirely on the HTP, and match ONNX Runtime's outputs."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hostsdk.samples.__main__ import NETWORKS, main
from tests.hostsdk import networks
from tests.hostsdk.tools.conftest import run_tool, succeeded


def test_an_unknown_network_is_refused_with_the_known_ones(capsys, tmp_path):
    with pytest.raises(SystemExit) as caught:
        main(["--output_dir", str(tmp_path), "--networks", "resnet50,vgg"])
    assert caught.value.code == 2
    assert "inception_v1" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def build(directory: Path, network: str, inputs: int) -> None:
    command = [sys.executable, "-m", "hostsdk.samples", "--output_dir", directory]
    command += ["--networks", network, "--inputs", str(inputs)]
    succeeded(subprocess.run(command, capture_output=True, text=True))


@pytest.mark.hostsdk
@pytest.mark.slow
def test_two_builds_are_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        build(tmp_path / name, "squeezenet", 1)
    for file in ("squeezenet.onnx", "squeezenet/input_0.raw"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def agree_within_two_steps(directory: Path, network: str, inputs: int) -> None:
    """Build, convert, prepare and run `network`, and compare every output with ONNX Runtime's on the CPU."""
    import onnx
    from onnx import numpy_helper

    build(directory, network, inputs)
    path = directory / f"{network}.onnx"
    succeeded(run_tool("snpe-onnx-to-dlc", "-i", path, cwd=directory))
    succeeded(
        run_tool("snpe-dlc-graph-prepare", f"--input_dlc={network}.dlc", "--htp_socs=sa8255", cwd=directory)
    )
    arguments = ("--container", f"{network}_cached.dlc", "--input_list", f"{network}/input_list.txt")
    succeeded(run_tool("snpe-net-run", "--use_dsp", "--profiling_level=off", *arguments, cwd=directory))
    graph = onnx.load(path).graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    last = [node for node in graph.node if node.op_type == "QuantizeLinear"][-1]
    step = float(constants[last.input[1]])
    session = networks.reference(path)
    for index in range(inputs):
        given = np.fromfile(directory / network / f"input_{index}.raw", np.float32).reshape(1, 3, 224, 224)
        [wanted] = session.run(None, {session.get_inputs()[0].name: given})
        [file] = (directory / f"output/Result_{index}").rglob("*.raw")
        assert np.ptp(wanted) >= 4 * step
        assert np.abs(np.fromfile(file, np.float32) - wanted.ravel()).max() <= 2 * step * 1.001


@pytest.mark.hostsdk
def test_squeezenet_on_the_emulator_agrees_with_onnx_runtime(tmp_path):
    agree_within_two_steps(tmp_path, "squeezenet", 2)


@pytest.mark.hostsdk
@pytest.mark.slow
@pytest.mark.parametrize("network", sorted(set(NETWORKS) - {"squeezenet"}))
def test_every_network_on_the_emulator_agrees_with_onnx_runtime(tmp_path, network):
    agree_within_two_steps(tmp_path, network, 3)
