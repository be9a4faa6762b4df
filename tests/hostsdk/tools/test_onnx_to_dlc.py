"""snpe-onnx-to-dlc: a whole network or a named reason."""

import pytest

from hostsdk.dlc.dlc import Dlc
from tests.hostsdk import networks
from tests.hostsdk.tools.conftest import succeeded
from tests.judges.netron import open_model

pytestmark = pytest.mark.hostsdk


def test_a_network_becomes_a_dlc_and_nothing_else_is_left(convert, tiny_onnx, tmp_path):
    succeeded(convert("--input_network", tiny_onnx, "--output_path=out.dlc"))
    Dlc(tmp_path / "out.dlc").check()
    assert [path.name for path in tmp_path.iterdir()] == ["out.dlc"]


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
