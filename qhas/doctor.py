"""Is everything there that a run needs? Each check answers with one sentence."""

from __future__ import annotations

import os
import platform
import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from qhas.failures import InvalidInput
from qhas.sdk import Sdk, SdkKind, Tool, find_sdk, host_sdk_estimates
from qhas.site import Site
from qhas.store import Store, StoreError

_HELP_TIMEOUT_SECONDS = 60
_QHAS_TOOLS = (Tool.GRAPH_PREPARE, Tool.NET_RUN)
"""SDKs before 2.44 or so have these tools without the profiling level `qhas`; their help tells."""


@dataclass(frozen=True)
class Finding:
    """The answer of one check."""

    what: str
    good: bool
    answer: str


def examine(site: Site) -> Iterator[Finding]:
    """Check this site's SDK, store, scratch space and Prefect, the cheapest and most telling first."""
    yield Finding(
        "host",
        True,
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    )
    yield _prefect()
    try:
        sdk = find_sdk(site.sdk)
    except InvalidInput as error:
        yield Finding("SDK", False, str(error))
    else:
        origin = (
            "host SDK: compiles and estimates on this machine" if sdk.kind is SdkKind.HOST else "vendor SDK"
        )
        yield Finding("SDK", True, f"{sdk.version} at {sdk.root} ({origin})")
        yield from (_knows_qhas(sdk, tool) for tool in _QHAS_TOOLS)
        if sdk.kind is SdkKind.HOST:
            yield Finding("estimates", True, f"supported by the vendor for {', '.join(host_sdk_estimates())}")
    yield _store(site)
    yield _scratch()
    names = ", ".join(f"{device.name} ({device.soc})" for device in site.devices)
    yield Finding("devices", True, names or "none listed: any SoC the SDK knows is simulated on this host")


def _prefect() -> Finding:
    try:
        found = version("prefect")
    except PackageNotFoundError:
        return Finding("Prefect", False, "Prefect is not installed; install qhas-flows again.")
    return Finding(
        "Prefect", True, f"{found}, API {os.environ.get('PREFECT_API_URL', 'as the active profile says')}"
    )


def _knows_qhas(sdk: Sdk, tool: Tool) -> Finding:
    try:
        answer = subprocess.run(
            [str(sdk.tool(tool)), "--help"],
            env=sdk.environment(),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_HELP_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(tool, False, f"{sdk.tool(tool)} does not run: {error}")
    if "qhas" in answer.stdout + answer.stderr:
        return Finding(tool, True, "runs and knows --profiling_level qhas")
    return Finding(
        tool, False, f"{sdk.tool(tool)} does not know --profiling_level qhas; use SDK 2.44 or newer."
    )


def _store(site: Site) -> Finding:
    folder = f"doctor-{secrets.token_hex(4)}"
    key = f"{folder}/probe.txt"
    try:
        store = Store(site.store)
        store.write(key, b"qhas doctor")
        good = store.read(key) == b"qhas doctor"
        store.delete(folder)
    except StoreError as error:
        return Finding("store", False, str(error))
    return Finding(
        "store",
        good,
        f"{site.store} can be written and read" if good else f"{site.store} returned other bytes",
    )


def _scratch() -> Finding:
    folder = Path(tempfile.gettempdir())
    facts = os.statvfs(folder)
    free = facts.f_bavail * facts.f_frsize / 1e9
    return Finding(
        "scratch", free > 2, f"{folder} has {free:.1f} GB free" + ("" if free > 2 else "; a sweep wants 2 GB")
    )
