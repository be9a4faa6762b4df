"""The network that a user names, as a DLC on this host: fetched, or converted from ONNX."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qhas.estimate.bench import Bench, asked_soc, estimating_at
from qhas.estimate.conversion import to_dlcs
from qhas.estimate.trial import Subject
from qhas.failures import InvalidInput, StepFailed
from qhas.lab.models import Models
from qhas.machine.digest import file_digest
from qhas.machine.secrets import name_in
from qhas.naming import safe_name
from qhas.network.dlc import read_network
from qhas.site import Site
from qhas.site.sdk import Sdk
from qhas.sweep.plan import require_network
from qhas.sweep.spec import ModelRef


@contextmanager
def open_bench(address: str, soc: str, site: Site, sdk_name: str | None = None) -> Iterator[Bench]:
    """Open the network at `address`, a DLC or an ONNX on this host, for the SoC.

    Raises InvalidInput before anything runs.
    """
    soc = asked_soc(soc)
    if "://" not in address:
        require_network(ModelRef.model_validate({"name": "net", _kind(address): address}))
    with estimating_at(site, sdk_name, [soc]) as (estimator, store, folder):
        dlc, digest = asyncio.run(_dlc(address, estimator.sdk, folder))
        name = safe_name(Path(name_in(address)).stem)
        yield Bench(name, Subject(dlc, digest, soc), estimator, store, folder)


def content_of(converted: Path) -> str:
    """Return a digest of what a converted DLC computes: its bytes contain the time of the conversion."""
    try:
        return read_network(converted).digest
    except ValueError:
        return file_digest(converted)


def _kind(address: str) -> str:
    return "onnx" if name_in(address).lower().endswith(".onnx") else "dlc"


async def _dlc(address: str, sdk: Sdk, folder: Path) -> tuple[Path, str]:
    if _kind(address) == "onnx":
        if "://" in address:
            raise InvalidInput(f"{address} is not a file on this host, as an ONNX must be.")
        path = Path(address)
        converted = (await to_dlcs({"net": path}, sdk, folder))["net"]
        if converted.dlc is None:
            raise InvalidInput(f"{path.name} cannot be converted to a DLC: {converted.refusal}.")
        return converted.dlc, await asyncio.to_thread(content_of, converted.dlc)
    try:
        source, _ = await Models(folder).get(ModelRef(name="net", dlc=address))
    except StepFailed as error:
        raise InvalidInput(error.failure.message) from error
    return source.path, source.sha256
