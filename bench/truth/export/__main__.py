"""`python -m bench.truth.export [NETWORK ...]`: make structure files, by default of every network in the catalogue."""

from __future__ import annotations

import argparse
import io
import sys
import warnings
from collections.abc import Sequence

import onnx
import torch
from torch import nn

from bench.truth import structure
from bench.truth.export.catalogue import SOURCES
from bench.truth.export.source import Source

_SEED = 0


def main(argv: Sequence[str]) -> int:
    """Return exit code 0, or 1 if a network could not be exported; the others are written all the same."""
    parser = argparse.ArgumentParser(prog="python -m bench.truth.export", description=__doc__)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help="as in AI Hub")
    chosen = parser.parse_args(argv).networks or list(SOURCES)
    if unknown := [name for name in chosen if name not in SOURCES]:
        parser.error(f"{unknown[0]!r} is not in the catalogue: {', '.join(SOURCES)}")
    warnings.filterwarnings("ignore")  # tracing warns of every shape that it treats as constant: they are
    torch.backends.mha.set_fastpath_enabled(False)  # cannot be expressed in ONNX
    failed = 0
    for name in chosen:
        try:
            content = structure.pack(exported(SOURCES[name]))
        except Exception as error:  # each library fails in its own way, and the next network may succeed
            failed += 1
            print(f"{name}: {type(error).__name__}: {' '.join(str(error).split())[:300]}", file=sys.stderr)
            continue
        structure.path_of(name).write_bytes(content)
        print(f"{name}: {len(content):,} bytes", flush=True)
    return min(failed, 1)


def exported(source: Source) -> onnx.ModelProto:
    """Export the network to ONNX, with random weights from a seed."""
    torch.manual_seed(_SEED)
    network = source.build().eval()
    _disturb(network)
    inputs = {name: make() for name, make in source.inputs.items()}
    written = io.BytesIO()
    with torch.no_grad():
        torch.onnx.export(
            network,
            tuple(inputs.values()),
            written,
            opset_version=source.opset,
            dynamo=False,
            input_names=list(inputs),
            do_constant_folding=True,
        )
    return onnx.load_from_string(written.getvalue())


def _disturb(network: nn.Module) -> None:
    """Make parameters that start as ones or zeros resemble those of a trained network.

    A compiler would fold them away otherwise.
    """
    random = torch.Generator().manual_seed(_SEED)
    with torch.no_grad():
        for values in network.parameters():
            if values.numel() > 1 and values.std() == 0:
                values.add_(torch.randn(values.shape, generator=random) * 0.05)
        for name, values in network.named_buffers():
            if name.endswith("running_mean"):
                values.add_(torch.randn(values.shape, generator=random) * 0.05)
            elif name.endswith("running_var"):
                values.mul_(1 + 0.2 * torch.rand(values.shape, generator=random))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
