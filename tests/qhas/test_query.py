"""Questions in SQL over the stored runs: no statement can change anything or read anything else."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from shutil import copytree
from typing import Any

import pyarrow as pa
import pytest
from duckdb import DuckDBPyConnection, Statement

from fakes.records import run_record
from qhas import query
from qhas.failures import InvalidInput
from qhas.history import Where, append, read_history
from qhas.history.columns import OP_SCHEMA, SCHEMA
from qhas.history.damage import DamagedFile
from qhas.profile.figures import JUDGED
from qhas.query import VIEWS, ask
from qhas.runs import keys
from qhas.runs.record import Origin
from qhas.store import Store
from qhas.verdict.model import CellVerdict, Verdict
from qhas.verdict.stored import write_verdicts
from tests.qhas.nights import on_phone, run_of, simulated

PAGE = (Path(__file__).parents[2] / "docs" / "query.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of three nights of two cells, the last night judged; to be copied."""
    store = Store(str(place := tmp_path_factory.mktemp("nights") / "store"))
    for night in range(3):
        run = run_of(night)
        store.write(keys.sweep_record(run.run_id), run.model_dump_json().encode())
        append(store, run, [on_phone(night, 1000.0 + night), simulated(night)])
    judged = CellVerdict(
        run_id=run_of(2).run_id,
        cell="net/sm8750/default",
        metric=JUDGED["median_us"],
        origin=Origin.DEVICE,
        verdict=Verdict.STEADY,
        value=1002.0,
        sentence="It is steady.",
    )
    write_verdicts(store, run_of(2).run_id, [judged])
    return place


@pytest.fixture
def store(nights: Path, tmp_path: Path) -> Store:
    """A copy of that store."""
    return Store(str(copytree(nights, tmp_path / "store")))


def test_a_question_over_cells_is_answered_with_their_types(store: Store) -> None:
    answer = ask(
        store, "select soc, count(*) as n, max(median_us) as worst from cells group by soc order by soc"
    )
    assert answer.column_names == ["soc", "n", "worst"]
    assert 1002.0 in answer.column("worst").to_pylist()


@pytest.mark.parametrize(
    "question",
    [
        "select * from cells order by run_id, network, origin",
        "select c from cells c order by run_id, network, origin",
        "from cells order by run_id, network, origin",
        "select median_us from (select * from cells) where origin = 'device' order by median_us",
        "with good as materialized (select * from cells) select run_id, median_us from good order by all",
        "select columns('.*_us') from cells order by all",
        "select c.run_id, r.state, c.soc from cells c join runs r using (run_id) order by all",
        "select soc from cells where 1 = 0",
        "describe cells",
        "summarize ops",
        "select count(*) from ops",
    ],
)
def test_what_a_question_does_not_need_is_not_missed(
    store: Store, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = ask(store, question)
    monkeypatch.setattr(query, "columns_read", lambda *given: {*SCHEMA.names, *OP_SCHEMA.names})
    assert answer.equals(ask(store, question))


def test_only_the_columns_that_a_question_needs_are_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def reading(store: Store, where: Where, columns: list[str], *others: Any) -> pa.Table:
        asked.append(set(columns))
        return read_history(store, where, columns, *others)

    monkeypatch.setattr(query, "read_history", reading)
    ask(store, "select op, sum(cycles) as cycles from ops where soc = 'sm8750' group by op")
    ask(store, "select max(o.cycles) from ops o join cells c using (run_id, network) where c.median_us > 5")
    assert asked == [
        {"op", "cycles", "soc"},
        {"run_id", "network", "median_us"},
        {"run_id", "network", "cycles"},
    ]


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_can_be_asked_and_joined_by_the_run(store: Store, view: str) -> None:
    answer = ask(store, f"select count(*) as n from {view} as it join runs using (run_id)")
    assert answer.column("n").to_pylist()[0] > 0


def test_the_runs_of_a_store_without_a_history_can_be_asked(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    run = run_record(run_id="one")
    store.write(keys.sweep_record("one"), run.model_dump_json().encode())
    assert ask(store, "select run_id, state from runs").to_pylist() == [{"run_id": "one", "state": run.state}]
    assert ask(store, "select * from cells").num_rows == 0


def test_only_the_views_that_are_named_are_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "children", lambda *_: pytest.fail("the runs were listed"))
    assert ask(store, "select 1 as one").to_pylist() == [{"one": 1}]


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("select nothing from cells", "nothing"),
        ("select * from cell", "cell"),
        ("selekt 1", "selekt"),
        ("", "one SELECT"),
        ("select 1; select 2", "one SELECT"),
        ("drop view cells", "is DROP"),
        ("create table t as select 1", "is CREATE"),
        ("attach 'other.db'", "is ATTACH"),
        ("set memory_limit = '1TB'", "is SET"),
        ("copy (select 1) to 'out.csv'", "is COPY"),
        ("pragma database_list", "is P"),
    ],
)
def test_what_is_no_question_is_refused_in_one_sentence(store: Store, question: str, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask(store, question)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "source",
    [
        "'/etc/passwd'",
        "read_text('/etc/passwd')",
        "read_csv('{file}')",
        "glob('/*')",
        "'https://host/x.parquet'",
    ],
)
def test_no_file_and_no_address_can_be_read(store: Store, tmp_path: Path, source: str) -> None:
    (file := tmp_path / "secret.csv").write_text("a\n1\n")
    with pytest.raises(InvalidInput):
        ask(store, f"select * from {source.format(file=file)}")


