"""Which Hexagon a device has, and which of the SDK's libraries are staged for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qhas.devices.hexagon import choose_hexagon, hexagon_of_device, skel_archs

RECORD = "HTP_V79_SM8750_8MB"


@pytest.mark.parametrize(
    "text",
    [
        "Core Version of the runtime DSP: Hexagon Architecture V79",
        "PF_VALIDATOR: DEBUG: hexagon architecture v79\n",
        f"[USER_INFO:HTP_CACHE] Target device backend record identifier: {RECORD}",
        f"No cache record in the DLC matches the target device ({RECORD}). Creating a new record",
    ],
)
def test_the_device_tells_its_hexagon(text: str) -> None:
    assert hexagon_of_device(text) == "v79"


@given(st.text() | st.text(alphabet="HTP_V79 SM\nHexagon Architecture", max_size=60))
def test_any_text_tells_an_architecture_or_none(text: str) -> None:
    hexagon = hexagon_of_device(text)
    assert hexagon is None or hexagon.startswith("v")


def test_the_sdk_has_the_architectures_with_unsigned_libraries(tmp_path: Path) -> None:
    for folder in (
        "hexagon-v79/unsigned",
        "hexagon-v68/unsigned",
        "hexagon-v73/signed",
        "hexagon-vx/unsigned",
    ):
        (tmp_path / "lib" / folder).mkdir(parents=True)
    assert skel_archs(tmp_path) == ["v68", "v79"]
    assert skel_archs(tmp_path / "nowhere") == []


ALL = ["v68", "v73", "v75", "v79"]


@pytest.mark.parametrize(
    ("configured", "device", "archs"),
    [
        ("v79", "v79", ["v79"]),
        ("v79", None, ["v79"]),
        (None, "v79", ["v79"]),
        (None, None, ALL),
    ],
)
def test_the_best_word_there_is_decides_what_is_staged(
    configured: str | None, device: str | None, archs: list[str]
) -> None:
    choice = choose_hexagon(configured, device, known="v79", available=ALL)
    assert (choice.archs, choice.contradiction, choice.warnings) == (archs, None, [])


def test_the_site_overrides_the_device_with_a_warning() -> None:
    choice = choose_hexagon("v75", "v79", known=None, available=ALL)
    assert choice.archs == ["v75"]
    assert choice.warnings == ["The site sets hexagon v75, the device says v79; the site's is used."]


def test_an_hexagon_that_differs_from_the_table_warns() -> None:
    choice = choose_hexagon(None, "v79", known="v73", available=ALL)
    assert choice.warnings == ["This version's table has v73 for the SoC, not v79."]


@pytest.mark.parametrize(("configured", "device"), [("v81", None), (None, "v81")])
def test_an_sdk_without_libraries_for_the_device_is_refused(
    configured: str | None, device: str | None
) -> None:
    choice = choose_hexagon(configured, device, known=None, available=ALL)
    assert choice.contradiction is not None
    assert "for v81, only for v68, v73, v75, v79" in choice.contradiction


def test_an_sdk_without_any_libraries_is_refused() -> None:
    assert "install the whole SDK" in str(choose_hexagon(None, None, None, []).contradiction)
