"""Tools that fail on a device: the failure kind, the attempts in one lease, and what the next cell finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from fakes.sdk import Fault, Rule, Tool, order
from qhas.cell.chrometrace import generate_chrometrace
from qhas.cell.device import ready_device
from qhas.cell.net_run import collect_logs, net_run
from qhas.cell.prepare import prepare_graph
from qhas.cell.work import open_work
from qhas.failures import FACTS, Again, FailureKind, Step, StepFailed
from qhas.lab.lab import open_lab
from tests.rack.conftest import RackOf
from tests.rack.rack import PROFILED, TIMED, Rack, runs

pytestmark = pytest.mark.xdist_group("rack")  # whose tests each wait long

SKEL = "Failed to load skel, error: 1002"


@dataclass(frozen=True)
class Case:
    """The tool and its fault, the failure it ends in, and at which step."""

    tool: Tool
    fault: Fault
    kind: FailureKind
    step: Step = Step.NET_RUN
    run: tuple[tuple[str, Any], ...] = ()
    times: int | None = None


TIMES_OUT, TIMED_PASS = (("timeout_seconds", 15),), (("repetitions", 4),)
CASES = [
    Case(Tool.NET_RUN, Fault.SEGFAULT, FailureKind.TOOL_CRASHED),
    Case(Tool.NET_RUN, Fault.KILLED, FailureKind.TOOL_KILLED),
    Case(Tool.NET_RUN, Fault.HANG_DEAF, FailureKind.DEVICE_TIMED_OUT, run=TIMES_OUT),
    Case(Tool.NET_RUN, Fault.HANG, FailureKind.DEVICE_TIMED_OUT, run=TIMES_OUT),
    Case(Tool.NET_RUN, Fault.ERROR_EXIT, FailureKind.TOOL_FAILED),
    Case(Tool.NET_RUN, Fault.NO_LOG, FailureKind.LOG_MISSING),
    Case(Tool.NET_RUN, Fault.STALE_LOG, FailureKind.LOG_STALE),
    Case(Tool.NET_RUN, Fault.EMPTY_LOG, FailureKind.LOG_EMPTY),
    Case(Tool.NET_RUN, Fault.TRUNCATED_LOG, FailureKind.LOG_UNREADABLE, Step.CHROMETRACE),
    Case(Tool.NET_RUN, Fault.ONLINE_PREPARE, FailureKind.PREPARED_ONLINE),
    Case(Tool.NET_RUN, Fault.INCOMPATIBLE_CACHE, FailureKind.PREPARED_ONLINE),
    Case(Tool.NET_RUN, Fault.PARTIAL_RESULTS, FailureKind.RESULTS_INCOMPLETE),
    # A cell without latency is still profiled: its third call has to succeed.
    Case(Tool.NET_RUN, Fault.SEGFAULT, FailureKind.TOOL_CRASHED, Step.LATENCY, TIMED_PASS, times=2),
    Case(
        Tool.NET_RUN, Fault.PARTIAL_RESULTS, FailureKind.RESULTS_INCOMPLETE, Step.LATENCY, TIMED_PASS, times=2
    ),
    Case(Tool.DIAGVIEW, Fault.ERROR_EXIT, FailureKind.TOOL_FAILED, Step.LATENCY, TIMED_PASS),
    Case(Tool.VIEWER, Fault.NO_VALID_SCHEMATICS, FailureKind.SCHEMATIC_MISMATCH, Step.CHROMETRACE),
]
BY_DEFAULT = {Fault.ONLINE_PREPARE}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            id=f"{case.fault} at {case.step}",
            marks=[] if case.fault in BY_DEFAULT else pytest.mark.slow,
        )
        for case in CASES
    ],
)
async def test_a_tool_that_fails_costs_its_own_cell_only(rack_of: RackOf, case: Case) -> None:
    rack = rack_of(phone="sm8750")
    order(rack.sdk, Rule(case.tool, case.fault, model="struck", times=case.times))
    struck, plain = await rack.run(rack.cell("struck", **dict(case.run)), rack.cell("plain"))
    facts, failure = FACTS[case.kind], struck.failure
    assert failure
    assert (failure.kind, failure.step) == (case.kind, case.step)
    assert [attempt.failure for attempt in struck.attempts].count(case.kind) == facts.attempts
    leases = facts.attempts if facts.again is Again.ELSEWHERE else 1
    assert [attempt.step for attempt in struck.attempts].count(Step.DEVICE) == leases
    level = TIMED if case.step is Step.LATENCY else PROFILED
    of_the_plain_cell = 0 if level == TIMED else 1
    tried = facts.attempts if case.step is not Step.CHROMETRACE else 1
    assert len(runs(rack.devices["phone"], level)) == tried + of_the_plain_cell
    assert plain.failure is None
    assert len(plain.attempts) == len({attempt.step for attempt in plain.attempts})
    rack.require_clean()


async def test_a_tool_that_fails_once_is_run_again_in_the_same_lease(rack_of: RackOf) -> None:
    rack = rack_of(phone="sm8750")
    order(rack.sdk, Rule(Tool.NET_RUN, Fault.SEGFAULT, times=1))
    (record,) = await rack.run(rack.cell())
    assert record.failure is None
    assert [attempt.step for attempt in record.attempts].count(Step.DEVICE) == 1
    tools = [tool for attempt in record.attempts if attempt.step is Step.NET_RUN for tool in attempt.tools]
    assert [(tool.exit_code, tool.killed_by) for tool in tools] == [(139, "SIGSEGV"), (0, None)]
    rack.require_clean()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("says", "in_the_log", "kind"),
    [
        (SKEL, "", FailureKind.DSP_UNREACHABLE),
        (
            "error_code=908; error_message=Runtime communication; error_component=DSP;",
            "",
            FailureKind.DSP_UNREACHABLE,
        ),
        ("error_code=401; error_message=Network creation failed;", SKEL, FailureKind.DSP_UNREACHABLE),
        ("error_code=911; error_message=DSP crashed; error_component=DSP;", "", FailureKind.DSP_CRASHED),
        (
            "error_code=407; error_message=Execution failed;",
            "remote_handle64_invoke failed",
            FailureKind.DSP_CRASHED,
        ),
        ("write: No space left on device", "", FailureKind.DEVICE_FULL),
    ],
)
async def test_what_a_tool_or_the_devices_log_says_of_the_dsp_is_the_failure(
    rack_of: RackOf, says: str, in_the_log: str, kind: FailureKind
) -> None:
    rack = rack_of(phone="sm8750")
    tool = rack.sdk / "bin/aarch64-android/snpe-net-run"
    well = tool.read_text()
    trial = '[ "$1" = --version ] && exit 0\n'  # the tool itself starts on the device; only its work fails
    tool.write_text(f"#!/bin/sh\n{trial}{log_line(rack, in_the_log)}echo '{says}'\nexit 1\n")
    async with open_lab(rack.site) as lab:
        (struck,) = await rack.run(rack.cell("struck"), lab=lab)
        assert struck.failure
        assert (struck.failure.kind, struck.failure.step) == (kind, Step.NET_RUN)
        leases = [attempt for attempt in struck.attempts if attempt.step is Step.DEVICE]
        assert FACTS[kind].again is Again.ELSEWHERE
        assert len(leases) == len(runs(rack.devices["phone"])) == FACTS[kind].attempts
        assert not in_the_log or in_the_log in str(struck.failure.evidence)
        tool.write_text(well)
        (plain,) = await rack.run(rack.cell("plain"), lab=lab)
    assert plain.failure is None
    rack.require_clean()


def log_line(rack: Rack, text: str) -> str:
    """Return a line of shell that adds a line to the phone's logcat, as the driver does when the tool runs."""
    stamp = "$(date '+%m-%d %H:%M:%S').000"
    log = "/system/etc/fake/log/main"
    return f'echo "{stamp}  1000  1001 E adsprpc : {text}" >> {log}\n' if text else ""


@pytest.mark.slow
@pytest.mark.parametrize("viewer", ["host", "device"])
async def test_the_schematic_of_another_graph_is_a_mismatch(rack_of: RackOf, viewer: str) -> None:
    rack = rack_of({"viewer": viewer}, phone="sm8750")
    async with (
        open_lab(rack.site) as lab,
        open_work(rack.cell("alpha"), lab, "one") as work,
        open_work(rack.cell("beta"), lab, "one") as other,
    ):
        prepared, foreign = await prepare_graph(work), await prepare_graph(other)
        async with work.lease() as device:
            await ready_device(work, device)
            log = await collect_logs(work, await net_run(work, prepared, device), device)
            with pytest.raises(StepFailed) as failed:
                await generate_chrometrace(work, foreign, log, device if viewer == "device" else None)
        assert failed.value.failure.kind is FailureKind.SCHEMATIC_MISMATCH
    rack.require_clean()
