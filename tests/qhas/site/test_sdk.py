"""The SDK is found, its version determined, and the command lines of its tools built."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.sdk import build_fake_sdk
from qhas.failures import InvalidInput
from qhas.site import SdkRef
from qhas.site import sdk as sdk_module
from qhas.site.sdk import (
    HOST_TOOLS,
    ProfilingLevel,
    Sdk,
    SdkKind,
    Tool,
    begin_to_find,
    find_sdk,
    host_sdk_root,
    viewer_config,
)
from qhas.sweep.spec import PerfProfile, PrepareOptions, RunOptions, TraceFeatures


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vendor-shaped SDK."""
    return build_fake_sdk(tmp_path_factory.mktemp("sdk") / "2.45.0.260326", version="2.45.0.260326")


SDK = Sdk(Path("/sdk"), "2.45.0", SdkKind.VENDOR)


def test_the_sites_sdk_wins_over_the_environment(root: Path) -> None:
    assert find_sdk(SdkRef(root=root), {"QNN_SDK_ROOT": "/elsewhere"}).root == root


@pytest.mark.parametrize("variable", ["QAIRT_SDK_ROOT", "QNN_SDK_ROOT", "SNPE_ROOT"])
def test_each_of_the_vendors_variables_names_the_sdk(root: Path, variable: str) -> None:
    assert find_sdk(SdkRef(), {variable: str(root)}).root == root


def test_the_newest_of_the_vendors_variables_wins(root: Path) -> None:
    assert find_sdk(SdkRef(), {"SNPE_ROOT": "/old", "QAIRT_SDK_ROOT": str(root)}).root == root


def test_without_any_the_host_sdk_is_used(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdk_module, "host_sdk_root", lambda: root)
    assert find_sdk(SdkRef(), {"QNN_SDK_ROOT": ""}).root == root


