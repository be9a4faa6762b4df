"""The lab: where artifacts go, which SDK is used, which devices there are, and how much of this host is used."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, field_validator, model_validator

from qhas.documents import Written, anchored, parse_yaml, require_distinct
from qhas.failures import InvalidInput
from qhas.machine.secrets import MASK, holds_secret, masked
from qhas.naming import Name
from qhas.site.devices import DeviceRef, Gate, Transport
from qhas.sweep.model_ref import NO_INPUTS, RANDOM_INPUTS

if TYPE_CHECKING:
    from qhas.sweep.spec import Cell

SITE_VARIABLE = "QHAS_SITE"
DEFAULT_STORE = "./qhas-store"


class Host(Written):
    """How much of this host the work on it may use."""

    cores: int | None = Field(
        default=None, ge=1, description="Tools that compute here at the same time; every core by default."
    )
    free_memory_mb: int = Field(
        default=1024, ge=0, description="No further cell starts while less memory than this is available."
    )
    free_scratch_mb: int = Field(
        default=2048, ge=0, description="No further cell starts while less scratch space than this is free."
    )


class SdkRef(Written):
    """Which SDK to use: without a root, that of QAIRT_SDK_ROOT, QNN_SDK_ROOT or SNPE_ROOT, else the host SDK."""

    root: Path | None = None
    env: dict[str, str] = Field(
        default={}, description="Variables for the SDK's tools. They become part of the cache key."
    )


class NamedSdk(Written):
    """One of several SDKs, for the axis `sdk` of a sweep: a vendor's directory, or a version of the host SDK."""

    root: Path | None = Field(default=None, description="Root of a vendor SDK.")
    host: str | None = Field(
        default=None,
        pattern=r"^\d+\.\d+(\.\d+)?$",
        description="A version of the host SDK, as in 2.4.0 or 2.48; python -m hostsdk install fetches it.",
    )
    env: dict[str, str] = Field(default={}, description="Variables for its tools, as in `sdk`.")

    @model_validator(mode="after")
    def _is_one(self) -> NamedSdk:
        if (self.root is None) == (self.host is None):
            raise ValueError("give either an SDK's root or a version of the host SDK")
        return self


class Viewer(StrEnum):
    """Where qnn-profile-viewer runs."""

    HOST = "host"
    """On this host, from the log that the device wrote."""
    DEVICE = "device"
    """On the device, as the vendor's SNPE page describes; its files are fetched."""


class Links(Written):
    """How a browser reaches what is stored. With neither key, links are addresses to copy, not to click."""

    base: str | None = Field(
        default=None,
        pattern=r"^https?://[^@\s]+$",
        description="Where the store is served over HTTP, as in https://artifacts.lab/lab1.",
    )
    presigned_hours: int = Field(
        default=0,
        ge=0,
        le=168,
        description="S3 without such a server: sign links for this many hours. Whoever sees one can read that object.",
    )
    perfetto: str = Field(
        default="https://ui.perfetto.dev",
        pattern=r"^https?://[^@\s]+$",
        description="The Perfetto UI that opens traces, if the lab has its own.",
    )


class Site(Written):
    """The lab as site.yaml states it. With no devices, the host simulates any SoC the SDK knows."""

    store: str = Field(
        default=DEFAULT_STORE, description="Any fsspec URL; relative paths are resolved against site.yaml."
    )
    sdk: SdkRef = SdkRef()
    sdks: dict[Name, NamedSdk] = Field(
        default={}, description="Further SDKs by the names that a sweep's axis `sdk` has, as in 2.48."
    )
    viewer: Viewer = Viewer.HOST
    devices: list[DeviceRef] = []
    gate: Gate = Gate()
    host: Host = Host()
    links: Links = Links()
    estimate: bool = Field(
        default=False,
        description="Also estimate each cell that is measured on a device, for `qhas truth`. Needs the host SDK's extra.",
    )

    @field_validator("store")
    @classmethod
    def _store_is_somewhere(cls, store: str) -> str:
        if not store.strip():
            raise ValueError("there is no value; write one, or leave the key out")
        return store

    @model_validator(mode="after")
    def _device_names_are_unique(self) -> Site:
        require_distinct("devices must have different names", [device.name for device in self.devices])
        require_distinct("each name must be a different device", [device.address for device in self.devices])
        return self

    def devices_by_soc(self) -> dict[str, int]:
        """Return the number of devices by SoC; if empty, this host simulates every SoC, without limit."""
        return dict(Counter(device.soc for device in self.devices))

    def measured_socs(self) -> frozenset[str]:
        """Return the SoCs that run on devices; all others are simulated here."""
        return frozenset(device.soc for device in self.devices if device.transport is not Transport.HOST)

    def serves(self, soc: str) -> bool:
        """Whether any device in this lab can run cells for the SoC."""
        return not self.devices or any(device.soc == soc for device in self.devices)


