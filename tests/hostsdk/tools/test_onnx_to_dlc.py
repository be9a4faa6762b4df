"""snpe-onnx-to-dlc converts a network completely, or names the reason why not."""

import pytest

from hostsdk.dlc.dlc import Dlc
from qhas.network.dlc import read_network
from qhas.network.network import Role
from qhas.source.op_trace import read_op_trace
from tests.hostsdk import networks
from tests.hostsdk.tools.conftest import succeeded
from tests.judges.netron import open_model

pytestmark = [pytest.mark.hostsdk, pytest.mark.xdist_group("tools")]  # whose modules share a prepared network


def test_a_network_becomes_a_dlc_and_nothing_else_is_left(convert, tiny_onnx, tmp_path):
    succeeded(convert("--input_network", tiny_onnx, "--output_path=out.dlc"))
    Dlc(tmp_path / "out.dlc").check()
    assert [path.name for path in tmp_path.iterdir()] == ["out.dlc"]


def test_a_trace_tells_which_nodes_became_which_ops(convert, tiny_onnx, tmp_path):
    succeeded(convert("-i", tiny_onnx, "-o", "out.dlc", "--op_trace", "trace.json"))
    (graph,) = read_network(tmp_path / "out.dlc").graphs
    assert {op.name for op in graph.ops} <= read_op_trace(tmp_path / "trace.json").keys()


def test_an_operation_the_htp_lacks_is_named_and_no_dlc_is_left(convert, tmp_path):
    network = networks.with_determinant(tmp_path / "bad.onnx")
    done = convert("-i", network)
    assert done.returncode == 1
    assert "error_code=1002;" in done.stderr
    assert "Det (det0)" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bad.onnx"]


def test_an_operation_that_nobody_knows_is_named_too(convert, tmp_path):
    done = convert("-i", networks.with_custom_operation(tmp_path / "custom.onnx"))
    assert "error_code=1002;" in done.stderr
    assert "Foo (foo0)" in done.stderr


def test_a_float_network_becomes_a_dlc_too(convert, tmp_path):
    succeeded(convert("-i", networks.float_net(tmp_path / "float.onnx")))
    Dlc(tmp_path / "float.dlc").check()


def test_the_dlc_opens_in_netron_with_its_operations(tiny_dlc):
    types = [node["type"] for node in open_model(tiny_dlc)["graphs"][0]["nodes"]]
    assert types.count("Conv2d") == 2


def test_ends_of_a_network_may_be_channel_last_and_whole_numbers(convert, tiny_onnx, tmp_path):
    succeeded(convert("-i", tiny_onnx, "-o", "out.dlc", "--input_layout", "x", "NCHW", "--quantize_io"))
    (graph,) = read_network(tmp_path / "out.dlc").graphs
    ends = {tensor.role: tensor for tensor in graph.tensors if tensor.role in (Role.INPUT, Role.OUTPUT)}
    assert ends[Role.INPUT].shape == (1, 16, 16, 3)
    assert {tensor.dtype for tensor in ends.values()} == {"UFixed8"}


def test_a_layout_of_an_input_that_is_not_there_is_refused(convert, tiny_onnx):
    done = convert("-i", tiny_onnx, "--input_layout", "image", "NCHW")
    assert done.stderr.startswith("error_code=101;")
    assert "--input_layout names 'image', but there are x." in done.stderr


@pytest.mark.parametrize("content", [b"", b"not a network", b"\x08\x08" * 40])
def test_a_damaged_network_is_one_sentence(convert, tmp_path, content):
    (tmp_path / "bad.onnx").write_bytes(content)
    done = convert("-i", "bad.onnx")
    assert done.returncode == 1
    assert done.stderr.startswith("error_code=306;")
    assert done.stderr.count("\n") == 1


def test_a_network_cut_short_is_refused(convert, tiny_onnx, tmp_path):
    (tmp_path / "cut.onnx").write_bytes(tiny_onnx.read_bytes()[:-200])
    assert "error_code=306;" in convert("-i", "cut.onnx").stderr


def test_a_missing_network_is_refused(convert):
    done = convert("-i", "none.onnx")
    assert done.returncode == 1
    assert "error_code=102;" in done.stderr


def test_an_output_directory_that_cannot_be_written_is_refused(convert, tiny_onnx, unwritable):
    assert "error_code=208;" in convert("-i", tiny_onnx, "-o", unwritable / "x.dlc").stderr


@pytest.mark.parametrize(
    ("shape", "remedy"),
    [
        pytest.param(("N", 3, 16, 16), "--input_dim x 1,3,16,16.", marks=pytest.mark.slow),
        (("N", 3, "H", 16), "--input_dim x 1,3,H,16 with a number for H."),
        pytest.param(
            (1, 3, "H", "W"), "--input_dim x 1,3,H,W with a number for H and W.", marks=pytest.mark.slow
        ),
    ],
)
def test_a_dimension_without_a_number_is_named_with_the_option_that_gives_it_one(
    convert, tmp_path, shape, remedy
):
    done = convert("-i", networks.symbolic(tmp_path / "open.onnx", *shape))
    assert done.stderr.startswith("error_code=101;")
    assert "input x has a dimension without a fixed size" in done.stderr
    assert remedy in done.stderr
    assert "Conv (" not in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("-d", "x", "2,3,16,16"),
        ("--batch=2", "--define_symbol", "H", "16"),
        ("-s", "N", "2", "-s", "H", "16"),
    ],
)
def test_a_dimension_gets_its_number_by_each_of_the_vendors_options(convert, tmp_path, options):
    succeeded(convert("-i", networks.symbolic(tmp_path / "open.onnx", "N", 3, "H", 16), *options))
    Dlc(tmp_path / "open.dlc").check()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("-d", "image", "1,3,16,16"), "--input_dim names 'image', but the network's inputs are x."),
        (("-d", "x", "1,3,16"), "--input_dim x: 1 x 3 x 16 has 3 dimensions, but the input has 4."),
        (("-d", "x", "1,3,H,16"), "the dimensions of x are '1,3,H,16'"),
        (("-d", "x", "1,3,16,16", "-s", "N", "2"), "the dimension N is 2 and 1 at the same time."),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(convert, tmp_path, options, complaint):
    done = convert("-i", networks.symbolic(tmp_path / "open.onnx", "N", 3, "H", 16), *options)
    assert done.returncode == 1
    assert complaint in done.stderr


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_a_recurrent_operation_is_refused_by_name(convert, tmp_path, kind):
    done = convert("-i", networks.recurrent(tmp_path / "rnn.onnx", kind))
    assert "error_code=1002;" in done.stderr
    assert f"{kind} (rnn0)" in done.stderr


def test_quantising_next_to_what_the_htp_lacks_is_not_blamed(convert, tmp_path):
    done = convert("-i", networks.with_determinant(tmp_path / "bad.onnx"))
    assert "Det (det0):" in done.stderr
    assert "Linear" not in done.stderr
