"""The fake SDK's snpe-dlc-graph-prepare."""

from pathlib import Path

import pytest

from fakes.dlc import make_dlc
from fakes.rig import Rig
from fakes.sdk import Tool
from fakes.sdk.toolchain.container import Dlc


def files(rig: Rig) -> set[str]:
    return {path.name for path in rig.cwd.iterdir()} - {"input.raw", "input_list.txt"}


def test_a_prepare_for_qhas_leaves_a_dlc_and_one_schematic_named_after_the_graph(rig: Rig) -> None:
    done = rig.prepare()
    assert done.returncode == 0
    assert "SM8750 : Success" in done.stdout
    assert files(rig) == {"cached.dlc", "net_schematic.bin"}
    assert set(Dlc.from_bytes((rig.cwd / "cached.dlc").read_bytes()).caches) == {"sm8750"}


def test_without_the_profiling_level_there_is_no_schematic(rig: Rig) -> None:
    done = rig.run(Tool.PREPARE, "--input_dlc", rig.dlc, "--output_dlc=cached.dlc", "--htp_socs=sm8750")
    assert done.returncode == 0
    assert files(rig) == {"cached.dlc"}


def test_a_dlc_that_holds_the_record_is_skipped_unless_told_to_overwrite(prepared: Rig) -> None:
    (prepared.cwd / "net_schematic.bin").unlink()
    prepared.dlc = prepared.cwd / "cached.dlc"
    assert "Skipping" in prepared.prepare().stdout
    assert not (prepared.cwd / "net_schematic.bin").exists()
    prepared.prepare("--overwrite_cache_records")
    assert (prepared.cwd / "net_schematic.bin").exists()


def test_equal_prepares_give_equal_bytes(prepared: Rig) -> None:
    first = (prepared.cwd / "cached.dlc").read_bytes()
    prepared.prepare()
    assert (prepared.cwd / "cached.dlc").read_bytes() == first


@pytest.mark.parametrize("change", ["model", "soc", "option"])
def test_the_bytes_depend_on_model_soc_and_options(prepared: Rig, change: str) -> None:
    first = (prepared.cwd / "cached.dlc").read_bytes()
    if change == "model":
        make_dlc(prepared.dlc, salt="retrained")
    more = ["--optimization_level=3"] if change == "option" else []
    prepared.prepare(*more, soc="sm8650" if change == "soc" else "sm8750")
    assert (prepared.cwd / "cached.dlc").read_bytes() != first


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--htp_sock", "sm8750"], "unrecognized option '--htp_sock'"),
        (["--htp_dlbc=true", "--htp_archs=v73"], "'--htp_archs' cannot be used with '--htp_socs'"),
        (["--optimization_level=4"], "invalid value '4'"),
        (["--num_hvx_threads"], "requires an argument"),
        (["--verbose=yes"], "doesn't allow an argument"),
    ],
)
def test_a_command_line_that_the_tool_does_not_know_is_refused(
    rig: Rig, arguments: list[str], complaint: str
) -> None:
    done = rig.prepare(*arguments)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert files(rig) == set()


def test_an_unknown_soc_is_refused(rig: Rig) -> None:
    done = rig.prepare(soc="sm9999")
    assert done.returncode == 1
    assert "SM9999" in done.stderr


@pytest.mark.parametrize(("content", "code"), [(b"", "311"), (b"PK no container", "311"), (None, "306")])
def test_a_file_that_is_no_dlc_fails_with_the_vendors_code(
    rig: Rig, content: bytes | None, code: str
) -> None:
    rig.dlc.unlink()
    if content is not None:
        rig.dlc.write_bytes(content)
    done = rig.prepare()
    assert done.returncode == 1
    assert f"error_code={code};" in done.stderr


def test_help_speaks_of_qhas_in_an_sdk_that_has_it(rig: Rig) -> None:
    assert "qhas" in rig.run(Tool.PREPARE, "--help").stdout
    assert "qhas" in rig.run(Tool.NET_RUN, "-h").stdout


def test_an_sdk_before_qhas_refuses_the_level(tmp_path: Path) -> None:
    old = Rig.build(tmp_path, version="2.40.0.251030")
    assert "qhas" not in old.run(Tool.NET_RUN, "--help").stdout
    assert old.prepare().returncode == 1
    assert old.run(Tool.NET_RUN, "--version").stdout.strip() == "SNPE v2.40.0.251030000000_0"
