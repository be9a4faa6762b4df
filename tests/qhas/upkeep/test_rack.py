"""The devices of a site: who uses them, and what a check finds, with plain objects and with a fake phone."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from fakes.devices import AdbServer, Phone
from fakes.devices.phone import why_unavailable
from fakes.sdk import build_fake_sdk
from qhas.cli import main as cli
from qhas.cli.tables.rack import duration, show_checks, show_standings
from qhas.devices.facts import DeviceFacts, Health, HealthFacts
from qhas.devices.lease import Holder, Leases
from qhas.devices.quarantine import Quarantined, QuarantineLog
from qhas.failures import DeviceFailed, FailureKind, InvalidInput
from qhas.lab.lab import Lab, open_lab
from qhas.site import DeviceRef, Site
from qhas.upkeep import rack
from qhas.upkeep.rack import Check, Outcome, Standing, all_good, check, standings
from tests.documents import write_yaml

NOW = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)
PHONE = {"name": "oneplus13", "soc": "sm8750", "transport": "adb", "serial": "3b15aq0"}
BOARD = {"name": "board-7", "soc": "qcs9100", "transport": "ssh", "host": "root@10.0.0.7"}


def site(*devices: dict[str, Any], **changes: Any) -> Site:
    return Site.model_validate({"devices": devices or (PHONE, BOARD)} | changes)


def holder(since: datetime = NOW) -> Holder:
    return Holder(run_id="nightly-1", cell="net on sm8750", pid=7, host_user="lab", since=since)


def shown(show: Callable[..., None], found: Any, now: datetime = NOW, width: int = 100) -> str:
    console = Console(file=(file := io.StringIO()), width=width)
    show(console, found, now)
    return " ".join(file.getvalue().split())


def table(found: list[Standing]) -> str:
    return shown(show_standings, found)


def test_a_device_that_nobody_asked_for_says_so(tmp_path: Path) -> None:
    found = standings(site(), tmp_path)
    assert [one.used for one in found] == [False, False]
    assert "oneplus13 sm8750 adb 3b15aq0 never used from this host" in table(found)


async def test_who_holds_a_device_and_how_many_wait_is_told(tmp_path: Path) -> None:
    leases = Leases(tmp_path)
    ref = site().devices[0]

    async def wait() -> None:
        async with leases.take([ref.address], holder()):
            pass

    async with leases.take([ref.address], holder(NOW - timedelta(minutes=12))):
        waiting = asyncio.create_task(wait())
        while not (found := standings(site(), tmp_path))[0].lease.waiting:
            await asyncio.sleep(0.01)
    await waiting
    assert "held by run nightly-1, net on sm8750, since 21:48:00 UTC (12 min); 1 waiting" in table(found)
    assert all_good(found)


def test_a_released_device_is_free(tmp_path: Path) -> None:
    async def use() -> None:
        async with Leases(tmp_path).take([site().devices[0].address], holder()):
            pass

    asyncio.run(use())
    assert "3b15aq0 free" in table(standings(site(), tmp_path))


def test_a_device_set_aside_says_since_when_why_and_until_when(tmp_path: Path) -> None:
    moment = datetime.now(UTC)
    log = QuarantineLog(tmp_path, clock=lambda: moment)
    for _ in range(3):
        log.note_failure("adb:3b15aq0", "oneplus13: the connection was lost.")
    found = standings(site(), tmp_path)
    until = moment + timedelta(minutes=1)
    text = shown(show_standings, found, moment, width=300)
    assert f"since {moment:%H:%M:%S} UTC (0 s) after 3 failures, until {until:%H:%M:%S} UTC: the conn" in text
    assert not all_good(found)


def test_a_device_back_from_being_set_aside_is_on_probation(tmp_path: Path) -> None:
    log = QuarantineLog(tmp_path, clock=lambda: NOW)
    for _ in range(3):
        log.note_failure("adb:3b15aq0", "it hangs")
    found = standings(site(), tmp_path)
    assert "free; on probation: it hangs" in table(found)
    assert all_good(found)


@pytest.mark.parametrize(
    ("seconds", "words"), [(-5, "0 s"), (59, "59 s"), (720, "12 min"), (11_100, "3 h 5 min")]
)
def test_spans_are_told_as_people_do(seconds: int, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words


def test_a_day_is_named_if_it_is_not_today(tmp_path: Path) -> None:
    state = rack.LeaseState(address="adb:3b15aq0", holder=holder(NOW - timedelta(days=2)))
    (one, _) = standings(site(), tmp_path)
    assert "since 2026-02-27 22:00:00 UTC (48 h 0 min)" in table([one.model_copy(update={"lease": state})])


class PretendedJob:
    """Keeps what is staged, and returns it when fetched, or fails."""

    def __init__(self, fails: Exception | None) -> None:
        self.fails = fails
        self.files: dict[str, bytes] = {}

    async def stage(self, source: Path, name: str) -> None:
        self.files[name] = await asyncio.to_thread(source.read_bytes)

    async def fetch(self, name: str, target: Path) -> None:
        if self.fails:
            raise self.fails
        await asyncio.to_thread(target.write_bytes, self.files[name])

    async def discard(self) -> None:
        self.files.clear()


class Pretended:
    """A device that answers as the test tells it to."""

    def __init__(
        self,
        ref: DeviceRef,
        *,
        fails: Exception | None = None,
        fetches: Exception | None = None,
        unclean: bool = False,
    ) -> None:
        self.ref = ref
        self.facts = DeviceFacts(name=ref.name, soc=ref.soc, transport=ref.transport, warnings=["odd"])
        self.fails = fails
        self.fetches = fetches
        self.unclean = unclean
        self.cleaned = 0
        self.condition = Health(taken_at=NOW, skin_celsius=47.5, thermal_status=2, celsius={"npu/nsp0": 81.0})

    async def make_ready(self, waiting: Callable[[str], None]) -> HealthFacts:
        if self.fails:
            raise self.fails
        return HealthFacts(before=self.condition)

    async def health(self) -> Health:
        return self.condition

    async def open_job(self) -> PretendedJob:
        return PretendedJob(self.fetches)

    async def clean(self) -> None:
        self.cleaned += 1
        if self.unclean:
            raise RuntimeError("a fault of ours")


class PretendedLab:
    """As much of a lab as a check needs."""

    def __init__(self, folder: Path, where: Site, **devices: dict[str, Any]) -> None:
        self.site = where
        self.leases = Leases(folder)
        self.quarantine = QuarantineLog(folder)
        self.devices: dict[str, Pretended] = {}
        self._how = devices

    def device(self, ref: DeviceRef) -> Pretended:
        return self.devices.setdefault(ref.name, Pretended(ref, **self._how.get(ref.name, {})))


async def checked(lab: PretendedLab) -> dict[str, Check]:
    return {one.name: one for one in await check(lab)}  # type: ignore[arg-type]


HOT = DeviceFailed(FailureKind.DEVICE_HOT, "board_7: its skin is at 47.5 °C.")


async def test_a_failing_device_hides_no_other_and_ends_in_kind_sentence_and_hint(tmp_path: Path) -> None:
    where = site(PHONE, BOARD | {"name": "board_7"})
    found = await checked(PretendedLab(tmp_path, where, board_7={"fails": HOT}))
    assert [found[name].outcome for name in ("oneplus13", "board_7")] == [Outcome.GOOD, Outcome.FAILED]
    text = shown(show_checks, list(found.values()))
    assert "device_hot board_7: its skin is at 47.5 °C. Cool the rack, or raise gate.patience" in text
    assert "47.5 °C 81 °C 2" in text
    assert not all_good(found.values())


@pytest.mark.parametrize("how", [{"fails": ValueError("a fault of ours")}, {"unclean": True}])
async def test_a_fault_of_ours_with_one_device_is_its_result_only(
    tmp_path: Path, how: dict[str, Any]
) -> None:
    lab = PretendedLab(tmp_path, site(), oneplus13=how)
    found = await checked(lab)
    assert found["oneplus13"].failure
    assert found["oneplus13"].failure.kind is FailureKind.INTERNAL
    assert found["board-7"].good
    assert [device.cleaned for device in lab.devices.values()] == [1, 1]


async def test_an_unreachable_device_is_not_asked_for_its_condition(tmp_path: Path) -> None:
    gone = DeviceFailed(FailureKind.DEVICE_OFFLINE, "oneplus13: gone.")
    found = await checked(PretendedLab(tmp_path, site(), oneplus13={"fails": gone}))
    assert found["oneplus13"].health is None


async def test_a_check_has_no_patience_with_a_hot_device(tmp_path: Path) -> None:
    where = site(PHONE, BOARD | {"gate": {"patience_seconds": 900}}, gate={"patience_seconds": 600})
    lab = PretendedLab(tmp_path, where)
    await checked(lab)
    gates = [device.ref.gate for device in lab.devices.values()]
    assert [gate and gate.patience_seconds for gate in gates] == [0, 0]


async def test_a_busy_device_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rack, "BUSY_SECONDS", 0.05)
    lab = PretendedLab(tmp_path, site(), oneplus13={"fails": AssertionError("it was touched")})
    async with Leases(tmp_path).take(["adb:3b15aq0"], holder()):
        found = await checked(lab)
    assert found["oneplus13"].outcome is Outcome.BUSY
    assert found["board-7"].outcome is Outcome.GOOD
    assert "busy oneplus13 is held by run nightly-1" in shown(show_checks, list(found.values()))
    assert all_good(found.values())


async def test_a_device_that_gives_no_file_back_fails_its_check(tmp_path: Path) -> None:
    cut = DeviceFailed(FailureKind.TRANSFER_CUT, "check.bin did not arrive intact from board-7.")
    found = await checked(PretendedLab(tmp_path, site(), **{"board-7": {"fetches": cut}}))
    assert found["oneplus13"].outcome is Outcome.GOOD
    failure = found["board-7"].failure
    assert failure
    assert (failure.kind, failure.message) == (cut.kind, str(cut))


async def test_a_good_check_brings_a_device_back_and_a_bad_one_does_not(tmp_path: Path) -> None:
    lab = PretendedLab(tmp_path, site(), **{"board-7": {"fails": HOT}})
    for address in ("adb:3b15aq0", "ssh:root@10.0.0.7"):
        for _ in range(3):
            lab.quarantine.note_failure(address, "it hangs")
    found = await checked(lab)
    assert [one.brought_back for one in found.values()] == [True, False]
    aside = [one.lease.quarantine for one in standings(site(), tmp_path)]
    assert aside[0] is None
    assert isinstance(aside[1], Quarantined)
    assert "may be used again" in shown(show_checks, list(found.values()))


def replace_locks(folder: Path) -> None:
    for lock in list(folder.glob("*.lock")):
        lock.unlink()
        lock.symlink_to("/dev/null")


async def test_a_lock_file_that_is_none_is_told_as_bad_input(tmp_path: Path) -> None:
    lab = PretendedLab(tmp_path, site())
    await checked(lab)
    replace_locks(tmp_path)
    with pytest.raises(InvalidInput, match="cannot serve as a lock file"):
        await checked(lab)


async def test_a_simulated_device_has_nothing_to_check(tmp_path: Path) -> None:
    build_fake_sdk(tmp_path / "sdk")
    where = Site.model_validate(
        {
            "store": str(tmp_path / "store"),
            "sdk": {"root": str(tmp_path / "sdk")},
            "devices": [{"name": "sim", "soc": "sa8255"}],
        }
    )
    async with open_lab(where) as lab:
        assert isinstance(lab, Lab)
        (one,) = await check(lab)
    assert one.outcome is Outcome.SIMULATED
    assert one.good


def test_without_devices_the_command_says_that_they_are_simulated(tmp_path: Path) -> None:
    where = write_yaml(tmp_path / "site.yaml", {"store": "store"})
    result = CliRunner().invoke(cli.app, ["devices", "--site", str(where)])
    assert result.exit_code == 0
    assert "simulated on this host" in " ".join(result.stdout.split())


def test_a_site_that_cannot_be_read_is_bad_input(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.app, ["devices", "--check", "--site", str(tmp_path / "gone.yaml")])
    assert result.exit_code == 2
    assert "gone.yaml cannot be read" in result.stderr


@pytest.mark.skipif(why_unavailable() is not None, reason=str(why_unavailable()))
class TestFakePhones:
    """`qhas devices` with the real adb client."""

    @pytest.fixture
    def desk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setenv("QHAS_LEASES", str(tmp_path / "leases"))
        sdk = build_fake_sdk(tmp_path / "sdk")
        with Phone.start(tmp_path / "phone") as phone, AdbServer.start(tmp_path / "adb") as server:
            server.connect(phone)
            via = {"transport": "adb", "adb_server": f"127.0.0.1:{server.port}", "soc": "sm8750"}
            devices = [{"name": "here", "serial": phone.serial}, {"name": "gone", "serial": "127.0.0.1:9"}]
            document = {
                "store": str(tmp_path / "store"),
                "sdk": {"root": str(sdk)},
                "gate": {"patience_seconds": 86_400},  # a check that observed it would not end
                "devices": [device | via for device in devices],
            }
            write_yaml(tmp_path / "site.yaml", document)

            def run(*arguments: str) -> tuple[int, dict[str, Any]]:
                line = ["devices", "--json", "--site", str(tmp_path / "site.yaml"), *arguments]
                result = CliRunner().invoke(cli.app, line)
                return result.exit_code, json.loads(result.stdout)

            yield phone, run

    def test_a_check_tells_what_every_device_is_like_and_leaves_no_job(self, desk: Any) -> None:
        phone, run = desk
        code, document = run("--check")
        here, gone = document["checks"]
        assert code == 1
        assert (here["outcome"], here["facts"]["detected_soc"]) == ("good", "sm8750")
        assert (here["health"]["skin_celsius"], here["health"]["battery_percent"]) == (33.9, 80)
        assert gone["failure"]["kind"] == "device_offline"
        assert [name for name in phone.files() if not name.startswith("qhas/sdk/")] == []

    def test_a_hot_phone_is_reported_at_once_with_its_temperature(self, desk: Any) -> None:
        phone, run = desk
        phone.set(skin=47.5, thermal_status=2)
        here = run("--check")[1]["checks"][0]
        assert here["failure"]["kind"] == "device_hot"
        assert here["health"]["skin_celsius"] == 47.5

    def test_without_a_check_no_device_is_touched(self, desk: Any) -> None:
        phone, run = desk
        before = len(phone.commands())
        code, document = run()
        assert (code, document["checks"]) == (0, None)
        assert [one["lease"]["holder"] for one in document["devices"]] == [None, None]
        assert len(phone.commands()) == before
