"""Checks that the SDK's tools run here and know level qhas, and that it has what the site's devices need."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from qhas.devices.hexagon import skel_archs
from qhas.failures import InvalidInput
from qhas.site import DeviceRef, Site, Transport, Viewer
from qhas.site.sdk import HOST_TARGET, READER, Sdk, SdkKind, Tool, find_sdks, host_sdk_estimates
from qhas.socs import KNOWN_SOCS
from qhas.upkeep.doctor.finding import Finding

_HELP_TIMEOUT_SECONDS = 60
_QHAS_TOOLS = (Tool.GRAPH_PREPARE, Tool.NET_RUN)
"""SDKs before 2.44 or so have these tools without the profiling level `qhas`; their help shows it."""
_GLIBC = (2, 35)
"""The glibc that the vendor's x86-64 binaries of these versions are linked against: Ubuntu 22.04, Debian 12."""
_WHOLE = "install the whole SDK, with this target"


def examine(sdk: Sdk, site: Site) -> Iterator[Finding]:
    """Check an SDK whose host tools are present."""
    kinds = {SdkKind.HOST: "host SDK: compiles and estimates on this machine", SdkKind.VENDOR: "vendor SDK"}
    yield Finding("SDK", True, f"{sdk.version} at {sdk.root} ({kinds[sdk.kind]})")
    yield _glibc(sdk)
    with ThreadPoolExecutor() as threads:  # each runs a program
        knowing = [threads.submit(_knows_qhas, sdk, tool) for tool in _QHAS_TOOLS]
        estimates = threads.submit(_estimates) if sdk.kind is SdkKind.HOST else None
    yield from (finding.result() for finding in knowing)
    yield Finding(Tool.PROFILE_VIEWER, True, f"is installed with {READER} for the same target, {HOST_TARGET}")
    remote = [ref for ref in site.devices if ref.transport is not Transport.HOST]
    if remote:
        yield _diagview(sdk)
    for target in dict.fromkeys(ref.sdk_target for ref in remote):
        yield _target(sdk, target, site.viewer)
    if remote:
        yield _skels(sdk, remote)
    if estimates:
        yield estimates.result()


def examine_named(name: str, site: Site) -> Iterator[Finding]:
    """Check one of the site's `sdks`: where it is, and what it lacks for the devices."""
    title = f"SDK {name}"
    try:
        sdk = find_sdks(site, [name])[name]
    except InvalidInput as error:
        yield Finding(title, False, str(error))
        return
    yield Finding(title, True, f"{sdk.version} at {sdk.root}")
    for finding in (_knows_qhas(sdk, tool) for tool in _QHAS_TOOLS):
        if not finding.good:
            yield Finding(f"{title}, {finding.what}", False, finding.answer)
    remote = [ref for ref in site.devices if ref.transport is not Transport.HOST]
    for target in dict.fromkeys(ref.sdk_target for ref in remote):
        if not (finding := _target(sdk, target, site.viewer)).good:
            yield Finding(f"{title}, {finding.what}", False, finding.answer)


def _estimates() -> Finding:
    try:
        socs = host_sdk_estimates()
        checked = f"; not supported but checked against a device for {', '.join(socs['checked'])}"
        return Finding(
            "estimates", True, f"supported by the vendor for {', '.join(socs['supported'])}{checked}"
        )
    except InvalidInput as error:
        return Finding("estimates", False, str(error))


def _glibc(sdk: Sdk) -> Finding:
    library, version = platform.libc_ver()
    needed = ".".join(map(str, _GLIBC))
    if library != "glibc":
        step = "run on Ubuntu 22.04, Debian 12 or newer"
        return Finding("libc", False, f"This host has no glibc, which the SDK's tools need: {step}.")
    old = tuple(int(part) for part in version.split(".")[:2]) < _GLIBC
    if old and sdk.kind is SdkKind.VENDOR:
        step = "run on Ubuntu 22.04, Debian 12 or newer, or in a container of these"
        return Finding("libc", False, f"glibc {version}; the SDK's tools need {needed}: {step}.")
    return Finding("libc", True, f"glibc {version}" + ("" if old else f" (the SDK's tools need {needed})"))


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
    text = answer.stdout + answer.stderr
    if "qhas" in text:
        return Finding(tool, True, "runs and knows --profiling_level qhas")
    if missing := [line for line in text.splitlines() if "not found" in line or "shared librar" in line]:
        step = "install that library on this host"
        return Finding(tool, False, f"{sdk.tool(tool)} does not run: {missing[0].strip()}: {step}.")
    return Finding(
        tool, False, f"{sdk.tool(tool)} does not know --profiling_level qhas; use SDK 2.44 or newer."
    )


def _diagview(sdk: Sdk) -> Finding:
    path = sdk.tool(Tool.DIAGVIEW)
    if os.access(path, os.X_OK):
        return Finding(Tool.DIAGVIEW, True, "is installed: latency on devices can be read")
    step = "install the whole SDK, or set run.repetitions to 0 to do without latency"
    return Finding(Tool.DIAGVIEW, False, f"There is no executable {path}, which latency needs: {step}.")


def _target(sdk: Sdk, target: str, viewer: Viewer) -> Finding:
    what = f"target {target}"
    needed = [sdk.root / "bin" / target / Tool.NET_RUN]
    if viewer is Viewer.DEVICE:
        needed += [sdk.root / "bin" / target / Tool.PROFILE_VIEWER, sdk.root / "lib" / target / READER]
    absent = [path for path in needed if not path.is_file()]
    if not any((sdk.root / "lib" / target).glob("*.so*")):
        absent.append(sdk.root / "lib" / target)
    if not absent:
        return Finding(what, True, f"bin/{target} and lib/{target} are present")
    have = ", ".join(_targets(sdk.root)) or "none"
    missing = ", ".join(map(str, absent))
    step = f"{_WHOLE}, or set `target` of the devices to one it has ({have})"
    return Finding(what, False, f"The SDK has no {missing}: {step}.")


def _targets(root: Path) -> list[str]:
    """Return the targets that devices can have."""
    tools = root.glob(f"bin/*/{Tool.NET_RUN}")
    return sorted(path.parent.name for path in tools if path.parent.name != HOST_TARGET)


def _skels(sdk: Sdk, remote: list[DeviceRef]) -> Finding:
    """Check the DSP's libraries: for each device the site's architecture, else the one in this version's table."""
    what, there = "hexagon", skel_archs(sdk.root)
    if not there:
        return Finding(what, False, f"{sdk.root} has no lib/hexagon-vNN/unsigned: install the whole SDK.")
    lacking = [
        f"{ref.name} needs {arch}{'' if ref.hexagon else f', which {ref.soc} has according to our table'}"
        for ref in remote
        if (arch := ref.hexagon or _tabled(ref.soc)) and arch not in there
    ]
    if lacking:
        step = "use an SDK that supports it, or correct the device's `hexagon` in site.yaml"
        return Finding(
            what, False, f"Unsigned skels for {', '.join(there)} only; {'; '.join(lacking)}: {step}."
        )
    return Finding(what, True, f"unsigned skels for {', '.join(there)}")


def _tabled(soc: str) -> str | None:
    return KNOWN_SOCS[soc].hexagon if soc in KNOWN_SOCS else None
