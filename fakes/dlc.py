"""Make tiny DLCs that the fake SDK's tools accept."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from .sdk.toolchain.container import Dlc, Model, Tensor

SAMPLE_NODES = (
    ("input", "Input"),
    ("conv1", "Conv2d"),
    ("conv2", "Conv2d"),
    ("add1", "ElementWiseAdd"),
    ("conv3", "Conv2d"),
    ("add2", "ElementWiseAdd"),
    ("conv4", "Conv2d"),
    ("pool", "PoolAvg2d"),
    ("flatten", "Reshape"),
    ("classifier", "FullyConnected"),
    ("probabilities", "Softmax"),
    ("output", "Output"),
)


def make_dlc(
    path: Path,
    *,
    graph: str | None = None,
    nodes: Sequence[tuple[str, str]] = SAMPLE_NODES,
    inputs: Mapping[str, Sequence[int]] | None = None,
    outputs: Mapping[str, Sequence[int]] | None = None,
    salt: str = "",
    graphs: Sequence[str] = (),
) -> Path:
    """Write an un-cached DLC and return its path.

    `graph` is the graph's name, by default the file's stem; it names the schematic. `nodes` are (name, QNN op type).
    `inputs` and `outputs` are shapes of float32 tensors by name, by default one of 1x3x8x8 and one of 1x10.
    With `graphs` the DLC holds one graph for each name, in this order, each one node shorter than the one before.
    DLCs that differ in anything, even only in `salt`, have different bytes and different figures.
    """
    named = graphs or (graph or path.stem,)
    first, *more = (
        Model(
            graph=name,
            nodes=(*nodes[:1], *nodes[1 + index :]),
            inputs=_tensors(inputs or {"input": (1, 3, 8, 8)}),
            outputs=_tensors(outputs or {"probabilities": (1, 10)}),
            salt=salt,
        )
        for index, name in enumerate(named)
    )
    path.write_bytes(Dlc(first._replace(more=tuple(more))).to_bytes())
    return path


def make_inputs(directory: Path, dlc: Path, *, inferences: int = 1) -> Path:
    """Write raw files of the sizes that `dlc` takes and an input list for `inferences` runs; return the list.

    The list names the files by absolute path.
    """
    model = Dlc.from_bytes(dlc.read_bytes()).model
    words = []
    for tensor in model.inputs:
        file = directory / f"{tensor.name}.raw"
        file.write_bytes(bytes(tensor.size))
        words.append(f"{tensor.name}:={file.resolve()}")
    listing = directory / "input_list.txt"
    listing.write_text((" ".join(words) + "\n") * inferences, encoding="utf-8")
    return listing


def _tensors(shapes: Mapping[str, Sequence[int]]) -> tuple[Tensor, ...]:
    return tuple(Tensor(name, tuple(dims)) for name, dims in shapes.items())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m fakes.dlc", description=__doc__)
    parser.add_argument("path", type=Path)
    print(make_dlc(parser.parse_args().path))
