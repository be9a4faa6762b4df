"""The structure layout of an unknown generation: each known one is tried in its own process, which may crash."""

from __future__ import annotations

import tempfile
from importlib import resources
from pathlib import Path

from hostsdk import generations, socs
from hostsdk.child import run_job
from hostsdk.compile_options import CompileOptions
from hostsdk.dlc.cache_name import name_cache_record
from hostsdk.dlc.dlc import Dlc
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.generations import Layout
from hostsdk.wheel import Wheel

_NETWORK = "trial.dlc"
"""One 3x3 convolution."""
_SOC = "sa8255"


def layout_of(installed: Wheel, versions: dict[str, str], scratch: Path) -> Layout:
    """Return the layout of the libraries with these API versions: the table's, else the first that compiles a network.

    Raises `ToolError` (RUNTIME_UNAVAILABLE) when none fits.
    """
    if known := generations.of_versions(versions):
        return known.layout
    for layout in generations.LAYOUTS:
        if _fits(installed, layout, scratch):
            return layout
    reported = ", ".join(f"{name} API {version}" for name, version in versions.items())
    supported = ", ".join(each.wheel for each in generations.GENERATIONS)
    raise ToolError(
        ErrorCode.RUNTIME_UNAVAILABLE,
        f"version {installed.version} of the libraries ({reported}) matches none of the {len(generations.LAYOUTS)} known layouts: use one of the wheels {supported}.",
        "Host SDK",
    )


def _fits(installed: Wheel, layout: Layout, scratch: Path) -> bool:
    """Whether a network was compiled, and for the SoC that was requested."""
    soc = socs.find(_SOC, "trial")
    with (
        tempfile.TemporaryDirectory(prefix="trial-", dir=scratch) as folder,
        resources.as_file(resources.files("hostsdk").joinpath(_NETWORK)) as network,
    ):
        output = Path(folder, "prepared.dlc")
        request = {
            **installed.for_jobs(layout),
            "dlc": str(network),
            "soc_model": soc.soc_model,
            "options": CompileOptions().to_json(),
            "profile": False,
            "output": str(output),
        }
        try:
            run_job("prepare", request, Path(folder))
            name_cache_record(output, soc.name)
            return Dlc(output).cache_record(soc.name) is not None
        except ToolError:
            return False
