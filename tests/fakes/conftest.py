from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.devices import AdbServer, Phone
from fakes.rig import Rig
from tests.fakes.phones import Adb, connected


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """A sound fake SDK with nothing run yet."""
    return Rig.build(tmp_path)


@pytest.fixture
def prepared(rig: Rig) -> Rig:
    """The rig after a successful prepare."""
    assert rig.prepare().returncode == 0
    return rig


@pytest.fixture
def profiled(prepared: Rig) -> Rig:
    """The rig after a successful prepare and a successful run at level qhas."""
    assert prepared.net_run().returncode == 0
    return prepared


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdbServer]:
    with AdbServer.start(tmp_path_factory.mktemp("adb")) as server:
        yield server


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Phone]:
    with Phone.start(tmp_path / "phone") as phone:
        yield phone


@pytest.fixture
def adb(server: AdbServer, phone: Phone) -> Iterator[Adb]:
    """A function that runs adb with the connected phone's serial."""
    yield connected(server, phone)
    server.adb("disconnect", phone.serial)
