"""The fake SDK's snpe-net-run and snpe-diagview."""

import csv

import pytest

from fakes.rig import Rig
from fakes.sdk import Tool


def test_a_run_at_level_qhas_writes_results_and_the_log_in_the_working_directory(prepared: Rig) -> None:
    done = prepared.net_run("--output_dir", "elsewhere")
    assert done.returncode == 0
    assert "Successfully executed graph net" in done.stdout
    results = sorted((prepared.cwd / "elsewhere").glob("Result_*/probabilities.raw"))
    assert [file.stat().st_size for file in results] == [40, 40, 40]
    assert (prepared.cwd / "profilelogs/qnn-profiling-data.log").stat().st_size > 1500


@pytest.mark.parametrize(("level", "written"), [("off", False), ("basic", True), ("detailed", True)])
def test_the_diagnostic_log_depends_on_the_level(prepared: Rig, level: str, written: bool) -> None:
    assert prepared.net_run(level=level).returncode == 0
    assert (prepared.cwd / "output/SNPEDiag_0.log").exists() is written
    assert not (prepared.cwd / "profilelogs").exists()


def test_diagview_gives_one_total_per_inference_and_the_first_is_the_slowest(prepared: Rig) -> None:
    prepared.net_run(level="basic")
    done = prepared.run(Tool.DIAGVIEW, "--input_log", "output/SNPEDiag_0.log", "--output", "times.csv")
    assert "Total Inference Time: " in done.stdout
    with (prepared.cwd / "times.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    totals = [int(row["Time"]) for row in rows if row["Message"] == "Total Inference Time"]
    assert len(totals) == 3
    assert totals[0] > 5 * max(totals[1:])


def test_a_missing_input_file_is_error_207(prepared: Rig) -> None:
    (prepared.cwd / "input.raw").unlink()
    done = prepared.net_run()
    assert done.returncode == 1
    assert "error_code=207;" in done.stderr
    assert not (prepared.cwd / "output").exists()


def test_an_input_of_the_wrong_size_is_error_203_unless_it_is_said_to_be_native(prepared: Rig) -> None:
    (prepared.cwd / "input.raw").write_bytes(bytes(192))
    assert "error_code=203;" in prepared.net_run().stderr
    assert prepared.net_run("--userbuffer_tf8", "--use_native_input_files").returncode == 0


def test_an_unknown_input_name_is_error_105(prepared: Rig) -> None:
    (prepared.cwd / "input_list.txt").write_text("#probabilities\nimage:=input.raw\n")
    assert "error_code=105;" in prepared.net_run().stderr


def test_a_bare_path_in_the_list_is_relative_to_the_working_directory(prepared: Rig) -> None:
    (prepared.cwd / "input_list.txt").write_text("input.raw\n")
    assert prepared.net_run().returncode == 0


def test_an_unprepared_dlc_is_prepared_online_silently(rig: Rig) -> None:
    done = rig.net_run(container=str(rig.dlc))
    assert done.returncode == 0
    assert "No cache record in the DLC matches the target device" in done.stdout


def test_strict_cache_options_turn_the_online_prepare_into_an_error(prepared: Rig) -> None:
    prepared.environment = {"QHAS_FAKE_DEVICE_SOC": "SM8650"}
    assert prepared.net_run().returncode == 0
    assert "error_code=1503;" in prepared.net_run("--cache_compatibility_mode=strict").stderr
    assert "error_code=307;" in prepared.net_run("--validate_cache", container=str(prepared.dlc)).stderr


def test_tools_of_every_target_run_here_and_report_to_the_same_sdk(prepared: Rig) -> None:
    copied = prepared.cwd / "snpe-net-run"
    copied.write_bytes((prepared.sdk / "bin/aarch64-android/snpe-net-run").read_bytes())
    copied.chmod(0o755)
    tool_directory = prepared.sdk / "bin/x86_64-linux-clang"
    (tool_directory / "snpe-net-run").unlink()
    (tool_directory / "snpe-net-run").symlink_to(copied)
    assert prepared.net_run().returncode == 0
    assert '"exit": 0' in (prepared.sdk / "calls.jsonl").read_text().splitlines()[-1]
