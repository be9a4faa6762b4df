"""The demo: well-known networks, made, quantised and converted on this machine, on simulated SoCs.

The networks have the published topologies and seeded weights, 8-bit quantised: their time is that of the trained
networks, their answers mean nothing.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from qhas.failures import InvalidInput
from qhas.machine.process import run_tool, tool_environment
from qhas.site import SdkRef, Site
from qhas.site.sdk import HOST_TARGET, host_sdk_root
from qhas.sweep.spec import Exclusion, ModelRef, SweepSpec

NETWORKS = ("inception_v1", "inception_v2", "resnet50", "squeezenet", "shufflenet", "densenet121")
DEMO_FOLDER = Path("qhas-demo")
SOCS = ("sa8255", "qcs9100", "sa8797", "sar2230p")
QUICK = frozenset({*((name, SOCS[0]) for name in NETWORKS), *(("squeezenet", soc) for soc in SOCS)})
"""Cells of the quick demo: every network once, every SoC once."""
_TIMEOUT_SECONDS = 600


def demo_site(folder: Path) -> Site:
    """The host SDK, simulated devices and a store in the demo's folder."""
    return Site(store=str(folder.resolve() / "store"), sdk=SdkRef(root=host_sdk_root()))


def demo_sweep(folder: Path, networks: Sequence[str] = NETWORKS, *, quick: bool = False) -> SweepSpec:
    """The demo's sweep over the DLCs that `make_networks` leaves."""
    models = [ModelRef(name=name, dlc=str(_dlc(folder, name).resolve())) for name in networks]
    left_out = [(name, soc) for name in networks for soc in SOCS if quick and (name, soc) not in QUICK]
    exclude = [Exclusion(model=name, soc=soc) for name, soc in left_out]
    return SweepSpec(name="demo", models=models, socs=list(SOCS), exclude=exclude)


def missing_networks(addresses: Iterable[str]) -> dict[Path, list[str]]:
    """The demo's networks among these DLCs that are not made yet, by the demo's folder, as in `qhas-demo`."""
    missing = defaultdict[Path, list[str]](list)
    for path in map(Path, addresses):
        folder = path.parent.parent
        ours = folder.name == DEMO_FOLDER.name and path.stem in NETWORKS and path == _dlc(folder, path.stem)
        if ours and not path.exists():
            missing[folder].append(path.stem)
    return missing


async def make_networks(folder: Path, made: Callable[[str], None], names: Iterable[str] = NETWORKS) -> None:
    """Make what is not there yet, calling `made` with each network's name. Raises InvalidInput."""
    networks = _networks(folder)
    gate = asyncio.Semaphore(os.cpu_count() or 1)

    async def make(name: str) -> None:
        async with gate:
            if not _dlc(folder, name).is_file():
                await _make(networks, name)
            made(name)

    try:
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(make(name))
    except* InvalidInput as failed:
        raise failed.exceptions[0] from None


async def _make(networks: Path, name: str) -> None:
    onnx = networks / f"{name}.onnx"
    convert = host_sdk_root() / "bin" / HOST_TARGET / "snpe-onnx-to-dlc"
    partial = networks / f"{name}.{secrets.token_hex(4)}.partial.dlc"  # another demo may make the same
    for argv in (
        [sys.executable, "-m", "hostsdk.samples", "--output_dir", str(networks), "--networks", name],
        [str(convert), "--input_network", str(onnx), "--output_path", str(partial)],
    ):
        output = networks / f"{name}.txt"
        run = await run_tool(
            argv, cwd=networks, env=tool_environment({}), output=output, timeout_seconds=_TIMEOUT_SECONDS
        )
        if run.exit_code != 0:
            raise InvalidInput(
                f"Network {name} could not be made; {Path(argv[0]).name} says why in {output}."
            )
    partial.rename(_dlc(networks.parent, name))


def _networks(folder: Path) -> Path:
    networks = folder.resolve() / "networks"
    networks.mkdir(parents=True, exist_ok=True)
    return networks


def _dlc(folder: Path, name: str) -> Path:
    return folder / "networks" / f"{name}.dlc"
