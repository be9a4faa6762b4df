"""A phone or a board: the same Linux, reached through different transports.

All our files are below one directory: `sdk/` is kept, `staged/` and `jobs/` live as long as a lease. Tools run in
their own session, which ends when this host goes away (runner.sh); the next lease terminates what a dead host left
running (reaper.sh).
"""

from __future__ import annotations

import asyncio
import contextlib
import posixpath
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from qhas.devices import JobFile, listed
from qhas.devices.deployment import Deployment, bytes_to_push, deploy, plan_deployment
from qhas.devices.facts import DeviceFacts, Health, HealthFacts
from qhas.devices.gate import Objection, wait_until_fit
from qhas.devices.health import PROBE, Probe, parse_probe
from qhas.devices.hexagon import choose_hexagon, hexagon_of_device, skel_archs
from qhas.devices.identity import check_identity
from qhas.devices.shell import LARGEST_ANSWER, Shell, digests, quoted, verify_copy
from qhas.failures import DeviceFailed, FailureKind
from qhas.machine.digest import file_digest
from qhas.machine.packing import write_whole
from qhas.machine.process import ToolRun
from qhas.profile.origin import Origin
from qhas.site import TRANSPORTS, DeviceRef, Gate
from qhas.site.sdk import Sdk, Tool
from qhas.socs import KNOWN_SOCS

RUNNER = files(__package__).joinpath("runner.sh").read_text(encoding="utf-8")
REAPER = files(__package__).joinpath("reaper.sh").read_text(encoding="utf-8")
_SHORT_SECONDS = 20.0
"""Limit for a tool that only has to identify itself."""
_NUMBER = r"[0-9]{1,18}"
"""Digits that fit into 64 bits, like the sizes and times of files."""
_LISTED = re.compile(rf"(?P<size>{_NUMBER}) (?P<when>{_NUMBER}) \./(?P<name>.+)")


@dataclass(frozen=True)
class KnownDevice:
    """A device found to be in order. It is not checked again in the same boot with the same deployment."""

    boot: str | None
    deployment: Deployment
    hexagon: str | None


KnownDevices = dict[str, KnownDevice]
"""Devices found to be in order, by address."""


