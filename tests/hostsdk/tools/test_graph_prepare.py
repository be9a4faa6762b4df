"""snpe-dlc-graph-prepare: cache records, schematics and timelines, and options that do what they say."""

import hashlib
import json
from pathlib import Path

import pytest

from hostsdk import socs, trace_object
from hostsdk.dlc.dlc import Dlc
from hostsdk.dlc.timeline_record import Timeline, read_timeline
from tests.hostsdk.tools.conftest import run_tool, succeeded
from tests.judges.netron import open_model

pytestmark = [pytest.mark.hostsdk, pytest.mark.xdist_group("tools")]  # whose modules share a prepared network


def timeline_of(dlc: Path, soc: str) -> Timeline:
    timeline = read_timeline(Dlc(dlc), soc)
    assert timeline is not None
    return timeline


def trace_of(timeline: Timeline) -> dict:
    payload = timeline.events[-1].payload
    assert payload is not None
    return json.loads(trace_object.unpack(payload)[0])


def cycles(dlc: Path, soc: str = "sa8255") -> int:
    events = [e for event in timeline_of(dlc, soc).events for e in event.sub_events]
    return next(event.value for event in events if event.type == 2006)


def test_the_dlc_gets_a_record_and_keeps_its_network(prepared, tiny_dlc):
    cached = Dlc(prepared / "cached.dlc")
    assert cached.cached_socs() == ["sa8255"]
    assert cached.read("model") == Dlc(tiny_dlc).read("model")


def test_netron_shows_the_same_network_before_and_after(prepared, tiny_dlc):
    assert open_model(prepared / "cached.dlc")["graphs"] == open_model(tiny_dlc)["graphs"]


def test_qhas_writes_one_schematic_into_the_working_directory(prepared):
    schematic, *others = prepared.glob("*_schematic.bin")
    assert not others
    graph = timeline_of(prepared / "cached.dlc", "sa8255").graph
    assert schematic.name == f"{graph}_schematic.bin"
    assert sorted(path.name for path in prepared.iterdir()) == sorted(["cached.dlc", schematic.name])


def test_the_timeline_is_bound_to_the_schematic_and_labelled_as_an_estimate(prepared):
    timeline = timeline_of(prepared / "cached.dlc", "sa8255")
    schematic = next(prepared.glob("*_schematic.bin"))
    assert timeline.schematic_sha256 == hashlib.sha256(schematic.read_bytes()).hexdigest()
    trace = trace_of(timeline)
    assert len(trace["traceEvents"]) > 100
    assert trace["hostsdk"]["origin"] == "simulator"
    assert trace["hostsdk"]["schematic_sha256"] == timeline.schematic_sha256
    assert trace["hostsdk"]["prepare"]["optimization_level"] == 2


def test_without_qhas_there_is_a_record_and_neither_schematic_nor_timeline(prepare, tiny_dlc, tmp_path):
    done = succeeded(prepare("--input_dlc", tiny_dlc, "--output_dlc", "out.dlc", "--htp_socs", "sa8255"))
    assert "SA8255 : Success" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["out.dlc"]
    assert read_timeline(Dlc(tmp_path / "out.dlc"), "sa8255") is None


def test_two_runs_give_the_same_record_and_the_same_figures(prepare, prepared, tiny_dlc, tmp_path):
    succeeded(
        prepare(
            "--input_dlc", tiny_dlc, "--output_dlc=b.dlc", "--htp_socs=sa8255", "--profiling_level", "qhas"
        )
    )
    first, second = timeline_of(prepared / "cached.dlc", "sa8255"), timeline_of(tmp_path / "b.dlc", "sa8255")
    assert first.cache_sha256 == second.cache_sha256
    assert trace_of(first)["traceEvents"] == trace_of(second)["traceEvents"]


