"""The demo: well-known networks on simulated SoCs.

They are made on this machine as float ONNX, with images to quantise and to run them with.
The networks have the published topologies and seeded weights: in 8 bits they take as long as the trained networks, but
their answers mean nothing. If a sweep names DLCs of them, these are made already quantised.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from qhas.failures import InvalidInput
from qhas.machine.host_sdk import host_sdk_variables
from qhas.machine.process import run_tool, tool_environment
from qhas.site import SdkRef, Site
from qhas.site.sdk import HOST_TARGET, host_sdk_root
from qhas.sweep.quantization import Quantization
from qhas.sweep.spec import Exclusion, ModelRef, SweepSpec

NETWORKS = ("inception_v1", "inception_v2", "resnet50", "squeezenet", "shufflenet", "densenet121")
DEMO_FOLDER = Path("qhas-demo")
SOCS = ("sa8255", "qcs9100", "sa8797", "sar2230p")
QUICK = frozenset({*((name, SOCS[0]) for name in NETWORKS), *(("squeezenet", soc) for soc in SOCS)})
"""Cells of the quick demo: every network and every SoC at least once."""
ONNX, DLC = ".onnx", ".dlc"
_FOLDER = "networks"
_SAMPLES = (sys.executable, "-m", "hostsdk.samples")
_TIMEOUT_SECONDS = 600


def demo_site(folder: Path) -> Site:
    """Return a site with the host SDK, simulated devices and a store in the demo's folder."""
    return Site(store=str(folder.resolve() / "store"), sdk=SdkRef(root=host_sdk_root()))


def demo_sweep(folder: Path, networks: Sequence[str] = NETWORKS, *, quick: bool = False) -> SweepSpec:
    """Return the demo's sweep over the ONNX files that `make_networks` makes, quantised to 8 bits."""
    place = _networks(folder)
    models = [
        ModelRef(
            name=name,
            onnx=str(place / f"{name}{ONNX}"),
            quantize=Quantization(calibration=str(place / f"{name}-calibration")),
            inputs=str(_inputs(place / name)),
        )
        for name in networks
    ]
    left_out = [(name, soc) for name in networks for soc in SOCS if quick and (name, soc) not in QUICK]
    exclude = [Exclusion(model=name, soc=soc) for name, soc in left_out]
    return SweepSpec(name="demo", models=models, socs=list(SOCS), exclude=exclude)


def missing_networks(addresses: Iterable[str]) -> dict[Path, list[str]]:
    """Return the demo's files among these networks that are not made yet, by the demo's folder, as in `qhas-demo`."""
    missing = defaultdict[Path, list[str]](list)
    for path in map(Path, addresses):
        ours = path.parts[-3:-1] == (DEMO_FOLDER.name, _FOLDER) and path.stem in NETWORKS
        if ours and path.suffix in (ONNX, DLC) and not _is_made(path):
            missing[path.parent.parent].append(path.name)
    return missing


async def make_networks(folder: Path, made: Callable[[str], None], files: Iterable[str]) -> None:
    """Make those of the files, such as `squeezenet.onnx` or `squeezenet.dlc`, that are missing. Raises InvalidInput.

    `made` is called with the name of each file, whether it was missing or not.
    """
    networks = _networks(folder)
    gate = asyncio.Semaphore(os.cpu_count() or 1)

    async def make(file: str) -> None:
        async with gate:
            if not _is_made(networks / file):
                await (_make_dlc if file.endswith(DLC) else _make_onnx)(networks, Path(file).stem)
            made(file)

    try:
        async with asyncio.TaskGroup() as group:
            for file in files:
                group.create_task(make(file))
    except* InvalidInput as failed:
        raise failed.exceptions[0] from None


def _is_made(network: Path) -> bool:
    """Whether a network is made; an ONNX needs its images, written last: older demos left quantised ones without."""
    return network.is_file() and (network.suffix == DLC or _inputs(network.with_suffix("")).is_file())


def _inputs(network: Path) -> Path:
    return network / "input_list.txt"


async def _make_onnx(networks: Path, name: str) -> None:
    await _run(
        networks, name, *_SAMPLES, "--float", "--inputs=1", f"--output_dir={networks}", f"--networks={name}"
    )


async def _make_dlc(networks: Path, name: str) -> None:
    convert = host_sdk_root() / "bin" / HOST_TARGET / "snpe-onnx-to-dlc"
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=networks) as scratch:
        onnx, dlc = Path(scratch, f"{name}{ONNX}"), Path(scratch, f"{name}{DLC}")
        await _run(networks, name, *_SAMPLES, f"--output_dir={scratch}", f"--networks={name}")
        await _run(networks, name, str(convert), f"--input_network={onnx}", f"--output_path={dlc}")
        await asyncio.to_thread(dlc.rename, networks / dlc.name)


async def _run(networks: Path, name: str, *argv: str) -> None:
    output = networks / f"{name}.txt"
    run = await run_tool(
        argv,
        cwd=networks,
        env=tool_environment(host_sdk_variables()),
        output=output,
        timeout_seconds=_TIMEOUT_SECONDS,
    )
    if run.exit_code != 0:
        raise InvalidInput(f"Network {name} could not be made; {Path(argv[0]).name} says why in {output}.")


def _networks(folder: Path) -> Path:
    networks = folder.resolve() / _FOLDER
    networks.mkdir(parents=True, exist_ok=True)
    return networks
