"""Each further SDK of a site is checked: whether it exists, and whether it has what the devices need."""

from __future__ import annotations

import shutil
from pathlib import Path

from fakes.sdk import build_fake_sdk
from qhas.site import DeviceRef, Site
from qhas.site.site import NamedSdk
from qhas.upkeep.doctor.toolchain import examine_named


def test_a_good_one_is_told_with_its_version_and_a_missing_one_by_its_root(tmp_path: Path) -> None:
    root = build_fake_sdk(tmp_path / "new", version="2.51.0.260929")
    site = Site(sdks={"new": NamedSdk(root=root), "old": NamedSdk(root=tmp_path / "none")})
    (good,), (bad,) = (list(examine_named(name, site)) for name in site.sdks)
    assert (good.what, good.good) == ("SDK new", True)
    assert good.answer.startswith("2.51.0.260929")
    assert not bad.good
    assert str(tmp_path / "none") in bad.answer


def test_one_without_the_target_of_a_device_is_bad(tmp_path: Path) -> None:
    root = build_fake_sdk(tmp_path / "new")
    shutil.rmtree(root / "bin" / "aarch64-android")
    phone = DeviceRef.model_validate({"name": "phone", "soc": "sm8750", "transport": "adb", "serial": "1"})
    findings = list(examine_named("new", Site(sdks={"new": NamedSdk(root=root)}, devices=[phone])))
    assert [finding.good for finding in findings] == [True, False]
    assert "aarch64-android" in findings[1].what + findings[1].answer
