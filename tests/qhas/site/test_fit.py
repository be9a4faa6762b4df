"""Whether an SDK knows a SoC: from its own list or, for the host SDK, by a query if the list does not have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from qhas.failures import InvalidInput
from qhas.site import fit
from qhas.site.fit import UnknownSoc, require_socs
from qhas.site.sdk import Sdk, SdkKind


def sdk(root: Path, kind: SdkKind = SdkKind.HOST, listed: str | None = None) -> Sdk:
    if listed is not None:
        (root / "share").mkdir()
        (root / "share" / "socs.txt").write_text(listed)
    return Sdk(root, "2.51.0", kind)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The queries to the host SDK, each of which it refuses."""
    questions: list[tuple[str, ...]] = []

    def refuse(*question: str) -> list[str]:
        questions.append(question)
        raise InvalidInput("unknown SoC.")

    monkeypatch.setattr(fit, "ask_host_sdk", refuse)
    return questions


def test_socs_of_its_list_are_not_asked_for(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    require_socs(sdk(tmp_path, listed="sa8255\nsm8750\n"), iter(["sm8750", "sa8255"]))
    assert asked == []


@pytest.mark.parametrize("listed", ["sm8750\n", "", None])
def test_a_soc_that_its_list_does_not_have_is_asked_for(
    tmp_path: Path, asked: list[tuple[str, ...]], listed: str | None
) -> None:
    with pytest.raises(UnknownSoc, match="Nothing was run"):
        require_socs(sdk(tmp_path, listed=listed), ["sm8750", "sm875"])
    assert asked == [("socs", "sm875", "sm8750")]


def test_a_vendors_sdk_is_not_asked(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    require_socs(sdk(tmp_path, SdkKind.VENDOR), ["anything"])
    assert asked == []
