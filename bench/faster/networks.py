"""The demo's six quantised networks, and topologies that AI Hub measures, float as it exports them, seeded weights."""

from __future__ import annotations

from pathlib import Path

from bench.truth import structure
from bench.truth.estimating import host_sdk, to_dlc
from hostsdk.samples.__main__ import NETWORKS as SAMPLES

DEMO = tuple(f"demo-{name}" for name in SAMPLES)
TOPOLOGIES = (
    "squeezenet1_1", "mobilenet_v3_small", "mnasnet05", "mobilenet_v2", "shufflenet_v2", "googlenet", "resnet18",
    "quicksrnetsmall", "quicksrnetmedium", "mobilenet_v3_large", "efficientnet_b0", "resnet50", "efficientnet_lite4",
    "densenet121", "inception_v3", "resnext50", "mobile_vit", "regnet", "wideresnet50", "levit",
)  # fmt: skip
"""Twenty topologies whose compilation takes seconds, the quick ones first."""


def onnx_of(name: str, folder: Path) -> Path:
    """Return the ONNX file of a network, building it in `folder` unless it is there. Raises BenchFailed."""
    import onnx

    target = folder / f"{name}.onnx"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        if name in DEMO:
            from hostsdk.samples.build import build

            build(name.removeprefix("demo-"), folder).rename(target)
        else:
            onnx.save(structure.read(structure.path_of(name)), str(target))
    return target


def dlc_of(name: str, folder: Path) -> Path:
    """Return its DLC likewise: it is kept, since a second conversion gives other bytes. Raises BenchFailed."""
    target = folder / f"{name}.dlc"
    if not target.exists():
        to_dlc(host_sdk(), onnx_of(name, folder), folder).rename(target)
    return target
