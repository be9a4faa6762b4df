"""The public face as a script uses it: mypy must know every name and type without the script naming our modules."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import qhas


def everything(folder: Path) -> None:
    """Use each name once, in the order in which a script needs them."""
    assert_type(qhas.__version__, str)
    spec = qhas.load_sweep(folder / "sweep.yaml")
    assert_type(spec, qhas.SweepSpec)
    site = qhas.load_site(folder / "site.yaml")
    assert_type(site, qhas.Site)
    store = qhas.Store(site.store)
    try:
        run, cells = qhas.load_run(store, "nightly-1")
    except (qhas.InvalidInput, qhas.StoreError) as refusal:
        assert_type(refusal.exit_code, int)
        return
    assert_type(run, qhas.SweepRecord)
    assert_type(cells, list[qhas.CellRecord])
    for cell in cells:
        assert_type(cell.failure, qhas.Failure | None)
        if cell.failure:
            assert_type(cell.failure.kind, qhas.FailureKind)
            assert_type(qhas.FACTS[cell.failure.kind].hint, str)
    assert_type(qhas.read_qhas(folder / "summary.json"), qhas.QhasFile)
    assert_type(qhas.compare_runs(store, "nightly-1", "nightly-2").sentence, str)
    qhas.read_history(store, qhas.Where(["inception_v2"], soc="sm8750"), ["date", "median_us"])
    assert_type(qhas.publish_report(store, run, cells), str)


def notebook() -> None:
    """Open a store for reading; tables are Arrow's."""
    lab = qhas.open("s3://bucket/lab")
    assert_type(lab, qhas.Archive)
    run = lab.run("latest")
    assert_type(run, qhas.ArchivedRun)
    assert_type(run.cells, list[qhas.ArchivedCell])
    assert_type(run.cell("net/sm8750").figures, dict[str, float])
    assert_type(run.cells[0].trace(), Path)
    assert_type(run.cells[0].qhas(), qhas.QhasFile)
    assert_type(lab.compare("one", "two"), qhas.Comparison)
    assert_type(lab.compare("one", "two").sentence, str)
    lab.history("net", "sm8750", "median_us", "dram_read")
    lab.query("select * from cells")
