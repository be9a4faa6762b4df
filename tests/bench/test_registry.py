"""Benches are chosen by name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from bench import __main__ as command
from bench import registry
from bench.failure import BenchFailed
from bench.registry import Bench, NoSuchBench, chosen
from bench.size import Size
from bench.studies import traces


@dataclass(frozen=True)
class Measured(Bench):
    """A bench with known figures, or an exception in their place."""

    figures: object = 1

    def __call__(self, *_: object) -> object:
        if isinstance(self.figures, Exception):
            raise self.figures
        return self.figures


def bench(name: str, figures: object = 1) -> Bench:
    return Measured(name, "json", "a sentence", figures)


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    benches = (bench("one", {"ratio": 1.5}), bench("two", BenchFailed("it rained")), bench("three", 3))
    monkeypatch.setattr(registry, "BENCHES", benches)


@pytest.mark.usefixtures("three")
def test_without_a_name_all_are_chosen_and_with_names_those_in_the_order_of_the_table() -> None:
    assert [one.name for one in chosen([])] == ["one", "two", "three"]
    assert [one.name for one in chosen(["three", "one"])] == ["one", "three"]


@pytest.mark.usefixtures("three")
def test_a_name_that_no_bench_has_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NoSuchBench, match=r"no bench 'four'; choose from one, two, three"):
        chosen(["one", "four"])
    assert command.main(["four"]) == 2
    assert "no bench 'four'" in capsys.readouterr().err


def test_a_bench_of_a_module_that_is_not_there_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = Bench("gone", "bench.no_such_module", "a sentence")
    monkeypatch.setattr(registry, "BENCHES", (bench("one"), missing))
    assert [one.name for one in chosen([])] == ["one"]


@pytest.mark.usefixtures("three")
def test_a_bench_that_fails_costs_the_others_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results.json"
    assert command.main(["--json", str(results)]) == 1
    found = json.loads(results.read_text())
    assert (found["one"], found["three"]) == ({"ratio": 1.5}, 3)
    assert "two" not in found
    assert "No figures of two: it rained" in capsys.readouterr().err


@pytest.mark.usefixtures("three")
def test_results_go_to_standard_output_alone_where_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["one", "--json", "-", "--quick"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["one"] == {"ratio": 1.5}
    assert found["size"] == Size.QUICK


@pytest.mark.parametrize("name", ["overhead", "makespan", "orchestrator", "nightly"])
def test_a_bench_of_ours_has_what_measures_it(name: str) -> None:
    [one] = chosen([name])
    assert callable(registry.import_module(one.module).measure)


def test_traces_that_differ_are_a_bench_without_figures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run(_: object) -> None:
        raise traces.TracesFailed("orjson found others")

    monkeypatch.setattr(traces, "run", run)
    with pytest.raises(BenchFailed, match="orjson found others"):
        traces.measure(tmp_path, Size.QUICK, Console())


def test_a_study_is_chosen_by_name_only() -> None:
    assert "storage" not in {one.name for one in chosen([])}
    assert [one.name for one in chosen(["storage"])] == ["storage"]
