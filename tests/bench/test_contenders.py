"""The contenders without a server: the library does the same work as the plain script, with the flow's concurrency."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench import library, plain
from bench.figures import Contender
from bench.job import Job, Network
from bench.outcome import plain_outcome, published_outcome, require_same
from fakes.dlc import make_dlc, make_inputs
from fakes.sdk import build_fake_sdk


def test_library_and_plain_script_do_the_same_work(tmp_path: Path) -> None:
    for name in ("plain", "library"):
        (tmp_path / name).mkdir()
    dlc = make_dlc(tmp_path / "model.dlc", graph="net")
    network = Network("net", str(dlc), str(make_inputs(tmp_path, dlc)))
    sdk = build_fake_sdk(tmp_path / "sdk")
    job = Job(str(sdk), (network,), ("sa8255",), str(tmp_path / "plain"), at_once=2)
    published = replace(job, folder=str(tmp_path / "library"))
    plain.run(job)
    library.run(published)
    outcomes = {Contender.PLAIN: plain_outcome(job), Contender.LIBRARY: published_outcome(published)}
    require_same(outcomes, cells=1)
