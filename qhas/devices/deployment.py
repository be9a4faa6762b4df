"""Which SDK files a device needs and how they get there: pushed once, kept, and verified by digest.

The SDK's own layout is kept below a directory named after its content, so several SDKs can coexist on a device. It is
not published which libraries level qhas needs, so every library of the target is deployed except those that prepare
graphs on the device. Without these, a runtime that finds no matching record must fail; otherwise it would silently
prepare the graph itself.
"""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from qhas.devices.shell import Shell, digests, quoted
from qhas.failures import DeviceFailed, FailureKind
from qhas.machine.digest import data_digest, file_digest
from qhas.site.sdk import DEVICE_TOOLS, Sdk

ONLINE_PREPARE = ("libSnpeHtpPrepare.so", "libQnnHtpPrepare.so")
SYSTEM_DSP_DIRECTORIES = (
    "/system/lib/rfsa/adsp",
    "/system/vendor/lib/rfsa/adsp",
    "/dsp",
    "/vendor/dsp/cdsp",
    "/vendor/lib/rfsa/adsp",
)
"""The first three must be listed on Android and most embedded Linux (SNPE, "DSP Runtime Environment"); the SDK's own
Android script adds the others."""
_SEPARATORS = {"LD_LIBRARY_PATH": ":", "ADSP_LIBRARY_PATH": ";"}
"""Variables that hold lists. Unlike any other, the DSP's is separated by semicolons."""
_COMPLETE = ".complete"
_KEEP_DAYS = 30


@dataclass(frozen=True)
class Deployment:
    """An SDK as laid out on a device: host files by their path there, relative to `root`."""

    root: str
    files: Mapping[str, Path]
    target: str
    hexagons: tuple[str, ...]

    def environment(self, additions: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment of the SDK's tools. Additions to lists of directories come after the SDK's own."""
        skels = (f"{self.root}/lib/hexagon-{version}/unsigned" for version in self.hexagons)
        ours = {
            "LD_LIBRARY_PATH": f"{self.root}/lib/{self.target}",
            "ADSP_LIBRARY_PATH": ";".join([*skels, *SYSTEM_DSP_DIRECTORIES]),
        }
        more = {
            name: f"{ours[name]}{_SEPARATORS[name]}{value}" if name in ours else value
            for name, value in (additions or {}).items()
        }
        return ours | more

    def program(self, name: str) -> str:
        """Return the path of an executable on the device."""
        return f"{self.root}/bin/{self.target}/{name}"

    def holds(self, name: str) -> bool:
        """Whether the SDK has the executable for this target."""
        return f"bin/{self.target}/{name}" in self.files

    def library(self, name: str) -> str:
        """Return the path of one of the target's libraries on the device."""
        return f"{self.root}/lib/{self.target}/{name}"


def plan_deployment(sdk: Sdk, root: str, target: str, hexagons: Sequence[str]) -> Deployment:
    """Plan which SDK files go to a device. Raises DeviceFailed if the SDK lacks the target or the skels."""
    files = {str(path.relative_to(sdk.root)): path for path in _wanted(sdk.root, target, hexagons)}
    for folder in (f"bin/{target}", *(f"lib/hexagon-{version}/unsigned" for version in hexagons)):
        if not any(name.startswith(f"{folder}/") for name in files):
            raise DeviceFailed(
                FailureKind.TOOL_MISSING, f"The SDK at {sdk.root} has nothing in {folder} for the device."
            )
    content = data_digest({name: _sdk_digest(path) for name, path in files.items()})
    return Deployment(f"{root}/sdk/{sdk.version}-{content[:12]}", files, target, tuple(hexagons))


def _sdk_digest(path: Path) -> str:
    """Return a file's digest, computed once per process while the file looks unchanged: SDKs are large and stable."""
    facts = path.stat()
    return _digest_of(path, facts.st_mtime_ns, facts.st_size)


@cache
def _digest_of(path: Path, _modified: int, _size: int) -> str:
    return file_digest(path)


def _wanted(root: Path, target: str, hexagons: Sequence[str]) -> Iterator[Path]:
    for tool in DEVICE_TOOLS:
        if (path := root / "bin" / target / tool).is_file():
            yield path
    for library in sorted((root / "lib" / target).glob("*.so*")):
        if library.name not in ONLINE_PREPARE:
            yield library
    for version in hexagons:
        skels = (root / "lib" / f"hexagon-{version}" / "unsigned").glob("*")
        yield from (path for path in sorted(skels) if path.is_file())


async def bytes_to_push(shell: Shell, deployment: Deployment) -> int:
    """Return the space the SDK will take on the device: 0 if already deployed in full. Raises DeviceFailed."""
    complete = quoted(f"{deployment.root}/{_COMPLETE}")
    answer = await shell.output_of(f"if [ -e {complete} ]; then echo there; else echo missing; fi")
    if answer.split()[-1:] == ["there"]:
        return 0
    return sum(path.stat().st_size for path in deployment.files.values())


async def deploy(shell: Shell, deployment: Deployment) -> int:
    """Push missing or damaged files to the device and return how many were pushed. Raises DeviceFailed."""
    wanted = {name: await asyncio.to_thread(_sdk_digest, path) for name, path in deployment.files.items()}
    root = deployment.root
    folders = sorted({posixpath.dirname(f"{root}/{name}") for name in wanted})
    await shell.output_of(f"mkdir -p {quoted(*folders)}")
    there = await _present(shell, deployment)
    missing = [name for name, digest in wanted.items() if there.get(name) != digest]
    for name in missing:
        await shell.push(deployment.files[name], f"{root}/{name}")
    await shell.output_of(
        f"chmod -R 755 {quoted(f'{root}/bin')}"
    )  # also after an attempt interrupted before this
    if missing:
        await _require_all(shell, deployment, wanted)
    await shell.output_of(f"touch {quoted(f'{root}/{_COMPLETE}')}")
    await _forget_old(shell, posixpath.dirname(root))
    return len(missing)


async def _require_all(shell: Shell, deployment: Deployment, wanted: Mapping[str, str]) -> None:
    there = await _present(shell, deployment)
    if bad := [name for name, digest in wanted.items() if there.get(name) != digest]:
        raise DeviceFailed(
            FailureKind.TRANSFER_CUT,
            f"{', '.join(bad[:3])} of the SDK did not arrive intact on {shell.name}.",
        )


async def _present(shell: Shell, deployment: Deployment) -> dict[str, str]:
    size = sum(path.stat().st_size for path in deployment.files.values())
    line = f"cd {quoted(deployment.root)} && find . -type f -exec sha256sum {{}} +"
    by_path = await digests(shell, line, size)
    return {path.removeprefix("./"): digest for path, digest in by_path.items()}


async def _forget_old(shell: Shell, parent: str) -> None:
    """Remove SDKs that nothing has used for a month."""
    line = f"find {quoted(parent)} -mindepth 2 -maxdepth 2 -name {_COMPLETE} -mtime +{_KEEP_DAYS}"
    for path in (await shell.output_of(line)).splitlines():
        if not path.startswith(f"{parent}/") or ".." in path:
            continue  # not one of ours, whatever find claims
        await shell.output_of(f"rm -rf {quoted(posixpath.dirname(path))}")
