"""A cell on a phone and on a board, through the real adb and the real ssh."""

from __future__ import annotations

import pytest

from fakes.dlc import make_dlc
from qhas.failures import Step
from qhas.runs.record import CellRecord, CellStatus, Origin
from tests.rack.conftest import RackOf
from tests.rack.rack import PROFILED, TIMED, kept, pushes, runs

ON_DEVICE = [Step.DEVICE, Step.LATENCY, Step.NET_RUN, Step.LOGS]


def steps(record: CellRecord) -> list[Step]:
    return [attempt.step for attempt in record.attempts]


@pytest.mark.parametrize(
    ("device", "options", "logs"),
    [
        pytest.param("phone", {"soc": "sm8750"}, True, id="phone", marks=pytest.mark.slow),
        pytest.param("phone", {"soc": "sm8550", "shell_v2": False}, True, id="phone of Android 6"),
        pytest.param("board", {"soc": "qcs9100"}, None, id="board", marks=pytest.mark.slow),
    ],
)
async def test_a_cell_is_measured_and_the_device_is_left_as_it_was(
    rack_of: RackOf, device: str, options: dict[str, object], logs: bool | None
) -> None:
    rack = rack_of(**{device: options})
    soc = str(options["soc"])
    first, second = await rack.run(*(rack.cell(name, soc, repetitions=5) for name in ("alpha", "beta")))
    for record in (first, second):
        assert record.failure is None
        assert record.status is CellStatus.COMPLETE
        assert record.origin is Origin.DEVICE
        assert record.device
        assert record.device.name == device
        assert record.device.detected_soc == soc
        assert record.latency
        assert len(record.latency.samples_us) == 5
        assert record.latency.warmups == 1
        assert record.health
        assert record.health.after
        assert record.health.after.taken_at > record.health.before.taken_at
        assert record.artifact("chrometrace")
        assert record.artifact("latency_samples")
        assert logs is None or record.artifact("device_log")
        assert steps(record) == [Step.PREPARE, *ON_DEVICE, Step.CHROMETRACE, Step.PUBLISH]
    fake = rack.devices[device]
    assert (len(runs(fake, TIMED)), len(runs(fake, PROFILED))) == (2, 2)
    pushed = [command.service for command in pushes(fake, "/sdk/")]
    assert pushed
    assert len(pushed) == len(set(pushed)) == sum(kept(file) for file in fake.files()) - 1
    rack.require_clean()


@pytest.mark.slow
async def test_the_viewer_runs_on_the_device_where_the_site_says_so(rack_of: RackOf) -> None:
    rack = rack_of({"viewer": "device"}, phone="sm8750")
    (record,) = await rack.run(rack.cell())
    assert record.status is CellStatus.COMPLETE
    assert {"chrometrace", "qhas", "qhas_html", "htp_graph", "runtrace"} <= {a.name for a in record.artifacts}
    viewed = [c for c in rack.devices["phone"].commands() if "/qnn-profile-viewer --config" in c.service]
    assert len(viewed) == 1
    rack.require_clean()


@pytest.mark.slow
async def test_the_graphs_of_a_dlc_are_timed_and_profiled_each_with_its_own_inputs(rack_of: RackOf) -> None:
    rack = rack_of(phone="sm8750")
    lists = {}
    for name, inferences in (("prefill", 1), ("decode", 3)):
        (rack.folder / f"{name}.raw").write_bytes(bytes(4 * 3 * 8 * 8))
        lists[name] = str(rack.folder / f"{name}.txt")
        (rack.folder / f"{name}.txt").write_text(f"input:={name}.raw\n" * inferences)
    cell = rack.cell("llm", repetitions=5)
    dlc = make_dlc(rack.folder / "llm.dlc", graphs=("prefill", "decode"))
    model = cell.model.model_copy(update={"dlc": str(dlc), "graph_inputs": lists})
    (record,) = await rack.run(cell.model_copy(update={"model": model}))
    assert record.failure is None
    assert [graph.name for graph in record.graphs] == ["prefill", "decode"]
    for view in record.by_graph():
        assert view.latency
        assert len(view.latency.samples_us) == 5
        assert {"chrometrace", "qhas", "log", "latency_samples"} <= {file.name for file in view.artifacts}
    rack.require_clean()
