"""Build a sample network and its inputs, and write them atomically."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

from hostsdk.publish import publish, scratch_in
from hostsdk.samples import quantise, topologies, weights
from hostsdk.samples.images import image


def build(network: str, directory: Path) -> Path:
    """Write `<network>.onnx`, quantised.

    The bytes are always the same for the same versions of numpy, onnx and ONNX Runtime.
    """
    target = directory / f"{network}.onnx"
    with scratch_in(directory) as scratch:
        dlc = scratch / target.name
        quantise.quantise(network, _in_floats(network), dlc)
        publish(dlc, target)
    return target


def build_float(network: str, directory: Path) -> Path:
    """Write `<network>.onnx` in float, then the images by which `build` quantises it.

    These are `<network>-calibration/image_<n>.npy`.
    """
    target, folder = directory / f"{network}.onnx", directory / f"{network}-calibration"
    with scratch_in(directory) as scratch:
        images = scratch / folder.name
        images.mkdir()
        for index, values in enumerate(quantise.calibration_images(network)):
            np.save(images / f"image_{index}.npy", values)
        onnx.save(_in_floats(network), scratch / target.name)
        publish(scratch / target.name, target)
        publish(images, folder)
    return target


def _in_floats(network: str) -> onnx.ModelProto:
    model, wanted = topologies.load(network)
    values = weights.draw(network, wanted)
    weights.scale_on_data(network, model, values)
    topologies.add_weights(model, values)
    return model


def write_inputs(network: str, count: int, directory: Path) -> Path:
    """Write `<network>/input_<n>.raw` (float32, 1 x 3 x 224 x 224) and `<network>/input_list.txt`.

    The list has one line per input. Its paths are absolute, as net-run resolves relative ones against its own working
    directory.
    """
    target = directory / network
    with scratch_in(directory) as scratch:
        folder = scratch / network
        folder.mkdir()
        names = [f"input_{index}.raw" for index in range(count)]
        for index, name in enumerate(names):
            image(network, "input", index).tofile(folder / name)
        lines = [f"{target.resolve() / name}\n" for name in names]
        (folder / "input_list.txt").write_text("".join(lines))
        publish(folder, target)
    return target / "input_list.txt"
