"""Checks of this machine and what it reaches: Prefect, the store, scratch space, the directory of the leases."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator
from http.client import HTTPException
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import build_opener

from qhas.devices.lease import Leases, default_directory
from qhas.failures import InvalidInput
from qhas.machine.proxies import LOOPBACK, exempt_loopback, proxy_of_loopback, unusable_proxies
from qhas.machine.scratch import dead_scratch
from qhas.machine.secrets import masked
from qhas.store import Store, StoreError
from qhas.store.patience import Patience
from qhas.upkeep.doctor.finding import Finding

_API_VARIABLE = "PREFECT_API_URL"
_API_SECONDS = 5.0
_BRIEF = Patience(total=4.0, answer=5.0)
"""A store that is down is reported within ten seconds."""
_SCRATCH_GB = 2.0


def machine() -> Finding:
    """Describe this host."""
    python, cores = platform.python_version(), os.cpu_count()
    return Finding("host", True, f"{platform.system()} {platform.machine()}, {cores} cores, Python {python}")


def prefect() -> Finding:
    """Check whether Prefect is installed and, if the environment names an API, whether that answers."""
    try:
        installed = version("prefect")
    except PackageNotFoundError:
        return Finding("Prefect", False, "Prefect is not installed; install qhas-flows again.")
    if not (url := os.environ.get(_API_VARIABLE)):
        return Finding("Prefect", True, f"{installed}, API from the active profile")
    if fault := _silence(url):
        step = f"start the server, or unset {_API_VARIABLE} to run without one"
        shown = masked(url)
        return Finding(
            "Prefect", False, f"{installed}, but its API at {shown} does not answer ({fault}): {step}."
        )
    return Finding("Prefect", True, f"{installed}, API at {masked(url)} answers")


def _silence(url: str) -> str | None:
    """Return why an API does not answer; None if it does, even with a refusal."""
    if not url.startswith(("http://", "https://")):
        return "it is not a web server address"
    exempt_loopback()
    try:
        # The opener that urlopen keeps for ever has the proxies of its first use.
        build_opener().open(f"{url.rstrip('/')}/health", timeout=_API_SECONDS).close()
    except HTTPError as refusal:
        return None if refusal.code in (401, 403) else f"HTTP {refusal.code}"
    except (OSError, HTTPException, ValueError) as error:
        return str(getattr(error, "reason", error))
    return None


def store(address: str) -> Finding:
    """Check whether the store can be written, read and cleaned up."""
    try:
        Store(address, _BRIEF).require_writable()
    except StoreError as error:
        return Finding("store", False, str(error))
    return Finding("store", True, f"{masked(address)} can be written and read")


def proxy() -> Iterator[Finding]:
    """Report a proxy that cannot be used, or that blocks the way to this host itself; nothing if there is none."""
    for variable, fault in unusable_proxies().items():
        yield Finding("proxy", True, f"{variable} is set, but {fault}: qhas ignores it; correct or unset it")
    if (name := proxy_of_loopback()) and name not in unusable_proxies():
        step = f"for Prefect's own commands export NO_PROXY={','.join(LOOPBACK)}"
        yield Finding("proxy", True, f"{name} is set and NO_PROXY lacks loopback: qhas adds it; {step}")


def scratch() -> Finding:
    """Check whether there is room for a sweep's temporary files."""
    folder = Path(tempfile.gettempdir())
    facts = os.statvfs(folder)
    free = facts.f_bavail * facts.f_frsize / 1e9
    good = free > _SCRATCH_GB
    step = f"; a sweep needs {_SCRATCH_GB:g} GB: free space, or point TMPDIR at a larger disk."
    dead = len(dead_scratch())
    leavings = f"; the next run removes what {dead} dead ones left" if dead else ""
    return Finding("scratch", good, f"{folder} has {free:.1f} GB free{leavings}{'' if good else step}")


def leases() -> Finding:
    """Check whether this user can lease devices."""
    folder = default_directory()
    try:
        Leases(folder).states([])
    except (InvalidInput, OSError) as error:
        return Finding("leases", False, f"No device can be leased: {error}")
    return Finding("leases", True, f"{folder} is usable; it must be the same for every user of the devices")
