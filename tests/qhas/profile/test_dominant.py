"""Where the dominant path ran, as a QHAS file states it."""

from __future__ import annotations

import json
from typing import Any

from fakes.profiles import core, qhas
from qhas.profile.dominant import Stretch, dominant_path
from qhas.profile.qhas_file import parse_qhas


def step(op_id: str, htp_op: str, start: int, end: int, node: str = "conv1") -> dict[str, Any]:
    place = {"op_id": op_id, "htp_op": htp_op, "qnn_op": node, "start_cycle": start, "end_cycle": end}
    return {**place, "partial": False, "dp_cycles": end - start, "cycles": end - start}


def path_of(**sections: list[dict[str, Any]]) -> tuple[Stretch, ...]:
    return dominant_path(parse_qhas(json.dumps(qhas(**sections)).encode(), "qhas.json"))


def test_every_stretch_has_its_op_and_gaps_are_left_out() -> None:
    steps = [
        step("0x10", "q::Conv", 100, 150),
        step("0x11", "q::Other", 160, 170, "elsewhere"),
        step("0x0", "Accumulated Idle", 150, 160, "Accumulated Idle"),
    ]
    assert path_of(dominant_path_htp_0=steps) == (
        Stretch(100, 150, "Conv2d", "q::Conv", False),
        Stretch(160, 170, "", "q::Other", False),
    )


def test_a_path_is_found_on_whichever_core_has_one() -> None:
    assert len(path_of(dominant_path_htp_0=[], dominant_path_htp_1=[step("0x10", "q::Conv", 1, 2)])) == 1


def test_the_path_is_of_the_core_that_ends_last() -> None:
    cores = [core(0, timeline_cycles=1000), core(1, timeline_cycles=2000)]
    paths = {
        "dominant_path_htp_0": [step("0x10", "q::Short", 0, 1000)],
        "dominant_path_htp_1": [step("0x10", "q::Long", 0, 2000)],
    }
    assert [stretch.htp_op for stretch in path_of(htp_overall_summary=cores, **paths)] == ["q::Long"]
    del paths["dominant_path_htp_1"]
    assert path_of(htp_overall_summary=cores, **paths) == ()


def test_a_file_without_cycles_of_the_path_tells_nothing() -> None:
    row = step("0x10", "q::Conv", 0, 5)
    del row["start_cycle"], row["end_cycle"]
    assert path_of(dominant_path_htp_0=[row]) == path_of() == ()
