"""The demo's networks are ONNX files with images to quantise them, created where they are missing."""

from __future__ import annotations

from pathlib import Path

from qhas.site.demo import demo_sweep, missing_networks


def networks_in(folder: Path) -> Path:
    networks = folder / "qhas-demo" / "networks"
    networks.mkdir(parents=True)
    return networks


def test_its_sweep_takes_each_onnx_in_8_bits_by_the_images_beside_it(tmp_path: Path) -> None:
    (model,) = demo_sweep(tmp_path, ["squeezenet"]).models
    assert (model.dlc, Path(model.onnx)) == ("", tmp_path / "networks/squeezenet.onnx")
    assert model.quantize is not None
    assert model.quantize.name == "w8a8"
    assert Path(model.quantize.calibration) == tmp_path / "networks/squeezenet-calibration"
    assert Path(model.inputs) == tmp_path / "networks/squeezenet/input_list.txt"


def test_networks_that_are_not_there_are_missing_and_others_are_none_of_its_own(tmp_path: Path) -> None:
    networks = networks_in(tmp_path)
    (networks / "resnet50.dlc").touch()
    asked = ["squeezenet.onnx", "squeezenet.dlc", "resnet50.dlc", "yours.onnx", "squeezenet.txt"]
    addresses = [*(str(networks / name) for name in asked), str(tmp_path / "squeezenet.onnx"), "s3://a/b.dlc"]
    assert missing_networks(addresses) == {tmp_path / "qhas-demo": ["squeezenet.onnx", "squeezenet.dlc"]}


def test_an_onnx_without_its_images_is_made_anew(tmp_path: Path) -> None:
    network = networks_in(tmp_path) / "squeezenet.onnx"
    network.touch()
    assert missing_networks([str(network)])
    network.with_suffix("").mkdir()
    (network.with_suffix("") / "input_list.txt").touch()
    assert not missing_networks([str(network)])
