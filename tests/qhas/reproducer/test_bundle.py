"""What the zip to be sent contains."""

from __future__ import annotations

import zipfile
from pathlib import Path

from fakes.records import model, record
from qhas.diff.model import Figure, Unit
from qhas.reproducer.bundle import Sides, pack
from qhas.reproducer.model import PartOp, Reproducer
from qhas.reproducer.trials import Conditions
from qhas.runs.record import CellRecord, Origin, SdkFacts
from qhas.site import load_site
from qhas.site.sdk import SdkKind
from qhas.sweep.spec import NO_INPUTS, Cell, PrepareOptions, RunOptions, load_sweep

NETWORK = "secret_network"


def side(
    version: str, sdk: str | None = None, kind: SdkKind = SdkKind.HOST, **options: int
) -> tuple[Conditions, CellRecord]:
    prepare = PrepareOptions(**options)
    made = record(
        Cell(model=model(NETWORK), soc="sa8255", prepare=prepare, sdk=sdk),
        origin=Origin.SIMULATOR,
        sdk=SdkFacts(kind=kind, version=f"{version}.0.1"),
    )
    return Conditions("sa8255", sdk, prepare, RunOptions()), made


SIDES = (side("2.48", "2.48"), side("2.49", "2.49", vtcm_mb=8))


def packed(target: Path, sides: Sides = SIDES) -> zipfile.ZipFile:
    answer = Reproducer(
        ops=[PartOp(type="Quantize", results=["UFixed8 1x3x8x8"])],
        of_ops=45,
        whole=Figure(name="time_us", unit=Unit.MICROSECONDS, before=100, after=135),
        part=Figure(name="time_us", unit=Unit.MICROSECONDS, before=10, after=14),
        why="VTCM 4 → 8 MiB",
        trials=8,
        file=str(target),
    )
    (part := target.with_suffix(".dlc")).write_bytes(b"the part")
    pack(answer, part, sides, target, NO_INPUTS)
    return zipfile.ZipFile(target)


def test_it_has_the_part_both_sweeps_one_line_and_what_was_seen(tmp_path: Path) -> None:
    with packed(tmp_path / "r.zip") as archive:
        assert archive.read("network.dlc") == b"the part"
        assert "qhas compare before/part/sa8255/sdk-2.48 after/part/sa8255/sdk-2.49" in _text(
            archive, "rerun.sh"
        )
        readme = _text(archive, "README.md")
        archive.extractall(tmp_path)
    assert readme.startswith(
        "# 1 of 45 ops (Quantize) show +40 % where the network shows +35 %: VTCM 4 → 8 MiB."
    )
    assert "--htp_socs=sa8255 --profiling_level=qhas --vtcm_override=8" in readme
    specs = [load_sweep(tmp_path / f"{word}.yaml") for word in ("before", "after")]
    assert [(spec.variants.sdk, spec.prepare.vtcm_mb) for spec in specs] == [(["2.48"], None), (["2.49"], 8)]


def test_nothing_of_it_names_the_network_and_the_same_answer_gives_the_same_bytes(tmp_path: Path) -> None:
    with packed(tmp_path / "r.zip") as archive:
        assert not [name for name in archive.namelist() if NETWORK.encode() in archive.read(name)]
    first = (tmp_path / "r.zip").read_bytes()
    packed(tmp_path / "r.zip").close()
    assert (tmp_path / "r.zip").read_bytes() == first


def test_it_is_run_as_it_was_tried_and_beside_whatever_the_receiver_has(tmp_path: Path) -> None:
    with packed(tmp_path / "r.zip") as archive:
        rerun = _text(archive, "rerun.sh")
        archive.extractall(tmp_path)
    specs = [load_sweep(tmp_path / f"{word}.yaml") for word in ("before", "after")]
    assert {spec.models[0].inputs for spec in specs} == {"none"}
    assert rerun.count(" --site site.yaml") == 3
    assert load_site(tmp_path / "site.yaml").store.endswith(f"{tmp_path.name}/qhas-store")


def test_the_host_sdk_is_called_by_its_generation_whatever_the_site_calls_it(tmp_path: Path) -> None:
    with packed(tmp_path / "r.zip", (side("2.51"), side("2.51", "ours", vtcm_mb=2))) as archive:
        rerun = _text(archive, "rerun.sh")
        archive.extractall(tmp_path)
    assert "hostsdk install 2.51\n" in rerun
    assert load_sweep(tmp_path / "before.yaml").variants.sdk == ["2.51"]
    assert load_sweep(tmp_path / "after.yaml").variants.sdk == ["2.51"]


def test_a_vendors_sdk_is_the_receivers_to_name(tmp_path: Path) -> None:
    sides = (side("2.44", "old", SdkKind.VENDOR), side("2.45", "new", SdkKind.VENDOR))
    with packed(tmp_path / "r.zip", sides) as archive:
        rerun = _text(archive, "rerun.sh")
        assert "site.yaml" not in archive.namelist()
    assert "# SDK 2.44.0.1: name it old in sdks of your site.yaml." in rerun
    assert "install" not in rerun
    assert "--site" not in rerun


def _text(archive: zipfile.ZipFile, name: str) -> str:
    return archive.read(name).decode()