def test_the_programs_environment_and_variables_cannot_be_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "of-the-shell-77b2")
    with pytest.raises(InvalidInput):
        ask(store, "select getenv('SECRET_KEY')")
    with pytest.raises(InvalidInput):
        ask(store, "select * from rows")


def test_a_damaged_file_is_named_and_the_rest_answers(store: Store) -> None:
    heard: list[DamagedFile] = []
    store.write("history/date=2026-03-09/broken.parquet", b"PAR1 and no more")
    answer = ask(store, "select count(*) as n from cells", heard.append)
    assert answer.column("n").to_pylist() == [6]
    assert len(heard) == 1


@pytest.mark.parametrize("question", re.findall(r"```sql\n(.+?)```", PAGE, re.DOTALL))
def test_the_examples_of_the_docs_are_answered(store: Store, question: str) -> None:
    assert ask(store, question).num_columns > 1


def test_the_docs_name_every_view_with_columns_it_has(store: Store) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \|.+?\| (`.+`) \|$", PAGE, re.MULTILINE))
    assert list(rows) == list(VIEWS)
    for view, columns in rows.items():
        assert set(re.findall(r"`(\w+)`", columns)) <= set(ask(store, f"from {view}").column_names)


def test_columns_of_one_name_keep_their_values(store: Store) -> None:
    answer = ask(store, "select 1 as a, 2 as a, 3 as a_2, 4 as a")
    assert answer.to_pylist() == [{"a": 1, "a_2": 2, "a_2_2": 3, "a_3": 4}]


def test_the_views_of_an_empty_store_have_the_types_that_questions_need(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    assert ask(store, "select run_id from runs where started_at > now() - interval 7 day").num_rows == 0
    assert (
        ask(store, "select cell from verdicts where change_percent > 3 and since > '2026-01-01'").num_rows
        == 0
    )


@pytest.mark.parametrize("stray", [".DS_Store", "a b/notes.txt", "con/x"])
def test_stray_things_beside_the_runs_keep_nobody_from_asking(store: Store, stray: str) -> None:
    path = Path(store.root) / "runs" / stray
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("stray")
    for view in VIEWS:
        assert ask(store, f"select * from {view}").num_rows > 0


def test_an_answer_that_is_too_large_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "LARGEST_ANSWER", 1 << 20)
    assert ask(store, "select * from range(100000)").num_rows == 100_000
    with pytest.raises(InvalidInput, match=r"over 1 MB.*LIMIT"):
        ask(store, "select * from range(10000000000)")


def test_no_question_fills_the_disk_or_the_memory(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(query._SETTINGS, "memory_limit", "50MB")
    before = set(tmp_path.iterdir())
    with pytest.raises(InvalidInput, match="cannot be answered: Out of Memory"):
        ask(store, "select * from range(100000000) as t(i) order by hash(i)")
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "question",
    ["select count(*) from range(10000000000000)", "select max(hash(i)) from range(1000000000000) t(i)"],
)
def test_a_question_without_end_ends_with_ctrl_c(
    store: Store, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(connection: DuckDBPyConnection, statement: Statement) -> pa.Table:
        os.kill(os.getpid(), signal.SIGINT)  # while the query is running
        return computed(connection, statement)

    computed = query._computed
    monkeypatch.setattr(query, "_computed", stop)
    with pytest.raises(KeyboardInterrupt):
        ask(store, question)


@pytest.mark.parametrize(
    "question",
    [
        "with recursive t(i) as (select 1 union all select i + 1 from t) select count(*) from t",
        "select count(*) from range(1000000000000) a, range(1000000000000) b where a.range = b.range + 1",
    ],
)
def test_a_question_without_end_is_given_up_after_its_time(store: Store, question: str) -> None:
    with pytest.raises(InvalidInput, match=r"no answer after 0\.1 s: .* --timeout"):
        ask(store, question, seconds=0.1)


@pytest.mark.parametrize("question", ["select '\udcff'", "\ud800", "\0"])
def test_what_is_no_text_is_no_question(store: Store, question: str) -> None:
    with pytest.raises(InvalidInput):
        ask(store, question)
