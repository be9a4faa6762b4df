"""snpe-net-run: outputs that agree with ONNX Runtime, logs that contain the timeline, and refusals by code."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from tests.hostsdk import networks
from tests.hostsdk.tools.conftest import run_tool, succeeded

pytestmark = [pytest.mark.hostsdk, pytest.mark.xdist_group("tools")]  # whose modules share a prepared network


@pytest.fixture
def container(prepared) -> Path:
    return prepared / "cached.dlc"


def outputs(directory: Path) -> list[np.ndarray]:
    return [np.fromfile(path, np.float32) for path in sorted(directory.glob("Result_*/*.raw"))]


def test_outputs_agree_with_onnx_runtime_within_two_steps(
    net_run, container, input_list, tiny_onnx, tmp_path
):
    succeeded(net_run("--container", container, "--input_list", input_list, "--profiling_level=off"))
    session = networks.reference(tiny_onnx)
    found = outputs(tmp_path / "output")
    assert len(found) == 2
    assert np.abs(found[0] - found[1]).max() > 20 * networks.OUTPUT_SCALE
    for seed, output in zip((1, 2), found, strict=True):
        wanted = session.run(None, {"x": networks.random_input(seed)})[0].ravel()
        assert np.abs(output - wanted).max() <= 2 * networks.OUTPUT_SCALE + 1e-5
        assert np.ptp(wanted) > 40 * networks.OUTPUT_SCALE


def test_qhas_writes_the_log_with_the_timeline_into_the_working_directory(
    net_run, container, input_list, tmp_path
):
    from hostsdk.viewer.log import parse_log

    done = succeeded(
        net_run("--container", container, "--input_list", input_list, "--profiling_level", "qhas")
    )
    assert "host times are not device times" in done.stdout
    log = tmp_path / "profilelogs" / "qnn-profiling-data.log"
    assert b'"hostsdk": {"estimate": "supported"' in log.read_bytes()
    assert parse_log(log.read_bytes()) is not None


def test_a_timeline_alone_needs_no_inputs_and_leaves_no_outputs(net_run, container, tmp_path):
    done = succeeded(net_run("--container", container, "--timeline_only", "--profiling_level=qhas"))
    assert "Nothing was executed" in done.stdout
    assert (
        b'"hostsdk": {"estimate": "supported"'
        in (tmp_path / "profilelogs" / "qnn-profiling-data.log").read_bytes()
    )
    assert not outputs(tmp_path / "output")


@pytest.mark.parametrize(
    "arguments",
    [(), ("--timeline_only", "--profiling_level=basic"), ("--timeline_only", "--input_list", "x.txt")],
    ids=["neither", "no timeline", "both"],
)
def test_inferences_and_a_timeline_alone_exclude_each_other(net_run, container, arguments):
    done = net_run("--container", container, *arguments)
    assert done.returncode == 1
    assert "error_code=101" in done.stderr


def test_a_log_from_before_is_replaced_and_not_appended_to(net_run, container, input_list, tmp_path):
    arguments = ("--container", container, "--input_list", input_list, "--profiling_level=qhas")
    log = tmp_path / "profilelogs" / "qnn-profiling-data.log"
    succeeded(net_run(*arguments))
    size = log.stat().st_size
    succeeded(net_run(*arguments))
    assert abs(log.stat().st_size - size) < 200


def test_results_from_before_are_replaced(net_run, container, input_list, tmp_path):
    (tmp_path / "output/Result_0").mkdir(parents=True)
    (tmp_path / "output/Result_0/old.raw").write_bytes(b"old")
    succeeded(net_run("--container", container, "--input_list", input_list, "--profiling_level=off"))
    assert [path.name for path in (tmp_path / "output/Result_0").iterdir()] == ["y_dq.raw"]


def test_a_container_prepared_without_qhas_still_gives_a_log_and_a_warning(
    net_run, prepare, tiny_dlc, input_list, tmp_path
):
    succeeded(prepare("--input_dlc", tiny_dlc, "--output_dlc=plain.dlc", "--htp_socs=sa8255"))
    done = succeeded(net_run("--container=plain.dlc", "--input_list", input_list, "--profiling_level=qhas"))
    assert "no timeline" in done.stdout
    content = (tmp_path / "profilelogs/qnn-profiling-data.log").read_bytes()
    assert content
    assert b"traceEvents" not in content


def test_detailed_writes_the_log_next_to_the_results(net_run, container, input_list, tmp_path):
    succeeded(net_run("--container", container, "--input_list", input_list))
    assert (tmp_path / "output/qnn-profiling-data_0.log").stat().st_size > 1000
    assert not (tmp_path / "profilelogs").exists()


def test_named_inputs_reach_their_tensors_in_any_order(net_run, convert, prepare, tmp_path):
    networks.two_inputs(tmp_path / "two.onnx")
    succeeded(convert("-i", "two.onnx"))
    succeeded(prepare("--input_dlc=two.dlc", "--htp_socs=sa8255"))
    left, right = networks.random_input(3), networks.random_input(4)
    left.tofile(tmp_path / "l.raw")
    right.tofile(tmp_path / "r.raw")
    (tmp_path / "list.txt").write_text("right:=r.raw left:=l.raw\n")
    succeeded(net_run("--container=two_cached.dlc", "--input_list=list.txt", "--profiling_level=off"))
    wanted = np.clip(left, -6.4, 6.35) - np.clip(right, -6.4, 6.35)
    [found] = outputs(tmp_path / "output")
    assert np.abs(found - np.clip(wanted, -12.8, 12.7).ravel()).max() <= 2 * networks.OUTPUT_SCALE


def test_quantised_inputs_and_outputs_travel_as_real_numbers(net_run, convert, prepare, tmp_path):
    path = networks.quantised_interface(tmp_path / "net.onnx")
    succeeded(convert("-i", path))
    succeeded(prepare("--input_dlc=net.dlc", "--htp_socs=sa8255"))
    given = networks.random_input(5)
    given.tofile(tmp_path / "x.raw")
    (tmp_path / "list.txt").write_text("x.raw\n")
    succeeded(net_run("--container=net_cached.dlc", "--input_list=list.txt", "--profiling_level=off"))
    stored = np.clip(np.round(given / networks.ACTIVATION_SCALE) + networks.ZERO_POINT, 0, 255).astype(
        np.uint8
    )
    [wanted] = networks.reference(path).run(None, {"x_q": stored})
    wanted = (wanted.astype(np.float32) - networks.ZERO_POINT) * networks.OUTPUT_SCALE
    [found] = outputs(tmp_path / "output")
    assert np.abs(found - wanted.ravel()).max() <= 2 * networks.OUTPUT_SCALE + 1e-5
    assert np.ptp(wanted) > 40 * networks.OUTPUT_SCALE


NATIVE = ("--userbuffer_auto", "--use_native_input_files")


@pytest.mark.parametrize(
    "element", [TensorProto.INT32, pytest.param(TensorProto.INT64, marks=pytest.mark.slow)]
)
def test_whole_numbers_come_as_float32_or_as_they_are_as_the_options_say(
    net_run, convert, prepare, tmp_path, element
):
    succeeded(convert("-i", networks.token_net(tmp_path / "t.onnx", element)))
    succeeded(prepare("--input_dlc=t.dlc", "--output_dlc=p.dlc", "--htp_socs=sa8255"))
    ids = np.array([3, 1, 15, 0, 9, 2])
    own = np.int32 if element == TensorProto.INT32 else np.int64
    for kind, options in ((np.float32, ()), (own, NATIVE)):
        ids.astype(kind).tofile(tmp_path / "ids.raw")
        (tmp_path / "list.txt").write_text("ids:=ids.raw\n")
        succeeded(net_run("--container=p.dlc", "--input_list=list.txt", "--profiling_level=off", *options))
        assert np.allclose(outputs(tmp_path / "output")[0], np.repeat(ids, 4), atol=0.01)


def test_a_file_of_the_other_kind_is_refused_with_the_option_for_it(net_run, convert, prepare, tmp_path):
    succeeded(convert("-i", networks.token_net(tmp_path / "t.onnx")))
    succeeded(prepare("--input_dlc=t.dlc", "--output_dlc=p.dlc", "--htp_socs=sa8255"))
    (tmp_path / "ids.raw").write_bytes(bytes(48))
    (tmp_path / "list.txt").write_text("ids.raw\n")
    call = ("--container=p.dlc", "--input_list=list.txt", "--profiling_level=off")
    assert "which net-run reads with --use_native_input_files" in net_run(*call).stderr
    (tmp_path / "ids.raw").write_bytes(bytes(24))
    assert "reads without --use_native_input_files" in net_run(*call, *NATIVE).stderr
    assert "add --userbuffer_auto" in net_run(*call, NATIVE[1]).stderr


def test_a_graph_whose_nodes_cannot_be_profiled_is_profiled_as_a_whole(net_run, convert, prepare, tmp_path):
    succeeded(convert("-i", networks.layer_norm(tmp_path / "ln.onnx")))
    qhas = ("--profiling_level=qhas",)
    succeeded(prepare("--input_dlc=ln.dlc", "--output_dlc=p.dlc", "--htp_socs=sa8255", *qhas))
    networks.random_input(1).tofile(tmp_path / "x.raw")
    (tmp_path / "list.txt").write_text("x.raw\n")
    done = succeeded(net_run("--container=p.dlc", "--input_list=list.txt", *qhas))
    assert "whole calls are recorded" in done.stdout
    log = tmp_path / "profilelogs" / "qnn-profiling-data.log"
    assert b'"hostsdk": {"estimate": "supported"' in log.read_bytes()


def test_a_duration_repeats_the_list(net_run, container, input_list):
    done = succeeded(
        net_run("--container", container, "--input_list", input_list, "--duration=2", "--profiling_level=off")
    )
    count = int(done.stdout.splitlines()[-1].split(" ")[0])
    assert count > 2


def test_a_soc_without_a_record_is_compiled_for_online_and_the_log_says_so(
    net_run, container, input_list, tmp_path
):
    done = succeeded(
        net_run(
            *("--container", container, "--input_list", input_list, "--profiling_level=off"),
            *("--userlogs=info,user.log",),
            HOSTSDK_SOC="sm8750",
        )
    )
    line = "No cache record in the DLC matches the target device (HTP_V79_SM8750_8MB). Creating a new record"
    assert line in done.stdout
    assert line in (tmp_path / "user.log").read_text()
    assert len(outputs(tmp_path / "output")) == 2


@pytest.mark.parametrize("option", ["--validate_cache", "--cache_compatibility_mode=strict"])
def test_a_soc_without_a_record_is_an_error_when_asked_to_be(
    net_run, container, input_list, tmp_path, option
):
    done = net_run("--container", container, "--input_list", input_list, option, HOSTSDK_SOC="sm8750")
    assert done.returncode == 1
    assert done.stderr.startswith("error_code=1503;")
    assert "error_component=" in done.stderr
    assert not (tmp_path / "output").exists()


def test_always_generate_new_does_not_use_the_record(net_run, container, input_list):
    arguments = ("--cache_compatibility_mode", "always_generate_new", "--profiling_level=off")
    done = succeeded(net_run("--container", container, "--input_list", input_list, *arguments))
    assert "Creating a new record" in done.stdout


def test_without_a_record_the_soc_has_to_be_named(net_run, tiny_dlc, input_list):
    done = net_run("--container", tiny_dlc, "--input_list", input_list)
    assert done.stderr.startswith("error_code=15001;")
    assert "HOSTSDK_SOC" in done.stderr


def test_a_damaged_record_is_refused(net_run, container, input_list, tmp_path):
    from hostsdk.dlc.dlc import Dlc

    content = bytearray(container.read_bytes())
    record = Dlc(container).read("htp.cache.sa8255.0")
    start = content.index(record[:4096])
    content[start : start + 4096] = b"\xff" * 4096
    (tmp_path / "bad.dlc").write_bytes(content)
    done = net_run("--container=bad.dlc", "--input_list", input_list, "--profiling_level=off")
    assert done.returncode == 1
    assert done.stderr.startswith("error_code=308;")
    assert list((tmp_path / "output").iterdir()) == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("none.raw", 207),
        ("short.raw", 203),
        ("x1.raw x2.raw", 210),
        ("z:=x1.raw", 105),
        ("x:=", 101),
    ],
)
def test_inputs_that_do_not_fit_are_refused_before_anything_runs(
    net_run, container, input_list, tmp_path, line, code
):
    (tmp_path / "short.raw").write_bytes(bytes(8))
    input_list.write_text(f"x1.raw\n{line}\n")
    done = net_run("--container", container, "--input_list", input_list)
    assert done.stderr.startswith(f"error_code={code};")
    assert not list(tmp_path.glob("output/Result_*"))


def test_an_output_that_the_graph_lacks_is_refused_and_one_it_has_is_taken(
    net_run, container, input_list, tmp_path
):
    arguments = ("--container", container, "--input_list", input_list, "--profiling_level=off")
    assert net_run(*arguments, "--set_output_tensors=conv0").stderr.startswith("error_code=105;")
    succeeded(net_run(*arguments, "--set_output_tensors=y_dq"))
    assert len(outputs(tmp_path / "output")) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("--use_gpu",), 500, "not available on this platform"),
        (("--runtime_order=dsp,cpu",), 500, "not available on this platform"),
        (("--profiling_level=full",), 101, "qhas"),
        (("--perf_profile=fast",), 101, "burst"),
        (("--duration=-1",), 101, "seconds"),
        (("--iterations=3",), 101, "--iterations"),
        (("--userlogs=loud,x.log",), 101, "LEVEL,PATH"),
        (("--cache_compatibility_mode=maybe",), 101, "strict"),
    ],
)
def test_a_wrong_option_is_refused(net_run, container, input_list, arguments, code, word):
    done = net_run("--container", container, "--input_list", input_list, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error_code={code};")
    assert word in done.stderr


def test_without_a_runtime_the_run_is_refused(container, input_list, tmp_path):
    done = run_tool("snpe-net-run", "--container", container, "--input_list", input_list, cwd=tmp_path)
    assert done.stderr.startswith("error_code=500;")


def test_a_working_directory_that_cannot_be_written_is_refused_for_qhas(
    container, input_list, tmp_path, unwritable
):
    input_list.write_text(f"{tmp_path / 'x1.raw'}\n")
    done = run_tool(
        *("snpe-net-run", "--use_dsp", "--container", container, "--input_list", input_list),
        *("--profiling_level=qhas", "--output_dir", tmp_path / "out"),
        cwd=unwritable,
    )
    assert done.stderr.startswith("error_code=208;")
    assert not (tmp_path / "out").exists()
