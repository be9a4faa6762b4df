"""The SDK on a device: what is deployed, that it is pushed once, and that damage is repaired."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.devices import AdbServer, DeviceFault, DeviceRule, Phone, phone
from fakes.sdk import build_fake_sdk
from qhas.devices.adb import AdbShell
from qhas.devices.deployment import ONLINE_PREPARE, Deployment, bytes_to_push, deploy, plan_deployment
from qhas.failures import DeviceFailed, FailureKind
from qhas.site.sdk import Sdk, SdkKind, Tool

TARGET, ROOT = "aarch64-android", "/data/local/tmp/qhas"
NO_PHONE = phone.why_unavailable()
pytestmark = pytest.mark.xdist_group("shells")


@pytest.fixture
def sdk(tmp_path: Path) -> Sdk:
    return Sdk(build_fake_sdk(tmp_path / "sdk"), "2.48.0", SdkKind.VENDOR)


def plan(sdk: Sdk, *hexagons: str) -> Deployment:
    return plan_deployment(sdk, ROOT, TARGET, hexagons or ("v79",))


def test_the_runtime_its_tools_and_the_skels_asked_for_go_in_the_sdks_own_layout(sdk: Sdk) -> None:
    names = set(plan(sdk, "v75", "v79").files)
    assert {
        f"bin/{TARGET}/{Tool.NET_RUN}",
        f"lib/{TARGET}/libSNPE.so",
        f"lib/{TARGET}/libSnpeHtpV79Stub.so",
    } <= names
    skels = {name for name in names if name.startswith("lib/hexagon-")}
    assert {name.split("/")[1] for name in skels} == {"hexagon-v75", "hexagon-v79"}


def test_what_could_prepare_a_graph_on_the_device_stays_here(sdk: Sdk) -> None:
    assert (sdk.root / "lib" / TARGET / ONLINE_PREPARE[0]).is_file()
    assert not [name for name in plan(sdk).files if Path(name).name in ONLINE_PREPARE]


def test_the_paths_of_the_dsp_are_separated_by_semicolons(sdk: Sdk) -> None:
    there = plan(sdk, "v75", "v79")
    environment = there.environment()
    assert environment["LD_LIBRARY_PATH"] == f"{there.root}/lib/{TARGET}"
    assert environment["ADSP_LIBRARY_PATH"].split(";")[:2] == [
        f"{there.root}/lib/hexagon-{version}/unsigned" for version in ("v75", "v79")
    ]


def test_sdks_that_differ_in_a_byte_lie_side_by_side(sdk: Sdk) -> None:
    before = plan(sdk).root
    assert plan(sdk).root == before
    (sdk.root / "lib" / TARGET / "libSNPE.so").write_bytes(b"another build")
    assert plan(sdk).root != before


def test_an_sdk_without_the_devices_target_is_refused_by_name(sdk: Sdk) -> None:
    with pytest.raises(DeviceFailed, match=r"nothing in bin/aarch64-oe-linux-gcc9\.3") as failed:
        plan_deployment(sdk, ROOT, "aarch64-oe-linux-gcc9.3", ["v79"])
    assert failed.value.kind is FailureKind.TOOL_MISSING


def test_an_sdk_without_the_skels_asked_for_is_refused_by_name(sdk: Sdk) -> None:
    with pytest.raises(DeviceFailed, match=r"nothing in lib/hexagon-v99/unsigned") as failed:
        plan(sdk, "v99")
    assert failed.value.kind is FailureKind.TOOL_MISSING


# On a phone


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdbServer]:
    if NO_PHONE:
        pytest.skip(NO_PHONE)
    with AdbServer.start(tmp_path_factory.mktemp("adb")) as server:
        yield server


@pytest.fixture
def device(server: AdbServer, tmp_path: Path) -> Iterator[Phone]:
    with Phone.start(tmp_path / "phone") as device:
        server.connect(device)
        yield device


@pytest.fixture
def shell(server: AdbServer, device: Phone, tmp_path: Path) -> AdbShell:
    return AdbShell("op13", device.serial, tmp_path, 20, f"127.0.0.1:{server.port}")


def there(device: Phone, deployment: Deployment) -> Path:
    """The deployment's directory as this host sees it."""
    return device.root / deployment.root.lstrip("/")


async def test_everything_is_pushed_once_and_can_be_executed(
    device: Phone, shell: AdbShell, sdk: Sdk
) -> None:
    wanted = plan(sdk)
    assert await bytes_to_push(shell, wanted) == sum(file.stat().st_size for file in wanted.files.values())
    assert await deploy(shell, wanted) == len(wanted.files)
    assert await bytes_to_push(shell, wanted) == 0
    assert await deploy(shell, wanted) == 0
    for name, source in wanted.files.items():
        assert (there(device, wanted) / name).read_bytes() == source.read_bytes()
    assert (await shell.ask(f"{wanted.program(Tool.NET_RUN)} --version")).exit_code == 0


async def test_only_what_is_missing_or_damaged_is_pushed_again(
    device: Phone, shell: AdbShell, sdk: Sdk
) -> None:
    wanted = plan(sdk)
    await deploy(shell, wanted)
    missing, damaged, *_ = (name for name in wanted.files if name.startswith("lib/"))
    (there(device, wanted) / missing).unlink()
    (there(device, wanted) / damaged).write_bytes(b"damaged")
    before = len(device.commands())
    assert await deploy(shell, wanted) == 2
    pushed = [c.service for c in device.commands()[before:] if c.service.startswith("push ")]
    assert pushed == [f"push {wanted.root}/{missing}", f"push {wanted.root}/{damaged}"]


async def test_a_file_damaged_on_the_way_is_noticed_and_mended_by_the_next_try(
    device: Phone, shell: AdbShell, sdk: Sdk
) -> None:
    wanted = plan(sdk)
    device.order(DeviceRule("push libSNPE.so", DeviceFault.CORRUPT_TRANSFER, after_bytes=0))
    with pytest.raises(DeviceFailed, match=r"libSNPE\.so of the SDK did not arrive intact") as failed:
        await deploy(shell, wanted)
    assert failed.value.kind is FailureKind.TRANSFER_CUT
    assert await deploy(shell, wanted) == 1


async def test_an_sdk_that_nothing_used_for_a_month_is_removed(
    device: Phone, shell: AdbShell, sdk: Sdk
) -> None:
    old, new = f"{ROOT}/sdk/2.40-old", f"{ROOT}/sdk/2.47-new"
    await shell.output_of(
        f"mkdir -p {old}/lib {new}/lib {ROOT}/sdk/foreign && touch {old}/lib/a {new}/.complete"
        f" && touch -d 2020-01-01T00:00:00 {old}/.complete"
    )
    wanted = plan(sdk)
    await deploy(shell, wanted)
    left = {name.split("/")[2] for name in device.files()}
    assert left == {"2.47-new", Path(wanted.root).name}
