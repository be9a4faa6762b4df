"""The event loop of a sweep only hands out work: no store, digest, parser or tool output ever blocks it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.dlc import make_dlc
from fakes.sdk import Fault, Rule, Tool, build_fake_sdk, order
from qhas import direct
from qhas.cell import chrometrace, latency, prepare, work
from qhas.failures import FailureKind, Step
from qhas.lab.lab import Lab
from qhas.runs import stored
from qhas.runs.record import SweepState
from qhas.runs.stored import load_run
from qhas.site import SdkRef, Site
from qhas.store import Store
from qhas.sweep.spec import ModelRef, SweepSpec

HEAVY: list[tuple[Any, str]] = [
    *((Store, name) for name, value in vars(Store).items() if callable(value) and not name.startswith("_")),
    (work, "judge_tool"),
    (work, "gather_inputs"),
    (prepare, "file_digest"),
    (chrometrace, "read_timeline"),
    (chrometrace, "read_qhas"),
    (latency, "read_samples"),
    (direct, "plan_sweep"),
]
"""Functions that take long when their input is large or their server slow."""
NAMES_ONLY = {"url"}


@pytest.fixture
def on_the_loop(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the heavy functions that were called on the event loop's thread, which is this one."""
    loop, names = threading.current_thread(), list[str]()

    def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if threading.current_thread() is loop:
                names.append(name)
            return function(*args, **kwargs)

        return call

    for owner, name in HEAVY:
        if name not in NAMES_ONLY:
            monkeypatch.setattr(owner, name, watched(name, getattr(owner, name)))
    return names


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(store=str(tmp_path / "store"), sdk=SdkRef(root=build_fake_sdk(tmp_path / "sdk")))


@pytest.fixture
def spec(tmp_path: Path) -> SweepSpec:
    models = [
        ModelRef(name=name, dlc=str(make_dlc(tmp_path / f"{name}.dlc", graph=name))) for name in ("a", "b")
    ]
    return SweepSpec(name="two", models=models, socs=["sa8255"])


def test_a_sweep_with_good_and_bad_cells_never_holds_the_loop(
    site: Site, spec: SweepSpec, on_the_loop: list[str]
) -> None:
    assert site.sdk.root
    order(site.sdk.root, Rule(Tool.VIEWER, Fault.NO_QHAS, model="b"))
    direct.run_direct(spec, site, "one")
    assert on_the_loop == []
    assert load_run(Store(site.store), "one")[0].failed == 1


def test_a_device_is_not_held_while_inputs_are_gathered(
    site: Site, spec: SweepSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_of_work, gather, lease = list[str](), work.gather_inputs, Lab.lease
    monkeypatch.setattr(
        work, "gather_inputs", lambda *given: order_of_work.append("inputs") or gather(*given)
    )
    monkeypatch.setattr(Lab, "lease", lambda *given: order_of_work.append("lease") or lease(*given))
    direct.run_direct(spec.model_copy(update={"models": spec.models[:1]}), site, "one")
    assert order_of_work == ["inputs", "lease"]


def test_inputs_that_cannot_be_gathered_fail_the_run_that_needs_them(
    site: Site, spec: SweepSpec, tmp_path: Path
) -> None:
    (listing := tmp_path / "list.txt").write_text("gone.raw\n")
    missing = spec.models[0].model_copy(update={"inputs": str(listing)})
    direct.run_direct(spec.model_copy(update={"models": [missing]}), site, "one")
    (cell,) = load_run(Store(site.store), "one")[1]
    assert cell.failure
    assert (cell.failure.kind, cell.failure.step) == (FailureKind.INPUT_UNREADABLE, Step.NET_RUN)


def test_cancelling_never_holds_the_loop_and_is_not_patient_with_the_store(
    site: Site, spec: SweepSpec, on_the_loop: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    class Watched(Store):
        def __init__(self, root: str, patience: Any = None, scratch: Path | None = None) -> None:
            given.append(patience.total)
            super().__init__(root, patience, scratch)

    async def stopped(*_: object) -> Any:
        raise direct.asyncio.CancelledError

    monkeypatch.setattr(direct, "profile_cells", stopped)
    monkeypatch.setattr(stored, "Store", Watched)
    with pytest.raises(KeyboardInterrupt):
        direct.run_direct(spec, site, "one")
    assert on_the_loop == []
    assert max(given) <= 10
    assert load_run(Store(site.store), "one")[0].state is SweepState.CANCELLED
