"""Racks of fake devices. Tests are skipped if the programs that their devices are built from are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.devices import AdbServer, Board, Phone, board, phone
from qhas.devices.lease import DIRECTORY_VARIABLE
from tests.rack.rack import Rack, leases_of

RackOf = Callable[..., Rack]
"""Builds a rack of phones and boards, given as SoCs by name; names that begin with "board" are boards."""


@pytest.fixture(scope="session")
def adb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdbServer]:
    """The adb server of the test run."""
    if why := phone.why_unavailable():
        pytest.skip(why)
    with AdbServer.start(tmp_path_factory.mktemp("adb")) as server:
        yield server


@pytest.fixture
def rack_of(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RackOf]:
    """Build racks that are stopped at the end of the test."""
    made: list[Rack] = []

    def make(changes: dict[str, Any] | None = None, **devices: str | dict[str, Any]) -> Rack:
        monkeypatch.setenv(DIRECTORY_VARIABLE, str(leases_of(tmp_path)))
        made.append(rack := Rack.build(tmp_path, **(changes or {})))
        for name, given in devices.items():
            put_in(rack, name, request, **({"soc": given} if isinstance(given, str) else given))
        return rack

    yield make
    for rack in made:
        rack.stop()


def put_in(
    rack: Rack,
    name: str,
    request: pytest.FixtureRequest,
    *,
    soc: str,
    ref: dict[str, Any] | None = None,
    **boot: Any,
) -> None:
    """Boot a device into the rack; `boot` is for the device, `ref` for its entry in site.yaml."""
    folder = rack.folder / "devices" / name
    if name.startswith("board"):
        if why := board.why_unavailable():
            pytest.skip(why)
        rack.add(name, Board.start(folder, soc, **boot), soc, **(ref or {}))
    else:
        server = request.getfixturevalue("adb_server")
        rack.add(name, Phone.start(folder, soc, **boot), soc, server, **(ref or {}))
