"""The SQL for Athena counts as the analysis does, run by an embedded engine on the same lines."""

import duckdb
import pytest
import sqlglot

from interleaving import click, messy, record, shown, write_lines
from penstock.errors import InputError
from penstock.interleave.analysis import analyse
from penstock.interleave.analysis.sql import athena_sql, statements

RANKINGS = {
    "schema": "VARCHAR",
    "time": "VARCHAR",
    "experiment": "VARCHAR",
    "ranking_id": "VARCHAR",
    "mode": "VARCHAR",
    "method": "VARCHAR",
    "user": "VARCHAR",
    "offset": "INTEGER",
    "rankers": "VARCHAR[]",
    "competitive": "BOOLEAN",
    "fallback_reason": "VARCHAR",
    "items": "STRUCT(item_id VARCHAR, position INTEGER, source_ranker VARCHAR)[]",
    "ranks": "INTEGER[][]",
    "credits": "DOUBLE[]",
}
CLICKS = {"ranking_id": "VARCHAR", "item_id": "VARCHAR"}


class Engine:
    """The view and the queries on the lines of two files."""

    def __init__(self, log, clicks):
        self.database = duckdb.connect()
        for table, path, columns in (("interleave_rankings", log, RANKINGS), ("interleave_clicks", clicks, CLICKS)):
            self.database.read_json(str(path), format="newline_delimited", columns=columns).to_table(table)
        view, self._daily, self._users = statements(athena_sql())[2:]
        self.database.execute(translated(view))

    def daily(self):
        return self.database.execute(translated(self._daily)).fetchall()

    def users(self):
        return self.database.execute(translated(self._users)).fetchall()


def key(comparison):
    return comparison.experiment, comparison.method, comparison.a, comparison.b


def translated(statement):
    return sqlglot.transpile(statement, read="athena", write="duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE)[0]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Everything that a log can hold, through both."""
    folder = tmp_path_factory.mktemp("sql")
    records, clicks = messy(rankings=900)
    log, clicks = write_lines(folder / "log.jsonl", records), write_lines(folder / "clicks.jsonl", clicks)
    return analyse(log, clicks), Engine(log, clicks)


def test_the_query_counts_wins_losses_and_ties_of_each_day_as_the_analysis_does(both):
    report, engine = both
    expected = [
        (*key(each), day.date, day.rankings, day.users, day.wins, day.losses, day.ties)
        for each in report.comparisons
        for day in each.days
    ]
    assert len(report.comparisons) == 6
    assert engine.daily() == sorted(expected)


def test_the_sums_of_the_users_give_the_headline_of_the_analysis(both):
    report, engine = both
    rows = engine.users()
    for each in report.comparisons:
        scores = [(row[7] if each.graded else row[6]) / row[5] for row in rows if row[:4] == key(each)]
        assert len(scores) == each.users
        assert sum(scores) / len(scores) == pytest.approx(each.by_user.estimate, abs=1e-12)


def test_credits_that_cancel_out_are_a_tie_to_both(tmp_path):
    items = [shown(str(number), number + 1, "A", (1, 2), credit=worth) for number, worth in enumerate((0.1, 0.2, -0.3))]
    line = record("r1", items, method="optimized_v1")
    log = write_lines(tmp_path / "log.jsonl", [line])
    clicks = write_lines(tmp_path / "clicks.jsonl", [click("r1", str(number)) for number in range(3)])
    assert analyse(log, clicks).comparisons[0].ties == 1
    assert Engine(log, clicks).daily()[0][-3:] == (0, 0, 1)


def test_tables_are_named_as_asked_for():
    text = athena_sql(table="lake.rankings", clicks_table="lake.clicks", view="lake.won", location="s3://b/x/")
    assert "FROM lake.rankings" in text
    assert "FROM lake.clicks" in text
    assert "CREATE OR REPLACE VIEW lake.won" in text
    assert "'s3://b/x/rankings/dt=${dt}/'" in text


def test_there_are_two_tables_a_view_and_two_queries():
    kinds = [sqlglot.parse_one(each, read="athena").key for each in statements(athena_sql())]
    assert kinds == ["create", "create", "create", "select", "select"]


@pytest.mark.parametrize("name", ["a;drop", "", "a b", "a.b.c", "1a", "a--"])
def test_a_name_that_would_break_the_statements_is_refused(name):
    with pytest.raises(InputError, match="no name of a table"):
        athena_sql(table=name)


def test_a_location_that_would_break_the_statements_is_refused():
    with pytest.raises(InputError, match="no place in S3"):
        athena_sql(location="s3://bucket/'; DROP")