def load_site(path: Path | str | None = None, environ: Mapping[str, str] = os.environ) -> Site:
    """Read site.yaml from `path`, else from QHAS_SITE; the defaults if both are unset or empty. Raises InvalidInput."""
    address = path or environ.get(SITE_VARIABLE)
    if not address:
        return Site(store=str(Path(DEFAULT_STORE).resolve()))
    if not isinstance(address, str | os.PathLike):
        raise InvalidInput(f"{address!r} cannot be a site file: give its path.")
    path = Path(address)
    site = parse_yaml(path, Site, "site")
    sdk = site.sdk
    if sdk.root is not None:
        sdk = sdk.model_copy(update={"root": Path(anchored(path, "sdk.root", str(sdk.root)))})
    sdks = {
        name: named.model_copy(update={"root": Path(anchored(path, f"sdks.{name}.root", str(named.root)))})
        if named.root
        else named
        for name, named in site.sdks.items()
    }
    devices = [
        ref.model_copy(update={"ssh_config": Path(anchored(path, "ssh_config", str(ref.ssh_config)))})
        if ref.ssh_config
        else ref
        for ref in site.devices
    ]
    return site.model_copy(
        update={"store": anchored(path, "store", site.store), "sdk": sdk, "sdks": sdks, "devices": devices}
    )


def without_secrets(site: Site) -> Site:
    """Return the site with secrets in variables and in the store's address replaced, so that it may be stored."""
    sdk = site.sdk.model_copy(update={"env": _without_values(site.sdk.env)})
    sdks = {
        name: named.model_copy(update={"env": _without_values(named.env)})
        for name, named in site.sdks.items()
    }
    devices = [ref.model_copy(update={"env": _without_values(ref.env)}) for ref in site.devices]
    return site.model_copy(update={"store": masked(site.store), "sdk": sdk, "sdks": sdks, "devices": devices})


def _without_values(env: Mapping[str, str]) -> dict[str, str]:
    return {name: MASK if holds_secret(name, value) else value for name, value in env.items()}


def require_cells(site: Site, cells: Iterable[Cell]) -> None:
    """Raise InvalidInput for a cell that no device of this lab can run, or none in the requested way."""
    cells = list(cells)
    require_devices(site, sorted({cell.soc for cell in cells}))
    real = {device.soc for device in site.devices if device.transport is not Transport.HOST}
    for cell in cells:
        if cell.model.llm and cell.soc in real:
            raise InvalidInput(
                f"{cell.model.name} is a language model, which is estimated, but {cell.soc} is a device at this site: leave the SoC out, or "
                "use a site without that device."
            )
        if not cell.model.executes and cell.soc in real:
            raise InvalidInput(
                f"{cell.model.name} has `inputs: {NO_INPUTS}`, which estimates without execution, but {cell.soc} is a device "
                f"at this site, and a device executes: write `inputs: {RANDOM_INPUTS}` or an input list."
            )


def require_devices(site: Site, socs: list[str]) -> None:
    """Raise InvalidInput if a SoC has no device in this lab."""
    if missing := [soc for soc in socs if not site.serves(soc)]:
        have = ", ".join(sorted({device.soc for device in site.devices}))
        raise InvalidInput(
            f"No device of this site has SoC {', '.join(missing)}; its devices are for {have}."
        )