def test_profiling_does_not_change_the_record(prepare, prepared, tiny_dlc, tmp_path):
    succeeded(prepare("--input_dlc", tiny_dlc, "--output_dlc=plain.dlc", "--htp_socs=sa8255"))
    record = "htp.cache.sa8255.0"
    assert Dlc(tmp_path / "plain.dlc").digest(record) == Dlc(prepared / "cached.dlc").digest(record)


def test_several_socs_give_a_record_each(prepare, tiny_dlc, tmp_path):
    succeeded(prepare("--input_dlc", tiny_dlc, "--output_dlc", "two.dlc", "--htp_socs=sa8255,sm8750"))
    assert Dlc(tmp_path / "two.dlc").cached_socs() == ["sa8255", "sm8750"]


def test_several_socs_with_qhas_are_refused(prepare, tiny_dlc, tmp_path):
    done = prepare("--input_dlc", tiny_dlc, "--htp_socs=sa8255,qcs9100", "--profiling_level=qhas")
    assert done.returncode == 1
    assert "one SoC at a time" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_second_soc_in_place_keeps_the_first_ones_record_and_timeline(prepare, prepared, tmp_path):
    (tmp_path / "a.dlc").write_bytes((prepared / "cached.dlc").read_bytes())
    succeeded(
        prepare("--input_dlc=a.dlc", "--output_dlc=a.dlc", "--htp_socs=qcs9100", "--profiling_level=qhas")
    )
    assert Dlc(tmp_path / "a.dlc").cached_socs() == ["qcs9100", "sa8255"]
    assert timeline_of(tmp_path / "a.dlc", "sa8255") == timeline_of(prepared / "cached.dlc", "sa8255")
    assert trace_of(timeline_of(tmp_path / "a.dlc", "qcs9100"))["hostsdk"]["soc"] == "qcs9100"
    assert open_model(tmp_path / "a.dlc")["graphs"] == open_model(prepared / "cached.dlc")["graphs"]


def test_a_soc_that_has_a_record_is_skipped_and_the_tool_says_so(prepare, prepared, tmp_path):
    done = succeeded(
        prepare(
            *("--input_dlc", prepared / "cached.dlc", "--output_dlc=b.dlc", "--htp_socs=sa8255"),
            *("--profiling_level=qhas", "--optimization_level=3"),
        )
    )
    assert "skipped" in done.stdout
    assert "no schematic" in done.stdout
    assert (tmp_path / "b.dlc").read_bytes() == (prepared / "cached.dlc").read_bytes()


def test_overwriting_replaces_record_and_timeline(prepare, prepared, tmp_path):
    succeeded(
        prepare(
            *("--input_dlc", prepared / "cached.dlc", "--output_dlc=b.dlc", "--htp_socs=sa8255"),
            *("--profiling_level=qhas", "--optimization_level=3", "--overwrite_cache_records"),
        )
    )
    names = Dlc(tmp_path / "b.dlc").names()
    assert names.count("htp.cache.sa8255.0") == names.count("hostsdk.timeline.sa8255") == 1
    label = trace_of(timeline_of(tmp_path / "b.dlc", "sa8255"))["hostsdk"]
    assert label["prepare"]["optimization_level"] == 3
    cache_list = json.loads(Dlc(tmp_path / "b.dlc").read("dlc.metadata2.3.0"))["cacheList"]
    assert [entry["cacheName"] for entry in cache_list] == ["htp.cache.sa8255.0"]


def test_overwriting_without_qhas_drops_the_old_timeline(prepare, prepared, tmp_path):
    arguments = ("--htp_socs=sa8255", "--overwrite_cache_records")
    succeeded(prepare("--input_dlc", prepared / "cached.dlc", "--output_dlc=b.dlc", *arguments))
    assert "hostsdk.timeline.sa8255" not in Dlc(tmp_path / "b.dlc").names()