class RemoteDevice:
    """A device at the far end of a shell."""

    origin = Origin.DEVICE

    def __init__(self, ref: DeviceRef, shell: Shell, sdk: Sdk, gate: Gate, known: KnownDevices) -> None:
        self.facts = DeviceFacts(name=ref.name, soc=ref.soc, transport=ref.transport, address=ref.address)
        self._ref = ref
        self._shell = shell
        self._sdk = sdk
        self._gate = gate
        self._known = known
        self._deployment: Deployment | None = None
        self._staged: dict[str, str] = {}

    async def make_ready(self, waiting: Callable[[str], None]) -> HealthFacts:
        """See `Device.make_ready`. Raises DeviceFailed."""
        await self._shell.connect(min(self._ref.comeback_seconds, self._gate.patience_seconds))
        await self._reap()
        await self._shell.output_of(f"mkdir -p {quoted(*map(self._path, ('jobs', 'staged', 'sdk')))}")
        first = await self.probe()
        self._identify(first)
        plan = await self._plan()
        wait = await wait_until_fit(
            self.probe,
            self._gate,
            free_needed_bytes=await self._bytes_to_push(plan),
            waiting=lambda left, _: waiting(self._sentence(left[0])),
        )
        if wait.left:
            raise DeviceFailed(wait.left[0].kind, self._sentence(wait.left[0]))
        await self._deploy(plan, wait.probe.health.boot_id)
        return HealthFacts(before=wait.probe.health, waited_seconds=wait.waited_seconds)

    async def probe(self) -> Probe:
        """Read the device's identity and condition. Raises DeviceFailed."""
        text = await self._shell.output_of(
            _script(PROBE, "qhas-probe", self._ref.root), "to report its condition"
        )
        return parse_probe(text, datetime.now(UTC))

    async def health(self) -> Health:
        """See `Device.health`. Raises DeviceFailed."""
        return (await self.probe()).health

    async def open_job(self) -> RemoteJob:
        """Create a job with its own directory below `jobs/`. Raises DeviceFailed."""
        if self._deployment is None:
            raise RuntimeError(f"{self.facts.name} was not prepared")
        folder = self._path("jobs", secrets.token_hex(6))
        await self._shell.output_of(f"mkdir -p {quoted(folder)}")
        return RemoteJob(self, folder, self._deployment, self._ref.env)

    async def log_since(self, moment: float, target: Path) -> None:
        """Save Android's log, or the kernel's on a board. If the device provides none, no file is written."""
        with contextlib.suppress(DeviceFailed):
            text = await self._shell.output_of(TRANSPORTS[self._ref.transport].log.format(moment=moment))
            await asyncio.to_thread(write_whole, str(target), text.encode())

    async def clean(self) -> None:
        """See `Device.clean`. What cannot be cleaned now is left for the next lease. Raises DeviceFailed."""
        try:
            await self._shell.connect()
            await self._reap()
        finally:
            await self._shell.close()

    def library(self, name: str) -> str:
        """See `Device.library`."""
        if self._deployment is None:
            raise RuntimeError(f"{self.facts.name} was not prepared")
        return self._deployment.library(name)

    @property
    def shell(self) -> Shell:
        """The shell that reaches the device."""
        return self._shell

    async def staged(self, source: Path) -> str:
        """Return the path on the device of a host file's copy, pushed once per lease. Raises DeviceFailed."""
        digest = await asyncio.to_thread(file_digest, source)
        if digest not in self._staged:
            target = self._path("staged", digest)
            await self._shell.push(source, target)
            await verify_copy(self._shell, source, target)
            self._staged[digest] = target
        return self._staged[digest]

    def _sentence(self, objection: Objection) -> str:
        return re.sub(r"^Its\b", f"{self.facts.name}'s", objection.sentence)

    def _path(self, *parts: str) -> str:
        return posixpath.join(self._ref.root, *parts)

    async def _reap(self) -> None:
        self._staged.clear()
        answer = await self._shell.output_of(_script(REAPER, "qhas-reaper", self._ref.root), "to clean up")
        alive = [word for word in answer.split() if word.isdigit()]
        if alive:
            raise DeviceFailed(
                FailureKind.DEVICE_UNFIT,
                f"Processes {', '.join(alive)} of an earlier run on {self.facts.name} cannot be terminated; reboot it.",
            )

    def _identify(self, probe: Probe) -> None:
        verdict = check_identity(self._ref.soc, probe.identity)
        self.facts = self.facts.model_copy(
            update={
                "detected_soc": verdict.detected,
                "build": probe.build,
                "warnings": list(verdict.warnings),
            }
        )
        if verdict.contradiction:
            raise DeviceFailed(FailureKind.SOC_MISMATCH, f"{self.facts.name}: {verdict.contradiction}")

    async def _plan(self) -> Deployment:
        """Plan for all of the SDK's skels unless the site names an architecture: the device picks among them."""
        hexagons = [self._ref.hexagon] if self._ref.hexagon else skel_archs(self._sdk.root)
        return await asyncio.to_thread(
            plan_deployment, self._sdk, self._ref.root, self._ref.sdk_target, hexagons
        )

    async def _bytes_to_push(self, plan: Deployment) -> int:
        known = self._known.get(self._ref.address)
        return 0 if known and known.deployment == plan else await bytes_to_push(self._shell, plan)

    async def _deploy(self, plan: Deployment, boot: str | None) -> None:
        known = self._known.get(self._ref.address)
        if known is None or boot is None or (known.boot, known.deployment) != (boot, plan):
            self._known.pop(self._ref.address, None)
            await deploy(self._shell, plan)
            self._deployment = plan
            await self._require_that_tools_run()
            known = KnownDevice(boot, plan, await self._ask_hexagon())
            self._known[self._ref.address] = known
        self._deployment = plan
        self._agree_on_hexagon(known.hexagon, skel_archs(self._sdk.root))

    def _agree_on_hexagon(self, device: str | None, available: list[str]) -> None:
        soc = KNOWN_SOCS.get(self._ref.soc)
        choice = choose_hexagon(self._ref.hexagon, device, soc.hexagon if soc else None, available)
        warnings = [*self.facts.warnings, *choice.warnings]
        self.facts = self.facts.model_copy(
            update={"hexagon": device or self._ref.hexagon, "warnings": warnings}
        )
        if choice.contradiction:
            raise DeviceFailed(FailureKind.SOC_MISMATCH, f"{self.facts.name}: {choice.contradiction}")

    async def _require_that_tools_run(self) -> None:
        """Detect a noexec mount, a missing library or a different glibc before a cell is spent on it."""
        run, output = await self._try_tool([Tool.NET_RUN, "--version"])
        if run.exit_code or run.timed_out:
            last = output.strip().splitlines()[-1:] or [f"exit code {run.exit_code}"]
            raise DeviceFailed(
                FailureKind.DEVICE_UNFIT,
                f"{Tool.NET_RUN} does not run on {self.facts.name}: {last[0].rstrip('.')}.",
                last[0],
            )

    async def _ask_hexagon(self) -> str | None:
        """Return the architecture found by the vendor's own tool, if the SDK includes it."""
        if not self._deployment or not self._deployment.holds(Tool.PLATFORM_VALIDATOR):
            return None
        _, output = await self._try_tool([Tool.PLATFORM_VALIDATOR, "--runtime", "dsp", "--coreVersion"])
        return hexagon_of_device(output)

    async def _try_tool(self, argv: list[str]) -> tuple[ToolRun, str]:
        """Run a tool briefly as in a job, terminating it if it hangs; return its result and output."""
        job = await self.open_job()
        with self._shell.scratch_file("tool") as output:
            run = await job.run(argv, output=output, timeout_seconds=_SHORT_SECONDS)
            with output.open("rb") as file:
                return run, file.read(LARGEST_ANSWER).decode(errors="replace")


