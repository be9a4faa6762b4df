"""The lab as site.yaml describes it: its store, its SDK, its devices."""

from qhas.site.devices import TRANSPORTS, DeviceRef, Gate, Transport, TransportFacts
from qhas.site.site import (
    DEFAULT_STORE,
    SITE_VARIABLE,
    Host,
    Links,
    SdkRef,
    Site,
    Viewer,
    load_site,
    require_cells,
    require_devices,
    without_secrets,
)

__all__ = [
    "DEFAULT_STORE",
    "SITE_VARIABLE",
    "TRANSPORTS",
    "DeviceRef",
    "Gate",
    "Host",
    "Links",
    "SdkRef",
    "Site",
    "Transport",
    "TransportFacts",
    "Viewer",
    "load_site",
    "require_cells",
    "require_devices",
    "without_secrets",
]