@pytest.mark.parametrize("option", ["--num_hvx_threads=1", "--vtcm_override=2"])
def test_an_option_changes_the_estimate(prepare, prepared, tiny_dlc, tmp_path, option):
    arguments = ("--output_dlc=b.dlc", "--htp_socs=sa8255", "--profiling_level=qhas", option)
    succeeded(prepare("--input_dlc", tiny_dlc, *arguments))
    assert cycles(tmp_path / "b.dlc") != cycles(prepared / "cached.dlc")


def test_bandwidth_compression_reaches_the_compiler(prepare, prepared, tiny_dlc, tmp_path):
    succeeded(prepare("--input_dlc", tiny_dlc, "--output_dlc=b.dlc", "--htp_socs=sa8255", "--htp_dlbc=true"))
    record = "htp.cache.sa8255.0"
    assert Dlc(tmp_path / "b.dlc").digest(record) != Dlc(prepared / "cached.dlc").digest(record)


def test_a_vtcm_override_of_zero_is_all_the_soc_has(prepare, tiny_dlc):
    done = succeeded(
        prepare("--input_dlc", tiny_dlc, "--output_dlc=b.dlc", "--htp_socs=sa8255", "--vtcm_override", 0)
    )
    assert "VTCM size(MB) selected = 8" in done.stdout


def test_every_switch_of_the_vendors_command_lines_is_taken(prepare, tiny_dlc, tmp_path):
    succeeded(
        prepare(
            *("--num_hvx_threads=4", "--htp_dlbc=true", "--memorymapped_buffer_hint=true", "--verbose"),
            *(
                f"--input_dlc={tiny_dlc}",
                "--output_dlc=b.dlc",
                "--optimization_level",
                "3",
                "--htp_socs=sa8255",
            ),
        )
    )
    assert Dlc(tmp_path / "b.dlc").cached_socs() == ["sa8255"]


def test_the_output_is_named_after_the_input_by_default(prepare, tiny_dlc, tmp_path):
    (tmp_path / "net.dlc").write_bytes(tiny_dlc.read_bytes())
    succeeded(prepare("--input_dlc=net.dlc", "--htp_socs=sa8255"))
    assert (tmp_path / "net_cached.dlc").is_file()


def test_a_soc_without_supported_estimates_gets_a_schematic_and_no_timeline(prepare, tiny_dlc, tmp_path):
    done = succeeded(
        prepare("--input_dlc", tiny_dlc, "--output_dlc=b.dlc", "--htp_socs=sm8450", "--profiling_level=qhas")
    )
    assert "does not support performance estimates for SM8450" in done.stdout
    assert len(list(tmp_path.glob("*_schematic.bin"))) == 1
    assert read_timeline(Dlc(tmp_path / "b.dlc"), "sm8450") is None


def test_an_estimate_that_was_checked_on_a_device_can_be_refused(prepare, tiny_dlc, tmp_path):
    none = {"HOSTSDK_ESTIMATE_UNSUPPORTED_SOCS": "0"}
    arguments = ("--input_dlc", tiny_dlc, "--output_dlc=b.dlc", "--htp_socs=sm8750", "--profiling_level=qhas")
    assert (
        "does not support performance estimates for SM8750" in succeeded(prepare(*arguments, **none)).stdout
    )


def test_an_estimate_that_was_checked_on_a_device_is_labelled_and_ships_the_clean_record(
    prepare, tiny_dlc, tmp_path
):
    arguments = ("--input_dlc", tiny_dlc, "--htp_socs=sm8750")
    done = succeeded(prepare(*arguments, "--output_dlc=estimated.dlc", "--profiling_level=qhas"))
    checked = socs.find("sm8750", "test").checked
    assert checked
    assert f"they were {checked.sentence}" in done.stdout
    succeeded(prepare(*arguments, "--output_dlc=plain.dlc"))
    label = trace_of(timeline_of(tmp_path / "estimated.dlc", "sm8750"))["hostsdk"]
    assert label["estimate"] == "unsupported"
    assert label["prepare"]["sim_core_voltage_corner"] == 11
    record = "htp.cache.sm8750.0"
    assert Dlc(tmp_path / "estimated.dlc").digest(record) == Dlc(tmp_path / "plain.dlc").digest(record)


