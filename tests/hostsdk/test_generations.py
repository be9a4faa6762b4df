"""The known generations of the libraries, and their names."""

import pytest

from hostsdk import generations
from hostsdk.generations import GENERATIONS


def test_generations_stand_from_old_to_new_each_with_versions_of_its_own():
    assert sorted(GENERATIONS, key=lambda one: one.core) == list(GENERATIONS)
    assert len({(one.core, one.htp, one.system) for one in GENERATIONS}) == len(GENERATIONS)
    assert len({one.sdk for one in GENERATIONS}) == len(GENERATIONS)


@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda one: one.sdk)
def test_a_generation_is_found_by_what_its_libraries_report(generation):
    reported = {name: f"{major}.{minor}.0" for name, (major, minor) in _apis(generation).items()}
    assert generations.of_versions(reported) is generation
    assert generations.of_build(f"v{generation.sdk}.40.260702151143") is generation


def _apis(generation):
    return {"core": generation.core, "htp": generation.htp, "system": generation.system}


def test_libraries_of_which_one_is_newer_are_unknown():
    assert generations.of_versions({"core": "2.40.0", "htp": "5.52.0", "system": "1.15.0"}) is None
    assert generations.of_build("v2.52.0.261101000000") is None


@pytest.mark.parametrize(
    ("called", "wheel"),
    [("2.48", "2.4.0"), ("2.4.0", "2.4.0"), ("2.51", "2.7.0"), ("2.9.0", "2.9.0")],
)
def test_a_wheel_is_called_by_its_version_or_its_generation(called, wheel):
    assert generations.wheel_called(called) == wheel


@pytest.mark.parametrize("called", ["", "2.99", "latest", "../2.4.0", "2.4.0 --index-url=x", "-r"])
def test_what_is_neither_is_no_wheel(called):
    assert generations.wheel_called(called) is None


def test_what_a_generation_lacks_is_said():
    lacks = {one.sdk: one.lacks for one in GENERATIONS}
    assert "SAR2230P" in lacks["2.50"]
    assert "time" in lacks["2.49"]
    assert lacks["2.51"] == ""
