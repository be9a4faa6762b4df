"""What `sweep` and `profile` refuse before anything runs, and how they report a run that starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fakes.sdk import build_fake_sdk
from qhas.cli import running
from qhas.runs.stored import ending
from qhas.store import StoreError
from tests.documents import write_yaml
from tests.qhas.cli.desk import Desk


def test_a_run_that_could_not_be_ended_is_told_with_exit_code_1(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends_without_a_store(*_: Any, run_id: str, **__: Any) -> None:
        with ending(run_id):
            raise StoreError("The store is gone.")

    build_fake_sdk(desk.folder / "sdk")
    desk.site({"store": "store", "sdk": {"root": "sdk"}})
    monkeypatch.setattr(running, "run_flow", ends_without_a_store)
    result = desk.run("sweep", "sweep.yaml", "--site", "site.yaml", "--run-id", "one")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].endswith("(The store is gone); --run-id one completes it.")


SITES = [
    {"name": "lab1", "deployment": "sweep/lab1", "socs": {"sm8650": 1}},
    {"name": "lab2", "deployment": "sweep/lab2", "socs": {"sm8750": 2}},
]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (None, "The sites file sites.yaml cannot be read"),
        ({"sites": [{"name": "lab1"}]}, "sites.0.deployment"),
        ({"sites": [SITES[0], SITES[0]]}, "lab1 is listed twice"),
        ({"sites": []}, "No site is listed"),
    ],
    ids=["no file", "not valid", "twice", "none"],
)
def test_sites_that_cannot_share_a_sweep_are_refused_in_one_sentence(
    desk: Desk, document: Any, told: str
) -> None:
    if document is not None:
        write_yaml(desk.folder / "sites.yaml", document)
    assert told in desk.refused("sweep", "sweep.yaml", "--site", "site.yaml", "--sites", "sites.yaml")


def test_a_sweep_over_sites_needs_neither_sdk_nor_devices_nor_networks_here(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(running, "run_flow", lambda name, **given: started.append((name, given)))
    desk.site({"store": "store", "sdk": {"root": "/nowhere"}, "devices": [{"name": "a", "soc": "qcs9100"}]})
    (desk.folder / "net.dlc").unlink()
    write_yaml(desk.folder / "sites.yaml", {"sites": SITES})
    desk.run("sweep", "sweep.yaml", "--site", "site.yaml", "--sites", "sites.yaml", "--run-id", "one")
    ((name, given),) = started
    assert name == "sweep-sites"
    assert [site.name for site in given["sites"]] == ["lab1", "lab2"]
    assert (given["run_id"], given["site"], given["spec"].name) == ("one", "site.yaml", "nightly")


@pytest.mark.parametrize(
    ("options", "choice"),
    [([], "events"), (["--on-upgrade", "fail"], "fail"), (["--on-upgrade", "table"], "table")],
)
def test_what_a_slower_sdk_sets_off_is_the_sweeps_choice_or_that_of_one_run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, options: list[str], choice: str
) -> None:
    started: list[str] = []
    monkeypatch.setattr(running, "run_flow", lambda _, spec, **__: started.append(spec.on_upgrade))
    build_fake_sdk(desk.folder / "sdk")
    desk.site({"store": "store", "sdk": {"root": "sdk"}})
    desk.sweep(on_upgrade="events")
    desk.run("sweep", "sweep.yaml", "--site", "site.yaml", *options)
    assert started == [choice]


def test_another_word_for_what_a_slower_sdk_sets_off_is_refused_with_those_there_are(desk: Desk) -> None:
    done = desk.run("sweep", "sweep.yaml", "--site", "site.yaml", "--on-upgrade", "mail")
    assert done.exit_code == 2
    assert all(word in done.output for word in ("table", "events", "fail"))


Bad = Callable[[Desk], object]
BAD_INPUT: dict[str, tuple[Bad, str]] = {
    "no such file": (lambda desk: (desk.folder / "sweep.yaml").unlink(), "sweep.yaml cannot be read"),
    "not yaml": (lambda desk: write_yaml(desk.folder / "sweep.yaml", "a: ["), "is not YAML"),
    "unknown key": (lambda desk: desk.sweep(soc="sm8750"), "soc: no such key"),
    "wrong value": (lambda desk: desk.sweep(run={"repetitions": -1}), "run.repetitions"),
    "impossible variant": (
        lambda desk: desk.sweep(variants={"vtcm_mb": [999]}),
        "variants.vtcm_mb.0: it should be",
    ),
    "all excluded": (lambda desk: desk.sweep(exclude=[{"model": "net"}]), "has no cell left"),
    "no dlc": (lambda desk: (desk.folder / "net.dlc").unlink(), "There is no file"),
    "no input list": (
        lambda desk: desk.sweep(models=[{"name": "net", "dlc": "net.dlc", "inputs": "gone.txt"}]),
        "gone.txt",
    ),
    "no site": (lambda desk: (desk.folder / "site.yaml").unlink(), "site.yaml cannot be read"),
    "wrong site": (lambda desk: desk.site({"stores": "x"}), "stores: no such key"),
    "no device": (
        lambda desk: desk.site({"devices": [{"name": "a", "soc": "sm8650"}]}),
        "No device of this site has SoC sm8750; its devices are for sm8650",
    ),
}


@pytest.mark.parametrize("command", ["plan", "sweep"])
@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_sentence_and_exit_code_2(desk: Desk, command: str, case: str) -> None:
    spoil, told = BAD_INPUT[case]
    spoil(desk)
    assert told in desk.refused(command, "sweep.yaml", "--site", "site.yaml")


BAD_SITE: dict[str, tuple[Any, str]] = {
    "no sdk": ({"sdk": {"root": "gone"}}, "gone named by site.yaml is not a directory"),
    "sdk without tools": ({"sdk": {"root": "."}}, "has no usable"),
}


@pytest.mark.parametrize("case", BAD_SITE)
def test_an_sdk_that_cannot_be_used_is_refused_before_anything_runs(desk: Desk, case: str) -> None:
    site, told = BAD_SITE[case]
    desk.site(site)
    assert told in desk.refused("sweep", "sweep.yaml", "--site", "site.yaml")
    assert told in desk.refused("profile", "net.dlc", "--soc", "sm8750", "--site", "site.yaml")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--optimization-level", "7"], "prepare.optimization_level"),
        (["--soc", "SM8750"], "'SM8750' cannot be a SoC"),
        (["--soc", "sm8650"], "sm8650 is listed twice"),
        (["--vtcm-mb", "-1"], "vtcm_mb"),
        (["--inputs", "gone.txt"], "gone.txt"),
    ],
)
def test_bad_options_of_profile_are_one_sentence(desk: Desk, arguments: list[str], told: str) -> None:
    assert told.rpartition(".")[2] in desk.refused("profile", "net.dlc", "--soc", "sm8650", *arguments)


def test_a_dlc_of_any_file_name_can_be_profiled_as_far_as_its_sdk(desk: Desk) -> None:
    desk.site({"sdk": {"root": "gone"}})
    for name in ("_v1.dlc", "my net (2).dlc", "-x.dlc", "nét.dlc"):
        (desk.folder / name).write_bytes(b"dlc")
        told = desk.refused("profile", "--soc", "sm8750", "--site", "site.yaml", "--", name)
        assert "gone named by site.yaml" in told


@pytest.mark.parametrize(
    "arguments",
    [["profile", "net.dlc"], ["sweep"], ["plan", "sweep.yaml", "--fast"], ["show"], ["profle"]],
    ids=" ".join,
)
def test_a_command_line_that_is_not_understood_is_exit_code_2(desk: Desk, arguments: list[str]) -> None:
    result = desk.run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""


@pytest.mark.parametrize("run_id", ["a b", "../x"])
def test_a_run_id_that_is_no_name_is_refused_before_anything_runs(desk: Desk, run_id: str) -> None:
    build_fake_sdk(desk.folder / "sdk")
    desk.site({"store": "store", "sdk": {"root": "sdk"}})
    assert "cannot be a name" in desk.refused(
        "sweep", "sweep.yaml", "--site", "site.yaml", "--run-id", run_id
    )
