"""What others leave on a host or send to it: claims, leases, quarantines, marks, settings, devices' file listings."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qhas.devices import listed
from qhas.devices.lease import Holder, Leases, Ticket
from qhas.devices.quarantine import QuarantineLog
from qhas.devices.remote import RemoteJob
from qhas.devices.shell import digests
from qhas.failures import DeviceFailed, InvalidInput
from qhas.machine.process_identity import names_of_this_host, this_process
from qhas.machine.scratch import dead_scratch
from qhas.machine.shared_directory import file_stem
from qhas.prefect_profile import has_api
from qhas.runs import keys
from qhas.runs.sole_runner import sole_runner
from qhas.store import Store
from qhas.store.claims import Claim
from tests.fuzz.fuzzing import SECONDS, fuzz

pytestmark = [pytest.mark.slow, pytest.mark.timeout(int(SECONDS) + 600)]
A = "adb:3b15aq0"
SOON = 0.01


def test_claims() -> None:
    store, now = Store("memory://claimed"), datetime.now(UTC)
    claims = [
        Claim(owner="o", host="lab-3 (process 7)", process=this_process(), expires=now + timedelta(days=1)),
        Claim(owner="o", host="lab-3", expires=now - timedelta(days=1)),
    ]

    async def run() -> None:
        async with sole_runner(store, "nightly-1", seconds=SOON) as tenure:
            tenure.require()

    def read(content: bytes) -> None:
        store.write(keys.claim("nightly-1"), content)
        asyncio.run(run())

    fuzz([claim.model_dump_json().encode() for claim in claims], read, InvalidInput)


def test_leases_and_quarantines(tmp_path: Path) -> None:
    (directory := tmp_path / "leases").mkdir()
    holder = Holder.here("nightly-1", "net on sm8750")
    ticket = Ticket(holder=holder, addresses=[A, "adb:b"], avoid=frozenset({A}))
    QuarantineLog(directory, threshold=1).note_failure(A, "no answer")
    (quarantine,) = directory.glob("*.quarantine")
    seeds = [
        holder.model_dump_json().encode(),
        ticket.model_dump_json().encode(),
        quarantine.read_bytes(),
        b"000000001.7-a",
    ]

    async def take() -> None:
        async with asyncio.timeout(600), Leases(directory, 0.001).take([A], holder, ignore_quarantine=True):
            pass

    def read(content: bytes) -> None:
        quarantine.write_bytes(content)
        (directory / f"{file_stem(A)}.lock").write_bytes(content)
        (directory / "000000001.7-a.ticket").write_bytes(content)
        (directory / "7-a.queue").write_bytes(content)
        Leases(directory).states([A])
        asyncio.run(take())
        log = QuarantineLog(directory, threshold=1)
        log.note_failure(A, "again")
        log.withdraw_failure(A)

    fuzz(seeds, read)


def test_marks_of_scratch_and_settings_of_prefect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (scratch := tmp_path / "qhas-x").mkdir(mode=0o700)

    def mark(content: bytes) -> None:
        (scratch / "in-use").write_bytes(content)
        dead_scratch(tmp_path)

    fuzz([json.dumps(sorted(names_of_this_host())).encode(), b"[1, null]"], mark, share=0.4)
    monkeypatch.chdir(tmp_path)
    for name in ("PREFECT_API_URL", "PREFECT_PROFILE", "PREFECT_PROFILES_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))

    def settings(content: bytes) -> None:
        for name in (".env", "prefect.toml", "pyproject.toml", "profiles.toml"):
            (tmp_path / name).write_bytes(content)
        has_api()

    toml = b'active = "lab"\n[api]\nurl = ""\n[tool.prefect.api]\nurl = ""\n[profiles.lab]\nPREFECT_API_URL = "http://a"\n'
    fuzz(
        [toml, b"export PREFECT_API_URL='http://a'\nPREFECT_PROFILES_PATH=profiles.toml\n"],
        settings,
        share=0.6,
    )


class Told:
    """A shell that gives the same answer to every command."""

    name = "board-7"

    def __init__(self, answer: str) -> None:
        self._answer = answer

    async def output_of(self, *_: object, **__: object) -> str:
        return self._answer


def test_listings_and_digests_that_devices_tell(tmp_path: Path) -> None:
    async def ask(shell: Told) -> None:
        await digests(shell, "sha256sum")  # type: ignore[arg-type]
        job = RemoteJob.__new__(RemoteJob)
        job._shell, job._folder = shell, "/data/jobs/1"  # type: ignore[assignment]
        job._device = type("Device", (), {"facts": shell})()
        for file in listed("board-7", await job.files("**/*.raw")):
            assert (tmp_path / file.name).resolve().is_relative_to(tmp_path)
        await job.now()

    def read(content: bytes) -> None:
        asyncio.run(ask(Told(content.decode("utf-8", "replace"))))

    files = b"192 1767225600 ./output/Result_0/prob.raw\n12 1767225601 ./profilelogs/qnn.log\n"
    fuzz([files, b"0" * 64 + b"  ./output/x.raw\n", b"1767225600\n"], read, DeviceFailed)
