"""The host SDK's SoC table agrees with the pairs: ids, names, corners, and how many networks were compared."""

from __future__ import annotations

from importlib import resources
from statistics import median

import pytest

from hostsdk import socs
from hostsdk.errors import ToolError
from qhas.socs import KNOWN_SOCS
from qhas.truth.tables import WHEEL, Device, Precision, Runtime, calibrating, device_of, devices, pairs

CHECKED = [soc for soc in socs.table().values() if soc.checked]


@pytest.mark.parametrize("soc", CHECKED, ids=lambda soc: soc.name)
def test_a_checked_soc_says_against_what(soc: socs.Soc) -> None:
    device, checked = device_of(soc.name), soc.checked
    assert device
    assert checked
    chosen = calibrating(device, Precision.FLOAT)
    assert (checked.device, checked.networks) == (device.title, len(chosen))
    assert checked.ratio == round(median(pair.ratio for pair in chosen), 2)
    assert (checked.corner, device.options) == (11, "top")


def test_the_corner_that_the_library_would_take_is_proved_wrong() -> None:
    lines = resources.files("hostsdk").joinpath("checked.tsv").read_text("ascii").splitlines()
    (stated,) = [line.split("\t")[5] for line in lines if line.startswith("sm8750")]
    default = [
        pair.ratio
        for pair in pairs()
        if (pair.wheel, pair.soc_model, pair.options, pair.runtime) == (WHEEL, 69, "c2", Runtime.QNN_DLC)
    ]
    assert stated == f"{median(default):.2f}"


@pytest.mark.parametrize("device", devices(), ids=lambda device: device.title)
def test_names_and_ids_are_the_same_on_both_sides(device: Device) -> None:
    for name in device.socs:
        if device.refused:
            with pytest.raises(ToolError):
                socs.find(name, "test")
        else:
            assert socs.find(name, "test").soc_model == device.soc_model
            assert name in KNOWN_SOCS
