"""A run without Prefect, on the fake SDK."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fakes.dlc import make_dlc
from fakes.sdk import Fault, Rule, Tool, build_fake_sdk, order, read_calls
from qhas.direct import run_direct
from qhas.failures import FailureKind, InvalidInput, Step
from qhas.runs import progress
from qhas.runs.record import SweepState
from qhas.runs.stored import load_run
from qhas.site import SdkRef, Site
from qhas.store import Store
from qhas.sweep.expectation import Expectations
from qhas.sweep.forecast import Forecast
from qhas.sweep.spec import ModelRef, SweepSpec
from qhas.verdict.stored import read_verdicts

RUN = "one"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    sdk = build_fake_sdk(tmp_path / "sdk")
    return Site(store=str(tmp_path / "store"), sdk=SdkRef(root=sdk))


@pytest.fixture
def sdk(site: Site) -> Path:
    assert site.sdk.root
    return site.sdk.root


@pytest.fixture
def spec(tmp_path: Path) -> SweepSpec:
    dlc = make_dlc(tmp_path / "net.dlc")
    return SweepSpec(name="net", models=[ModelRef(name="net", dlc=str(dlc))], socs=["sa8255"])


def test_a_good_cell_has_its_record_its_verdicts_and_its_page(site: Site, spec: SweepSpec) -> None:
    run_direct(spec, site, RUN)
    store = Store(site.store)
    run, (cell,) = load_run(store, RUN)
    assert run.state is SweepState.COMPLETE
    assert run.flow_runs == []
    assert cell.failure is None
    assert cell.artifact("chrometrace")
    assert read_verdicts(store, RUN)
    assert store.exists(f"reports/{RUN}/index.html")


def test_what_the_caller_needs_afterwards_is_imported_once_a_tool_computes(
    site: Site, spec: SweepSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    monkeypatch.setattr("qhas.direct.import_module", steps.append)

    def note(event: progress.Event) -> None:
        if isinstance(event, progress.StepStarted):
            steps.append(event.step)

    with progress.listening(note):
        run_direct(spec, site, RUN, then=["what.shows.it"])
    assert steps[0] == Step.PREPARE
    assert "what.shows.it" in steps


def test_a_run_learns_from_each_cell_what_the_others_will_take(
    site: Site, sdk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, dict[str, float]] = {}

    def learn(_: Expectations, key: str, took: Forecast) -> None:
        told[key] = told.get(key, {}) | {part: seconds for part, seconds in took._asdict().items() if seconds}

    monkeypatch.setattr(Expectations, "learn", learn)
    order(sdk, durations={Tool.PREPARE: 0.2, Tool.NET_RUN: 0.1, Tool.VIEWER: 0.1})
    dlc = make_dlc(tmp_path / "net.dlc")
    run_direct(
        SweepSpec(name="net", models=[ModelRef(name="net", dlc=str(dlc))], socs=["sa8255", "qcs9100"]),
        site,
        RUN,
    )
    assert told.keys() == {"net/sa8255/default", "net/qcs9100/default"}
    for took in told.values():
        assert took["prepare"] >= 0.2
        assert took["device"] >= 0.1
        assert took["finish"] >= 0.1


def test_the_same_id_again_runs_only_what_failed(site: Site, sdk: Path, spec: SweepSpec) -> None:
    order(sdk, Rule(Tool.NET_RUN, Fault.ERROR_EXIT))
    run_direct(spec, site, RUN)
    run, (cell,) = load_run(Store(site.store), RUN)
    assert (run.state, run.failed) == (SweepState.PARTIAL, 1)
    assert cell.failure
    assert cell.failure.kind is FailureKind.TOOL_FAILED
    order(sdk)
    run_direct(spec, site, RUN)
    run_direct(spec, site, RUN)
    assert load_run(Store(site.store), RUN)[0].state is SweepState.COMPLETE
    assert len(read_calls(sdk, Tool.PREPARE)) == 1
    assert len(read_calls(sdk, Tool.NET_RUN)) == cell.attempts[-2].number + 1


def test_who_listens_hears_of_the_run_and_its_cells(site: Site, spec: SweepSpec) -> None:
    heard: list[progress.Event] = []
    with progress.listening(heard.append):
        run_direct(spec, site, RUN)
    assert heard[0] == progress.SweepStarted(RUN, cells=1, done=0)
    assert isinstance(heard[-1], progress.CellFinished)


def test_it_runs_in_a_thread_as_well(site: Site, spec: SweepSpec) -> None:
    thread = threading.Thread(target=run_direct, args=(spec, site, RUN))
    thread.start()
    thread.join()
    assert load_run(Store(site.store), RUN)[0].state is SweepState.COMPLETE


def test_a_network_that_is_not_there_is_refused_before_anything_runs(
    site: Site, sdk: Path, spec: SweepSpec
) -> None:
    gone = spec.model_copy(update={"models": [ModelRef(name="net", dlc="/no/such.dlc")]})
    with pytest.raises(InvalidInput, match=r"/no/such\.dlc"):
        run_direct(gone, site, RUN)
    assert read_calls(sdk) == []
    assert Store(site.store).children("runs") == []


STOPPED = """
import sys
from qhas.direct import run_direct
from qhas.site import Site
from qhas.sweep.spec import SweepSpec
site, spec = sys.argv[1:]
try:
    run_direct(SweepSpec.model_validate_json(spec), Site.model_validate_json(site), "one")
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_run_that_is_stopped_says_so_in_the_store_and_leaves_no_tool(
    site: Site, sdk: Path, spec: SweepSpec, by: signal.Signals
) -> None:
    order(sdk, Rule(Tool.NET_RUN, Fault.HANG))
    command = [sys.executable, "-c", STOPPED, site.model_dump_json(), spec.model_dump_json()]
    with subprocess.Popen(command, env={**os.environ}) as running:
        while not any(call.under_way for call in read_calls(sdk, Tool.NET_RUN)):
            assert running.poll() is None
            time.sleep(0.1)
        running.send_signal(by)
        assert running.wait() == 130
    run, cells = load_run(Store(site.store), RUN)
    assert run.state is SweepState.CANCELLED
    assert cells == []
    marker = str(sdk).encode()
    assert not [pid for pid in Path("/proc").glob("[0-9]*") if marker in _command_line(pid)]


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""