class RemoteJob:
    """A directory on the device."""

    def __init__(
        self, device: RemoteDevice, folder: str, deployment: Deployment, env: Mapping[str, str]
    ) -> None:
        self._device = device
        self._shell = device.shell
        self._folder = folder
        self._deployment = deployment
        self._env = deployment.environment(env)

    async def stage(self, source: Path, name: str) -> None:
        """Link to the lease's copy of the file. Raises DeviceFailed."""
        copy, link = await self._device.staged(source), self._path(name)
        await self._shell.output_of(
            f"mkdir -p {quoted(posixpath.dirname(link))} && ln -s {quoted(copy, link)}"
        )

    async def now(self) -> float:
        """See `Job.now`. Raises DeviceFailed."""
        return float(_number(await self._shell.output_of("date +%s"), self._device.facts.name))

    async def run(self, argv: list[str], *, output: Path, timeout_seconds: float) -> ToolRun:
        """See `Job.run`. Raises DeviceFailed if the connection is lost; the device then terminates the tool itself."""
        program, *arguments = argv
        command = [*_assignments(self._env), self._deployment.program(program), *arguments]
        runner = quoted("setsid", "sh", "-c", RUNNER, "qhas-runner", self._folder, *command)
        # A background command is not a group leader, so setsid can make it one without forking away from us.
        line = f"exec 3<&0; {runner} <&3 3<&- & wait $!"
        run = await self._shell.run(line, output=output, timeout_seconds=timeout_seconds)
        return run.model_copy(update={"argv": argv})

    async def files(self, pattern: str) -> list[JobFile]:
        """See `Job.files`. Raises DeviceFailed."""
        line = f"cd {quoted(self._folder)} && find -L . -type f -exec stat -L -c '%s %Y %n' {{}} +"
        rows = map(_LISTED.fullmatch, (await self._shell.output_of(line)).splitlines())
        listing = (JobFile(row["name"], int(row["size"]), float(row["when"])) for row in rows if row)
        wanted = re.compile(_glob_pattern(pattern))
        return listed(self._device.facts.name, (file for file in listing if wanted.fullmatch(file.name)))

    async def fetch(self, name: str, target: Path) -> None:
        """See `Job.fetch`; the copy is verified by digest. Raises DeviceFailed."""
        path = self._path(name)
        answer = await self._shell.output_of(quoted("stat", "-L", "-c", "%s", path))
        size = _number(answer, self._device.facts.name)
        await self._shell.pull(path, target, size)
        there = (await digests(self._shell, quoted("sha256sum", path), size)).get(path)
        if there != await asyncio.to_thread(file_digest, target):
            raise DeviceFailed(
                FailureKind.TRANSFER_CUT, f"{name} did not arrive intact from {self._device.facts.name}."
            )

    async def discard(self) -> None:
        """See `Job.discard`. Raises DeviceFailed."""
        await self._shell.output_of(f"rm -rf {quoted(self._folder)}")

    def _path(self, name: str) -> str:
        return posixpath.join(self._folder, name)


def _number(answer: str, name: str) -> int:
    """Read the number on the last line: profiles and linkers may print text before it."""
    last = answer.strip().splitlines()[-1:] or [""]
    if not re.fullmatch(_NUMBER, last[0].strip()):
        raise DeviceFailed(
            FailureKind.DEVICE_UNFIT, f"{name} answered {last[0][:100]!r} where a number was expected."
        )
    return int(last[0])


def _script(text: str, *words: str) -> str:
    """Return a command line that runs one of our scripts in its own shell."""
    return quoted("sh", "-c", text, *words)


def _assignments(variables: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in variables.items()]


def _glob_pattern(glob: str) -> str:
    """Translate a glob into a regular expression for relative paths, with the meaning of `Path.glob`."""
    words = {"**/": r"(?:[^/]+/)*", "*": r"[^/]*", "?": r"[^/]"}
    return "".join(words.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*|\?)", glob))
