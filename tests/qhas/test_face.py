"""The public face: what `import qhas` offers, that it imports nothing in advance, and that its examples run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import qhas
from qhas.history import append
from qhas.store import Store
from tests.documents import write_yaml
from tests.qhas.archive.stored import WITH_TRACE
from tests.qhas.diff.stored import store_run
from tests.qhas.diff.summaries import Made, document
from tests.qhas.nights import on_phone, run_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/python.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
OFFERED = {
    *(
        "SweepSpec",
        "load_sweep",
        "Site",
        "load_site",
        "Store",
        "load_run",
        "CellRecord",
        "SweepRecord",
        "Failure",
    ),
    *(
        "FailureKind",
        "FACTS",
        "QhasFile",
        "read_qhas",
        "compare_runs",
        "read_history",
        "Where",
        "publish_report",
    ),
    *("InvalidInput", "StoreError", "__version__"),
    *("open", "Archive", "ArchivedRun", "ArchivedCell", "Comparison"),
}


def test_the_face_is_what_it_is() -> None:
    assert set(qhas.__all__) == OFFERED
    assert set(dir(qhas)) >= OFFERED


@pytest.mark.parametrize("name", qhas.__all__)
def test_each_name_is_there_checked_by_types_and_shown_by_an_example(name: str) -> None:
    assert getattr(qhas, name) is not None
    assert f"qhas.{name}" in (ROOT / "tests/typing/api.py").read_text(encoding="utf-8")
    assert f"qhas.{name}" in "".join(EXAMPLES)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'load_everything'"):
        qhas.load_everything  # noqa: B018


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    script = (
        "import sys, qhas; print(*[name for name in sys.modules if name.startswith(('qhas', 'pydantic'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=900
    )
    assert done.stdout.split() == ["qhas"]


def test_the_examples_of_the_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    fast = [Made("conv"), Made("add", "Add")]
    (tmp_path / "summary.json").write_text(json.dumps(document(fast)))
    (tmp_path / "net.dlc").write_bytes(b"dlc")
    models = [{"name": "net", "dlc": "net.dlc"}]
    write_yaml(tmp_path / "sweep.yaml", {"name": "nightly", "models": models, "socs": ["sm8750"]})
    write_yaml(tmp_path / "site.yaml", {"store": "store"})
    store = Store(str(tmp_path / "store"))
    store_run(store, "nightly-1", {"net": fast})
    slow = {"net": [fast[0], replace(fast[1], dominant=400_000)]}
    store_run(store, "nightly-2", slow, day=1, changes={"net": {"artifacts": WITH_TRACE}})
    append(store, run_of(1), [on_phone(1, 1000.0)])
    names: dict[str, object] = {}
    for example in EXAMPLES:
        exec(compile(example, "docs/python.md", "exec"), names)
    told = capsys.readouterr().out
    assert ": 1 worse" in told
    assert "night-001 1000.0" in told
    assert store.exists("reports/nightly-2/index.html")
