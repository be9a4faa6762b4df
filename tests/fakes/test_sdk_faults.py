"""Every fault of the fake SDK does what its description says."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path

import pytest

from fakes.dlc import make_dlc
from fakes.rig import Done, Rig
from fakes.sdk import Fault, PlanError, Rule, Tool, Wait, most_at_once, order, read_calls
from tests.onnx_bytes import write_onnx

LOG = "profilelogs/qnn-profiling-data.log"
SUMMARY = "trace_qnn_htp_analysis_summary.json"


def convert(rig: Rig) -> Done:
    """Convert an ONNX to made.dlc."""
    write_onnx(rig.cwd / "net.onnx")
    return rig.run(Tool.CONVERTER, "--input_network", "net.onnx", "--output_path", "made.dlc")


STEPS: dict[Tool, Callable[[Rig], Done]] = {
    Tool.PREPARE: Rig.prepare,
    Tool.NET_RUN: Rig.net_run,
    Tool.VIEWER: Rig.view,
    Tool.DIAGVIEW: lambda rig: rig.run(Tool.DIAGVIEW, "--input_log", "output/SNPEDiag_0.log"),
}
MAKERS: dict[Tool, Callable[[Rig], Done]] = {Tool.CONVERTER: convert}
"""Tools that run before the chain, and are not part of it for a DLC."""
HANGS = {Fault.HANG, Fault.HANG_DEAF}


def suffer(rig: Rig, fault: Fault, tool: Tool | None = None) -> Done:
    """Run the steps up to the faulty one and return its result."""
    tool = tool or fault.tools[0]
    order(rig.sdk, Rule(tool, fault))
    if tool in MAKERS:
        return MAKERS[tool](rig)
    for step in (Tool.PREPARE, Tool.NET_RUN, Tool.VIEWER):
        done = STEPS[step](rig)
        if step is tool:
            return done
        assert done.returncode == 0, done.stderr
    rig.net_run(level="basic")
    return STEPS[tool](rig)


def schematics(rig: Rig) -> list[str]:
    return sorted(path.name for path in rig.cwd.glob("*_schematic.bin"))


@pytest.mark.parametrize("tool", STEPS)
def test_an_error_exit_prints_the_vendors_text(rig: Rig, tool: Tool) -> None:
    done = suffer(rig, Fault.ERROR_EXIT, tool)
    assert done.returncode == 1
    assert "error_code=" in done.stderr or done.stderr == "Error printing stats.\n"


@pytest.mark.parametrize("tool", [Tool.PREPARE, Tool.NET_RUN, Tool.VIEWER])
@pytest.mark.parametrize(
    ("fault", "number"), [(Fault.KILLED, signal.SIGKILL), (Fault.SEGFAULT, signal.SIGSEGV)]
)
def test_a_death_is_by_the_real_signal_and_is_on_record(
    rig: Rig, fault: Fault, number: int, tool: Tool
) -> None:
    assert suffer(rig, fault, tool).returncode == -number
    last = read_calls(rig.sdk)[-1]
    assert (last.tool, last.exit_code, last.fault) == (tool, -number, fault)


def hang(rig: Rig, fault: Fault) -> subprocess.Popen[bytes]:
    """Start a call that hangs; return once it does."""
    order(rig.sdk, Rule(Tool.PREPARE, fault))
    tool = rig.sdk / "bin/x86_64-linux-clang" / Tool.PREPARE
    process = subprocess.Popen([tool, "--input_dlc", rig.dlc], cwd=rig.cwd, start_new_session=True)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    counts = rig.sdk / "fake.json.counts"
    while not (children.read_text() if fault is Fault.HANG_DEAF else counts.exists()):
        time.sleep(0.01)
    return process


def test_a_hang_ends_by_sigterm_and_has_no_end_on_record(rig: Rig) -> None:
    process = hang(rig, Fault.HANG)
    assert process.poll() is None
    process.terminate()
    assert process.wait(600) == -signal.SIGTERM
    assert read_calls(rig.sdk)[-1].end is None


def test_a_deaf_hang_survives_sigterm_and_so_does_its_child(rig: Rig) -> None:
    process = hang(rig, Fault.HANG_DEAF)
    os.killpg(process.pid, signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    process.kill()
    process.wait(600)
    os.killpg(process.pid, 0)  # the child is still in the group
    os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("fault", "count"),
    [(Fault.NO_SCHEMATIC, 0), (Fault.TWO_SCHEMATICS, 2), (Fault.NO_DLC, 1), (Fault.EMPTY_DLC, 1)],
)
def test_a_faulty_prepare_exits_0_with_this_many_schematics(rig: Rig, fault: Fault, count: int) -> None:
    done = suffer(rig, fault)
    assert done.returncode == 0
    assert "SM8750 : Success" in done.stdout
    assert len(schematics(rig)) == count


def test_a_prepare_without_dlc_and_one_with_an_empty_dlc_differ(rig: Rig) -> None:
    suffer(rig, Fault.NO_DLC)
    assert not (rig.cwd / "cached.dlc").exists()
    suffer(rig, Fault.EMPTY_DLC)
    assert (rig.cwd / "cached.dlc").stat().st_size == 0


@pytest.mark.parametrize(("fault", "size"), [(Fault.NO_LOG, None), (Fault.EMPTY_LOG, 0)])
def test_a_run_can_lose_its_log_and_still_exit_0(rig: Rig, fault: Fault, size: int | None) -> None:
    assert suffer(rig, fault).returncode == 0
    log = rig.cwd / LOG
    assert (log.stat().st_size if log.exists() else None) == size
    assert (rig.cwd / "output/Result_2").is_dir()


def test_a_truncated_log_is_not_empty_and_the_viewer_cannot_read_it(rig: Rig) -> None:
    assert suffer(rig, Fault.TRUNCATED_LOG).returncode == 0
    assert (rig.cwd / LOG).stat().st_size > 1500
    assert rig.view().returncode == 1


def test_a_stale_log_is_the_one_that_was_there(profiled: Rig) -> None:
    before = (profiled.cwd / LOG).stat()
    make_dlc(profiled.dlc, graph="net", salt="retrained")
    suffer(profiled, Fault.STALE_LOG)
    assert (profiled.cwd / LOG).stat() == before
    assert "No Valid Input Schematics" in profiled.view().stderr


def test_a_stale_log_in_a_fresh_directory_is_older_than_the_run(rig: Rig) -> None:
    began = time.time()
    suffer(rig, Fault.STALE_LOG)
    assert (rig.cwd / LOG).stat().st_mtime < began - 3000
    assert "No Valid Input Schematics" in rig.view().stderr


def test_an_online_prepare_is_silent_even_under_strict_options(prepared: Rig) -> None:
    order(prepared.sdk, Rule(Tool.NET_RUN, Fault.ONLINE_PREPARE))
    done = prepared.net_run("--cache_compatibility_mode=strict", "--validate_cache")
    assert done.returncode == 0
    assert (
        "No cache record in the DLC matches the target device (SM8750). Creating a new record" in done.stdout
    )
    assert "No Valid Input Schematics" in prepared.view().stderr


def test_an_incompatible_cache_is_error_1503(rig: Rig) -> None:
    done = suffer(rig, Fault.INCOMPATIBLE_CACHE)
    assert done.returncode == 1
    assert "error_code=1503;" in done.stderr


def test_partial_results_are_the_first_half(rig: Rig) -> None:
    assert suffer(rig, Fault.PARTIAL_RESULTS).returncode == 0
    assert [path.name for path in (rig.cwd / "output").glob("Result_*")] == ["Result_0"]


def test_a_viewer_without_qhas_writes_everything_else(rig: Rig) -> None:
    assert suffer(rig, Fault.NO_QHAS).returncode == 0
    assert not (rig.cwd / SUMMARY).exists()
    assert (rig.cwd / "trace_htp.json").exists()


def test_an_empty_trace_comes_alone(rig: Rig) -> None:
    assert suffer(rig, Fault.EMPTY_TRACE).returncode == 0
    assert [(path.name, path.stat().st_size) for path in rig.cwd.glob("trace*")] == [("trace.json", 0)]


@pytest.mark.parametrize(
    ("fault", "damaged", "sound"),
    [(Fault.TRUNCATED_TRACE, "trace.json", SUMMARY), (Fault.TRUNCATED_QHAS, SUMMARY, "trace.json")],
)
def test_a_truncated_file_does_not_parse_and_the_other_does(
    rig: Rig, fault: Fault, damaged: str, sound: str
) -> None:
    assert suffer(rig, fault).returncode == 0
    with pytest.raises(json.JSONDecodeError):
        json.loads((rig.cwd / damaged).read_text())
    json.loads((rig.cwd / sound).read_text())


def test_a_truncated_qhas_ends_before_the_value_of_inf_per_s(rig: Rig) -> None:
    suffer(rig, Fault.TRUNCATED_QHAS)
    assert (rig.cwd / SUMMARY).read_text().endswith('"inf_per_s": ')


def test_the_viewer_can_refuse_a_good_schematic(rig: Rig) -> None:
    done = suffer(rig, Fault.NO_VALID_SCHEMATICS)
    assert done.returncode == 1
    assert "No Valid Input Schematics" in done.stderr


@pytest.mark.parametrize("fault", sorted(set(Fault) - HANGS))
@pytest.mark.slow
def test_no_fault_passes_for_a_good_call(rig: Rig, fault: Fault) -> None:
    """Exit code, console and files together distinguish a faulty call from a good one."""

    def outcome(done: Done) -> object:
        files = {
            path.relative_to(rig.cwd): path.read_bytes() for path in rig.cwd.rglob("*") if path.is_file()
        }
        return done.returncode, done.stdout, done.stderr, files

    faulty = outcome(suffer(rig, fault))
    order(rig.sdk)
    (rig.cwd / "net_1_schematic.bin").unlink(missing_ok=True)  # a good prepare does not remove it
    assert outcome((STEPS | MAKERS)[fault.tools[0]](rig)) != faulty
    assert fault.sentence.endswith(".")


def test_a_rule_fails_its_calls_and_no_others(rig: Rig) -> None:
    order(rig.sdk, Rule(Tool.PREPARE, Fault.ERROR_EXIT, soc="sm8750", times=2))
    codes = [rig.prepare(soc=soc).returncode for soc in ("sm8650", "sm8750", "sm8750", "sm8750")]
    assert codes == [0, 1, 1, 0]


def test_a_rule_for_a_model_goes_by_the_name_of_graph_or_file_at_every_step(rig: Rig) -> None:
    order(
        rig.sdk,
        Rule(Tool.VIEWER, Fault.NO_QHAS, model="net"),
        Rule(Tool.PREPARE, Fault.NO_DLC, model="other"),
    )
    assert rig.prepare().returncode == 0
    rig.net_run()
    rig.view()
    assert not (rig.cwd / SUMMARY).exists()


def test_a_count_holds_across_processes_at_the_same_time(rig: Rig) -> None:
    order(rig.sdk, Rule(Tool.PREPARE, Fault.ERROR_EXIT, times=3), durations={Tool.PREPARE: 0.2})
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: rig.prepare().returncode, range(8)))
    assert sorted(codes) == [0] * 5 + [1] * 3


def test_an_order_given_again_counts_anew(rig: Rig) -> None:
    for _ in range(2):
        order(rig.sdk, Rule(Tool.PREPARE, Fault.ERROR_EXIT, times=1))
        assert [rig.prepare().returncode for _ in range(2)] == [1, 0]


def test_the_environment_names_a_plan_in_place_of_the_sdks_own(rig: Rig, tmp_path: Path) -> None:
    order(rig.sdk, Rule(Tool.PREPARE, Fault.ERROR_EXIT))
    rig.environment = {
        "QHAS_FAKE_SDK": str(order(tmp_path / "plan.json", Rule(Tool.PREPARE, Fault.NO_SCHEMATIC)))
    }
    assert rig.prepare().returncode == 0
    assert schematics(rig) == []


@pytest.mark.parametrize(
    "plan",
    [
        '{"faults": [{"tool": "snpe-net-run", "fault": "no-such"}]}',
        '{"faults": [{"tool": "snpe-net-run", "fault": "no-dlc"}]}',
        '{"faults": [{"tool": "snpe-net-run", "fault": "no-log", "match": {"sco": "x"}}]}',
        '{"fault": []}',
        '{"durations": {"net-run": 1}}',
        '{"waits": [{"tool": "net-run", "seconds": 1}]}',
        '{"waits": [{"tool": "snpe-net-run", "seconds": 1, "match": {"sco": "x"}}]}',
        "not json",
    ],
)
def test_a_plan_with_a_mistake_is_no_success(rig: Rig, plan: str) -> None:
    (rig.sdk / "fake.json").write_text(plan)
    done = rig.prepare()
    assert done.returncode == 70
    assert "fake.json" in done.stderr


def test_a_fault_of_another_tool_is_refused_where_it_is_written() -> None:
    with pytest.raises(PlanError, match="cannot suffer 'no-log'"):
        Rule(Tool.VIEWER, Fault.NO_LOG)


def test_calls_tell_order_arguments_and_what_ran_at_the_same_time(rig: Rig) -> None:
    order(rig.sdk, durations={Tool.PREPARE: 0.5})
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: rig.prepare(), range(3)))
    rig.net_run()
    calls = read_calls(rig.sdk)
    assert [call.tool for call in calls] == [Tool.PREPARE] * 3 + [Tool.NET_RUN]
    assert most_at_once(calls) == 3
    assert calls[0].option("htp_socs") == "sm8750"
    assert calls[0].option("output") is None
    assert calls[-1].cwd == rig.cwd
    assert all(
        call.end is not None and call.end - call.start >= 0.5 for call in read_calls(rig.sdk, Tool.PREPARE)
    )


def test_a_wait_holds_for_its_soc_and_model_and_the_first_that_matches_wins(rig: Rig) -> None:
    order(
        rig.sdk,
        durations={Tool.PREPARE: 60.0},
        waits=[
            Wait(Tool.PREPARE, 60.0, soc="sm8650"),
            Wait(Tool.NET_RUN, 60.0, model="another"),
            Wait(Tool.PREPARE, 0.3, soc="sm8750"),
            Wait(Tool.PREPARE, 60.0),
        ],
    )
    rig.prepare()
    rig.net_run()
    seconds = [(call.end or inf) - call.start for call in read_calls(rig.sdk)]
    assert 0.3 <= seconds[0] < 30
    assert seconds[1] < 30


def test_the_readme_names_every_fault() -> None:
    rows = (Path(__file__).parents[2] / "fakes" / "README.md").read_text().splitlines()
    named = [
        line.split("`")[1]
        for line in rows
        if line.startswith("| `") and line.count("|") == 4 and ". |" in line
    ]
    assert [name for name in named if not name.startswith(("snpe", "qnn"))] == [
        fault.value for fault in Fault
    ]
