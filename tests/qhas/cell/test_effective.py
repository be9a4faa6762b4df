"""The options in force are read from the prepared DLC and the profile."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fakes.profiles import core, qhas
from qhas.cell.effective import context_bytes, of_cache, with_profile
from qhas.profile.qhas_file import parse_qhas
from qhas.runs.record import EffectiveOptions
from qhas.sweep.spec import PrepareOptions


def prepared(folder: Path, build: object = "v2.51.0", size: object = None, **graph: object) -> Path:
    cache = {"buildId": build, "contextBlobSize": size, "graphs": [{"graphBlobInfo": graph}]}
    metadata = {"cacheList": [cache]}
    target = folder / "prepared.dlc"
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("dlc.metadata2.3.0", json.dumps(metadata))
    return target


def test_the_cache_record_tells_level_dlbc_and_build_and_nothing_of_vtcm(tmp_path: Path) -> None:
    dlc = prepared(tmp_path, optimizationLevel=2, vtcmSize=4, htpDlbc=0, numHvxThreads=0)
    assert of_cache(dlc, PrepareOptions()) == EffectiveOptions(
        optimization_level=2, dlbc=False, compiler="v2.51.0"
    )


def test_what_was_asked_for_is_in_force(tmp_path: Path) -> None:
    asked = PrepareOptions(vtcm_mb=2, hvx_threads=4, optimization_level=3, dlbc=True)
    told = of_cache(prepared(tmp_path), asked)
    assert (told.vtcm_mib, told.hvx_threads, told.optimization_level, told.dlbc) == (2, 4, 3, True)


@pytest.mark.parametrize(
    "graph", [{"optimizationLevel": "3"}, {"optimizationLevel": -1, "htpDlbc": [1]}], ids=str
)
def test_what_is_no_number_is_not_told(graph: dict[str, Any], tmp_path: Path) -> None:
    assert of_cache(prepared(tmp_path, build=7, **graph), PrepareOptions()) == EffectiveOptions()


def test_a_file_that_is_no_dlc_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "prepared.dlc").write_bytes(b"no zip")
    assert of_cache(tmp_path / "prepared.dlc", PrepareOptions()) == EffectiveOptions()


def test_a_simulated_profile_tells_vtcm_threads_and_clock() -> None:
    document = qhas(htp_overall_summary=[core()])
    document["header"]["provenance"] = {
        "origin": "simulator",
        "core_mhz": 1497.6,
        "in_force": {"vtcm_bytes": 8 << 20, "hvx_threads": 4},
    }
    file = parse_qhas(json.dumps(document).encode(), "qhas.json")
    told = with_profile(EffectiveOptions(optimization_level=2), file)
    assert told == EffectiveOptions(optimization_level=2, vtcm_mib=8, hvx_threads=4, clock_mhz=1497.6)


@pytest.mark.parametrize(
    ("stated", "told"), [(1_441_792, 1_441_792), (0, None), (-1, None), ("9", None), (None, None)], ids=str
)
def test_the_cache_record_tells_the_size_of_the_context(
    stated: object, told: int | None, tmp_path: Path
) -> None:
    assert context_bytes(prepared(tmp_path, size=stated)) == told


def test_a_file_that_is_no_dlc_tells_no_size(tmp_path: Path) -> None:
    (tmp_path / "prepared.dlc").write_bytes(b"no zip")
    assert context_bytes(tmp_path / "prepared.dlc") is None