def test_an_unsupported_estimate_is_made_on_request(prepare, tiny_dlc, tmp_path):
    opted = {"HOSTSDK_ESTIMATE_UNSUPPORTED_SOCS": "1"}
    arguments = ("--input_dlc", tiny_dlc, "--htp_socs=sm8450", "--profiling_level=qhas")
    succeeded(prepare(*arguments, "--output_dlc=estimated.dlc", **opted))
    label = trace_of(timeline_of(tmp_path / "estimated.dlc", "sm8450"))["hostsdk"]
    assert label["estimate"] == "unsupported"
    assert "checked" not in label["statement"]


def test_a_soc_without_a_cost_model_says_so_even_on_request(prepare, tiny_dlc, tmp_path):
    opted = {"HOSTSDK_ESTIMATE_UNSUPPORTED_SOCS": "1"}
    arguments = ("--input_dlc", tiny_dlc, "--output_dlc=b.dlc", "--htp_socs=sm8475", "--profiling_level=qhas")
    assert "no cost model for SM8475" in succeeded(prepare(*arguments, **opted)).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("--htp_socs=sm8751",), 15001, "sm8750"),
        (("--htp_socs=sm8250",), 15001, "v66"),
        (("--htp_socs=sa8255, sm8750",), 101, "without blanks"),
        (("--htp_socs=sa8255", "--vtcm_override=16"), 101, "8 MB"),
        (("--htp_socs=sa8255", "--num_hvx_threads=9"), 101, "4 HVX"),
        (("--htp_socs=sa8255", "--num_hvx_threads=0"), 101, "at least 1"),
        (("--htp_socs=sa8255", "--optimization_level=4"), 101, "from 1 to 3"),
        (("--htp_socs=sa8255", "--htp_dlbc=maybe"), 101, "true nor false"),
        (("--htp_socs=sa8255", "--profiling_level=detailed"), 101, "qhas"),
        (("--htp_soc=sa8255",), 101, "--htp_soc"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_runs(prepare, tiny_dlc, tmp_path, arguments, code, word):
    done = prepare("--input_dlc", tiny_dlc, "--output_dlc=b.dlc", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error_code={code};")
    assert word in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("damage", "code"),
    [(lambda b: b[: len(b) // 2], 311), (lambda b: b"", 311), (lambda b: b"PK" + b[2:200], 311)],
)
def test_a_damaged_container_is_refused(prepare, tiny_dlc, tmp_path, damage, code):
    (tmp_path / "bad.dlc").write_bytes(damage(tiny_dlc.read_bytes()))
    done = prepare("--input_dlc=bad.dlc", "--htp_socs=sa8255")
    assert done.stderr.startswith(f"error_code={code};")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.dlc"]


def test_a_container_whose_network_is_garbage_is_refused(prepare, tiny_dlc, tmp_path):
    content = bytearray(tiny_dlc.read_bytes())
    network = Dlc(tiny_dlc).read("model")
    start = content.index(network)
    content[start : start + len(network)] = bytes(len(network))
    (tmp_path / "bad.dlc").write_bytes(content)
    done = prepare("--input_dlc=bad.dlc", "--htp_socs=sa8255")
    assert done.stderr.startswith("error_code=306;")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.dlc"]


def test_a_working_directory_that_cannot_be_written_is_refused_for_qhas(tiny_dlc, tmp_path, unwritable):
    arguments = ("--input_dlc", tiny_dlc, "--output_dlc", tmp_path / "b.dlc", "--htp_socs=sa8255")
    done = run_tool("snpe-dlc-graph-prepare", *arguments, "--profiling_level=qhas", cwd=unwritable)
    assert done.stderr.startswith("error_code=208;")
    assert list(tmp_path.glob("b.dlc")) == []
    succeeded(run_tool("snpe-dlc-graph-prepare", *arguments, cwd=unwritable))
