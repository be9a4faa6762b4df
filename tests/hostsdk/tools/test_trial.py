"""Libraries of an unknown generation are tried, in separate processes."""

import pytest

from hostsdk import generations, trial, wheel
from hostsdk.errors import ToolError
from hostsdk.generations import GENERATIONS, Layout

pytestmark = pytest.mark.hostsdk
REPORTED = {"core": "2.99.0", "htp": "5.99.0", "system": "1.99.0"}


def test_the_layout_that_compiles_a_network_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(generations, "LAYOUTS", (Layout(72, 4), GENERATIONS[-1].layout))
    assert trial.layout_of(wheel.own(), REPORTED, tmp_path) == GENERATIONS[-1].layout


def test_libraries_that_no_layout_fits_are_refused_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(generations, "LAYOUTS", (Layout(72, 4),))
    with pytest.raises(
        ToolError, match=r"core API 2\.99\.0.* matches none of the 1 known layouts: .* wheels 2\.3\.0"
    ):
        trial.layout_of(wheel.own(), REPORTED, tmp_path)


def test_a_record_without_its_soc_gets_the_name_of_newer_libraries(prepared, tmp_path):
    import zipfile

    from hostsdk.dlc.cache_name import name_cache_record
    from hostsdk.dlc.dlc import Dlc

    new, old = Dlc(prepared / "cached.dlc"), tmp_path / "old.dlc"
    with zipfile.ZipFile(old, "w") as archive:
        for name in new.names():
            content = new.read(name).replace(b"htp.cache.sa8255.0", b"backend.metadata0")
            archive.writestr(name.replace("htp.cache.sa8255.0", "backend.metadata0"), content)
    name_cache_record(old, "sa8255")
    assert Dlc(old).names() == new.names()
    assert Dlc(old).read("htp.cache.sa8255.0") == new.read("htp.cache.sa8255.0")
