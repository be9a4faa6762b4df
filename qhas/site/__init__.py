"""This lab as written: its store, its SDK, its devices."""

from qhas.site.site import (
    DEFAULT_STORE,
    SITE_VARIABLE,
    DeviceRef,
    Gate,
    Host,
    Links,
    SdkRef,
    Site,
    Transport,
    Viewer,
    load_site,
    require_devices,
    without_secrets,
)

__all__ = [
    "DEFAULT_STORE",
    "SITE_VARIABLE",
    "DeviceRef",
    "Gate",
    "Host",
    "Links",
    "SdkRef",
    "Site",
    "Transport",
    "Viewer",
    "load_site",
    "require_devices",
    "without_secrets",
]