@pytest.mark.parametrize(
    ("ref", "named", "asked"),
    [
        (SdkRef(), "", [("root",)]),
        (SdkRef(), "/vendor", []),
        (SdkRef(root=Path("/vendor")), "", []),
    ],
)
def test_the_host_sdk_is_looked_for_ahead_where_it_will_be_used(
    monkeypatch: pytest.MonkeyPatch, ref: SdkRef, named: str, asked: list[tuple[str, ...]]
) -> None:
    questions: list[tuple[str, ...]] = []
    monkeypatch.setattr(sdk_module, "ask", lambda *question: questions.append(question))
    for variable in ("QAIRT_SDK_ROOT", "QNN_SDK_ROOT", "SNPE_ROOT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("QNN_SDK_ROOT", named)
    begin_to_find(ref)
    assert questions == asked


@pytest.mark.parametrize(
    ("environ", "named"), [({}, "site.yaml"), ({"QNN_SDK_ROOT": "/no/such/sdk"}, "QNN_SDK_ROOT")]
)
def test_a_root_that_is_no_directory_is_refused_with_who_named_it(
    environ: dict[str, str], named: str
) -> None:
    ref = SdkRef() if environ else SdkRef(root=Path("/no/such/sdk"))
    with pytest.raises(InvalidInput, match=f"/no/such/sdk named by {named} is not a directory"):
        find_sdk(ref, environ)


@pytest.mark.parametrize("tool", HOST_TOOLS)
def test_an_sdk_without_a_tool_is_refused_by_the_tools_path(tmp_path: Path, tool: Tool) -> None:
    root = build_fake_sdk(tmp_path / "sdk")
    (root / "bin" / "x86_64-linux-clang" / tool).unlink()
    with pytest.raises(InvalidInput, match=f"no usable .*/{tool}"):
        find_sdk(SdkRef(root=root), {})


def test_an_sdk_without_the_optrace_reader_is_refused(tmp_path: Path) -> None:
    root = build_fake_sdk(tmp_path / "sdk")
    (root / "lib/x86_64-linux-clang/libQnnHtpOptraceProfilingReader.so").unlink()
    with pytest.raises(InvalidInput, match=r"libQnnHtpOptraceProfilingReader\.so"):
        find_sdk(SdkRef(root=root), {})


def test_a_tool_that_is_not_executable_is_as_good_as_missing(tmp_path: Path) -> None:
    root = build_fake_sdk(tmp_path / "sdk")
    (root / "bin" / "x86_64-linux-clang" / Tool.NET_RUN).chmod(0o644)
    with pytest.raises(InvalidInput, match="snpe-net-run"):
        find_sdk(SdkRef(root=root), {})


def test_the_version_is_the_build_id_where_the_sdk_states_one(root: Path) -> None:
    assert find_sdk(SdkRef(root=root), {}).version.startswith("2.45.0.260326")


def test_else_the_version_is_the_directorys_name_behind_any_link(tmp_path: Path) -> None:
    root = build_fake_sdk(tmp_path / "2.46.0.260424")
    (root / "include/QNN/QnnSdkBuildId.h").unlink()
    (tmp_path / "current").symlink_to(root)
    assert find_sdk(SdkRef(root=tmp_path / "current"), {}).version == "2.46.0.260424"


@pytest.mark.parametrize(
    ("facts", "kind"), [("producer: hostsdk\n", SdkKind.HOST), ("version: 2.45\n", SdkKind.VENDOR)]
)
def test_the_host_sdk_is_known_by_its_own_mark(tmp_path: Path, facts: str, kind: SdkKind) -> None:
    root = build_fake_sdk(tmp_path / "sdk")
    (root / "sdk.yaml").write_text(facts)
    assert find_sdk(SdkRef(root=root), {}).kind is kind


@pytest.fixture
def host_sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a shell script in the place of `python -m hostsdk root`."""

    def answer(script: str) -> None:
        python = tmp_path / "python"
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(python))

    return answer


def test_the_host_sdk_says_where_it_is_in_its_last_line(host_sdk: Callable[[str], None]) -> None:
    host_sdk("echo laying down; echo '/a b/sdk'; echo")
    assert host_sdk_root() == Path("/a b/sdk")


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'No libraries here.' >&2; exit 1", r"^No libraries here\.$"),
        ("exit 1", "The host SDK cannot be used on this machine"),
        ("exit 0", "The host SDK cannot be used on this machine"),
    ],
)
def test_a_host_sdk_that_cannot_be_is_refused_with_its_own_words(
    host_sdk: Callable[[str], None], script: str, told: str
) -> None:
    host_sdk(script)
    with pytest.raises(InvalidInput, match=told):
        host_sdk_root()


def test_prepare_is_for_one_soc_with_qhas_instrumentation() -> None:
    argv = SDK.prepare_argv(
        dlc=Path("/a b.dlc"), output=Path("/out.dlc"), soc="sm8750", options=PrepareOptions()
    )
    assert argv == [
        "/sdk/bin/x86_64-linux-clang/snpe-dlc-graph-prepare",
        "--input_dlc=/a b.dlc",
        "--output_dlc=/out.dlc",
        "--htp_socs=sm8750",
        "--profiling_level",
        "qhas",
    ]


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"optimization_level": 3}, "--optimization_level=3"),
        ({"vtcm_mb": 8}, "--vtcm_override=8"),
        ({"vtcm_mb": 0}, "--vtcm_override=0"),
        ({"hvx_threads": 4}, "--num_hvx_threads=4"),
        ({"dlbc": True}, "--htp_dlbc=true"),
        ({"dlbc": False}, "--htp_dlbc=false"),
    ],
)
def test_an_option_that_is_set_is_passed_on_by_the_vendors_name(
    options: dict[str, object], argument: str
) -> None:
    argv = SDK.prepare_argv(
        dlc=Path("/a"), output=Path("/b"), soc="sm8750", options=PrepareOptions.model_validate(options)
    )
    assert argv[6:] == [argument]


def test_the_run_refuses_a_record_that_does_not_fit_instead_of_preparing_online() -> None:
    argv = SDK.net_run_argv(
        container="c.dlc",
        input_list="l.txt",
        options=RunOptions(perf_profile=PerfProfile.BALANCED),
        level=ProfilingLevel.QHAS,
    )
    assert {"--validate_cache", "--cache_compatibility_mode=strict", "--use_dsp"} <= set(argv)
    assert argv[argv.index("--profiling_level") + 1] == "qhas"
    assert "--perf_profile=balanced" in argv
    assert "--enable_cpu_fallback" not in argv


def test_viewer_and_reader_are_of_one_target() -> None:
    argv = SDK.viewer_argv(config=Path("c"), log=Path("l"), schematic=Path("s"), output=Path("o"))
    assert argv[0].startswith("/sdk/bin/x86_64-linux-clang/")
    assert "--reader=/sdk/lib/x86_64-linux-clang/libQnnHtpOptraceProfilingReader.so" in argv


def test_the_viewers_config_holds_all_eight_switches_under_features_alone() -> None:
    config = json.loads(viewer_config(TraceFeatures(htp_json=False)))
    assert set(config) == {"features"}
    assert len(config["features"]) == 8
    assert config["features"]["htp_json"] is False


def test_tools_find_the_sdks_libraries_and_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    environment = Sdk(Path("/sdk"), "1", SdkKind.VENDOR, {"MINE": "1"}).environment({"YOURS": "2"})
    assert environment["LD_LIBRARY_PATH"] == "/sdk/lib/x86_64-linux-clang"
    assert environment["PATH"].startswith("/sdk/bin/x86_64-linux-clang:")
    assert (environment["MINE"], environment["YOURS"]) == ("1", "2")
    assert "AWS_SECRET_ACCESS_KEY" not in environment


def test_the_host_sdks_programs_get_huge_pages_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "4")
    host, vendor = (Sdk(Path("/sdk"), "1", kind).environment() for kind in (SdkKind.HOST, SdkKind.VENDOR))
    assert (host["GLIBC_TUNABLES"], host["OPENBLAS_NUM_THREADS"]) == ("glibc.malloc.hugetlb=1", "4")
    assert "GLIBC_TUNABLES" not in vendor
