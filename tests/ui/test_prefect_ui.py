"""What a user of the Prefect UI sees and clicks: the form of `profile-network`, a refusal, a run, its artifacts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from fakes.sdk import Fault, Rule, Tool, order
from tests.ui.conftest import Desk, Pictures

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.server,
    pytest.mark.slow,
    pytest.mark.xdist_group("ui"),
]
PROFILE = "profile/profile-network"
_AGAIN_SECONDS = 15.0
"""When to click again on what had no effect."""
UIS = {"new": "/v2", "old": ""}
"""Prefect 3.8 serves two UIs; the new one is its default."""


def open_form(page: Page, desk: Desk, ui: str = "new") -> None:
    """Open the form for a custom run of `profile-network`."""
    page.goto(f"{desk.address}{UIS[ui]}/deployments/deployment/{desk.deployment(PROFILE)}/run")
    page.get_by_text("An un-cached DLC").wait_for()


def runs(desk: Desk) -> list[dict[str, Any]]:
    """Return the runs of `profile-network`, latest first."""
    wanted = {"deployments": {"id": {"any_": [desk.deployment(PROFILE)]}}, "sort": "EXPECTED_START_TIME_DESC"}
    found: list[dict[str, Any]] = desk.server.ask("/flow_runs/filter", wanted)
    return found


def choose_soc(page: Page, name: str) -> None:
    """Choose a SoC from the menu of those listed."""
    page.get_by_label("Select listed").click()
    page.get_by_placeholder("Search...").fill(name)
    page.get_by_role("option", name=name, exact=True).click()
    page.wait_for_timeout(500)  # a menu that is still closing would catch the next click


@pytest.mark.parametrize("ui", UIS)
def test_the_form_shows_titles_help_and_bounds(page: Page, desk: Desk, ui: str) -> None:
    open_form(page, desk, ui)
    for shown in (
        "Network",
        "SoC",
        "Site file (Optional)",
        "Optimisation level (Optional)",
        "1, 2 or 3; higher levels take longer to prepare.",
        "0 to 64; 0 is the SoC's maximum.",
        "0 to 100000 timed inferences (devices only); 0 skips the latency.",
        "Empty: a new run. The id of an earlier run completes it: only cells that are missing or failed run.",
        "enable_sequencer_flow_events (Optional)",
    ):
        page.get_by_text(shown, exact=True).first.wait_for(state="attached")


def test_what_has_a_closed_list_of_values_is_a_menu(page: Page, desk: Desk, keep: Pictures) -> None:
    open_form(page, desk)
    keep("form")
    page.get_by_label("Select listed").click()
    page.get_by_role("option", name="sm8750", exact=True).wait_for()
    page.keyboard.press("Escape")
    page.get_by_label("Select Perf profile").click()
    for name in ("burst", "balanced", "power_saver"):
        page.get_by_role("option", name=name, exact=True).wait_for()


def test_a_number_out_of_bounds_is_refused_before_it_is_sent(page: Page, desk: Desk) -> None:
    open_form(page, desk)
    before = len(runs(desk))
    page.get_by_label("Network", exact=True).fill("net.dlc")
    choose_soc(page, "sa8255")
    level = page.get_by_label("Optimisation level (Optional)")
    level.fill("9")
    page.get_by_role("button", name="Submit").click()
    assert level.evaluate("field => field.validationMessage") == "Value must be less than or equal to 3."
    assert page.url.endswith("/run")
    assert len(runs(desk)) == before


def test_wrong_input_is_refused_at_its_field(page: Page, desk: Desk, keep: Pictures) -> None:
    open_form(page, desk)
    before = len(runs(desk))
    page.get_by_label("Network", exact=True).fill("net.dlc")
    page.get_by_label("Run id (Optional)").fill("no/such/id")
    refused, until = page.get_by_text("'soc' is a required property").first, time.monotonic() + 900
    while not refused.is_visible():
        assert time.monotonic() < until, page.inner_text("body")[-2000:]
        page.get_by_role("button", name="Submit").click()  # before the form is ready, it has no effect
        page.wait_for_timeout(2000)
    page.get_by_text("'no/such/id' does not match").first.wait_for()
    keep("refused")
    assert len(runs(desk)) == before


def test_a_run_is_started_by_clicking_and_its_artifacts_render(
    page: Page, desk: Desk, keep: Pictures
) -> None:
    run = run_by_clicking(page, desk, "alpha", "sa8255")
    assert (run["state"]["type"], run["name"]) == ("COMPLETED", "alpha on sa8255")
    open_artifacts(page, desk, run, "alpha-simulator")
    page.get_by_role("row").filter(has_text="sa8255").filter(has_text="complete").wait_for()
    page.get_by_text("Simulated on a host, not measured.").first.wait_for()
    keep("table")
    open_artifacts(page, desk, run, "alpha-traces")
    page.get_by_text("chrometrace.json.gz").first.wait_for()


def test_the_failure_of_a_cell_is_a_page_with_its_next_step(page: Page, desk: Desk, keep: Pictures) -> None:
    order(desk.lab.sdk, Rule(Tool.NET_RUN, Fault.NO_LOG, model="beta"))
    try:
        run = run_by_clicking(page, desk, "beta", "sa8797")
    finally:
        order(desk.lab.sdk)
    assert run["state"]["type"] == "FAILED"
    open_artifacts(page, desk, run, "beta-failures")
    page.get_by_text("Next step:").first.wait_for()
    page.get_by_role("heading", name="beta on sa8797").wait_for()
    keep("failures")


def run_by_clicking(page: Page, desk: Desk, network: str, soc: str) -> dict[str, Any]:
    """Start a run from the form; return it once it has ended."""
    before = len(runs(desk))
    open_form(page, desk)
    page.get_by_label("Network", exact=True).fill(str(desk.lab.folder / f"{network}.dlc"))
    choose_soc(page, soc)
    submit, form = page.get_by_role("button", name="Submit"), page.url
    submit.click()
    until, again = time.monotonic() + 900, time.monotonic() + _AGAIN_SECONDS
    while len(found := runs(desk)) == before or found[0]["state"]["type"] not in ("COMPLETED", "FAILED"):
        assert time.monotonic() < until, page.inner_text("body")[-2000:]
        if page.url == form and time.monotonic() > again:  # a click before the form was ready has no effect
            again += _AGAIN_SECONDS
            submit.click()
        page.wait_for_timeout(500)  # not sleep(): the page's own requests are served by this thread
    return found[0]


def open_artifacts(page: Page, desk: Desk, run: dict[str, Any], key: str) -> None:
    """Open one artifact of a run: it is listed with the run, and has its own page."""
    page.goto(f"{desk.address}/v2/runs/flow-run/{run['id']}")
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_text(key).first.wait_for()
    found = desk.server.ask("/artifacts/filter", {"artifacts": {"key": {"any_": [key]}}})
    page.goto(f"{desk.address}/v2/artifacts/artifact/{found[0]['id']}")
