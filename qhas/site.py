"""This lab: where artifacts go, which SDK is used, which devices there are."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from pydantic import Field, model_validator

from qhas.failures import InvalidInput
from qhas.naming import Name, SocName
from qhas.process import is_secret
from qhas.spec import Spec, anchored, parse_yaml

SITE_VARIABLE = "QHAS_SITE"
DEFAULT_STORE = "./qhas-store"


class Transport(StrEnum):
    """How commands and files reach a device."""

    HOST = "host"


class DeviceRef(Spec):
    """A device of the lab. `host` devices are this machine, running the SDK's own executables."""

    name: Name
    soc: SocName
    transport: Transport = Transport.HOST


class SdkRef(Spec):
    """Which SDK to use. Without a root: QAIRT_SDK_ROOT, QNN_SDK_ROOT, SNPE_ROOT, else the host SDK."""

    root: Path | None = None
    env: dict[str, str] = Field(
        default={}, description="Variables for the SDK's tools. They become part of the cache key."
    )


class Viewer(StrEnum):
    """Where qnn-profile-viewer runs."""

    HOST = "host"


class Site(Spec):
    """The lab as site.yaml states it. With no devices, the host simulates any SoC the SDK knows."""

    store: str = Field(
        default=DEFAULT_STORE, description="Any fsspec URL; relative paths are taken from site.yaml."
    )
    sdk: SdkRef = SdkRef()
    viewer: Viewer = Viewer.HOST
    devices: list[DeviceRef] = []

    @model_validator(mode="after")
    def _device_names_are_unique(self) -> Site:
        names = [device.name for device in self.devices]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"devices must have different names; {', '.join(twice)} stands there more than once"
            )
        return self

    def serves(self, soc: str) -> bool:
        """Whether some device of this lab can run for the SoC."""
        return not self.devices or any(device.soc == soc for device in self.devices)


def load_site(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Site:
    """Read site.yaml from `path`, else from QHAS_SITE, else the defaults. Raises InvalidInput."""
    if path is None and environ.get(SITE_VARIABLE):
        path = Path(environ[SITE_VARIABLE])
    if path is None:
        return Site(store=str(Path(DEFAULT_STORE).resolve()))
    site = parse_yaml(path, Site, "site")
    sdk = site.sdk
    if sdk.root is not None:
        sdk = sdk.model_copy(update={"root": Path(anchored(path, "sdk.root", str(sdk.root)))})
    return site.model_copy(update={"store": anchored(path, "store", site.store), "sdk": sdk})


def without_secrets(site: Site) -> Site:
    """The site as it may be stored: values of secret-looking variables and passwords in the store's URL replaced."""
    env = {name: "..." if is_secret(name) else value for name, value in site.sdk.env.items()}
    return site.model_copy(
        update={"store": without_password(site.store), "sdk": site.sdk.model_copy(update={"env": env})}
    )


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    return re.sub(r"(?<=://)[^/@]+@", "...@", url)


def require_devices(site: Site, socs: list[str]) -> None:
    """Raise InvalidInput if a SoC has no device in this lab."""
    if missing := [soc for soc in socs if not site.serves(soc)]:
        have = ", ".join(sorted({device.soc for device in site.devices}))
        raise InvalidInput(
            f"No device of this site has SoC {', '.join(missing)}; its devices are for {have}."
        )
