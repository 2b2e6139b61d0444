"""`penstock interleave simulate`, as typed."""

import msgspec
import pytest

from penstock.interleave.methods import METHODS
from penstock.interleave.simulation import SimulationResult

SMALL = (
    "--queries",
    "15",
    "--documents",
    "20",
    "--users",
    "100",
    "--rankings-per-user",
    "4",
    "--drafts",
    "5",
    "--runs",
    "2",
)


def simulate(shell, *given):
    return shell.call("interleave", "simulate", *SMALL, *given)


def letor(shell):
    lines = [f"{(q + d) % 5} qid:{q} 1:{(q + d) % 5}.{d} 2:{d * 7 % 11}" for q in range(6) for d in range(15)]
    return shell.write("rank.train", "\n".join(lines))


def test_it_prints_a_row_for_every_method_and_metric(shell):
    ended = simulate(shell)
    assert ended.code == 0, ended
    assert ended.err == ""
    for name in (*METHODS, "A/B clicks", "A/B clicked", "A/B reciprocal_rank"):
        assert f"\n{name}" in ended.out


def test_json_has_the_whole_result(shell):
    result = msgspec.convert(simulate(shell, "--json", "--clicks", "navigational").json(), SimulationResult)
    assert [each.method for each in result.methods] == list(METHODS)
    assert result.setup.clicks == "navigational"
    assert result.truth.ndcg[0] > result.truth.ndcg[1]


def test_processes_with_other_hashes_find_the_same(shell):
    one, other = (
        shell.run("interleave", "simulate", *SMALL, environment={"PYTHONHASHSEED": seed}) for seed in ("1", "2")
    )
    assert one.code == 0, one
    assert one.out == other.out


def test_another_seed_finds_something_else(shell):
    assert simulate(shell, "--seed", "2").out != simulate(shell, "--seed", "3").out


def test_only_the_methods_that_were_asked_for_are_simulated(shell):
    out = simulate(shell, "--methods", "optimized_v1, balanced_v1").out
    assert "optimized_v1" in out
    assert "balanced_v1" in out
    assert "team_draft_v1" not in out


def test_rankers_by_features_of_a_file_are_compared(shell):
    letor(shell)
    given = ("--relevance", "rank.train", "--ranker-a", "feature:1", "--ranker-b", "feature:2", "--json")
    result = msgspec.convert(simulate(shell, *given).json(), SimulationResult)
    assert result.setup.rankers == ("feature:1", "feature:2")
    assert result.truth.ndcg[0] == pytest.approx(1.0)
    assert "rank.train: 6 queries, 90 documents" in result.setup.relevance


def test_equal_rankers_are_tried_where_it_is_asked_for(shell):
    ended = simulate(shell, "--false-positives", "--methods", "team_draft_v1")
    assert "equal rankers" in ended.out
    assert "200 runs" in ended.out


def test_simulated_logs_can_be_reported_on(shell):
    ended = simulate(shell, "--write-logs", "logs", "--ranker-b", "noise:2")
    assert ended.code == 0, ended
    assert "400 rankings in logs/rankings.jsonl" in ended.err
    report = shell.call("interleave", "report", "logs/rankings.jsonl", "--clicks", "logs/clicks.jsonl", "--json").json()
    assert report["comparisons"][0]["a"] == "noise:0.5"
    assert report["log"]["rankings"] == 400


def test_logs_are_not_written_twice_into_a_folder(shell):
    simulate(shell, "--write-logs", "logs")
    ended = simulate(shell, "--write-logs", "logs")
    assert ended.code == 2
    assert "is there already" in ended.err


def test_a_page_is_written_that_needs_nothing_else(shell):
    ended = simulate(shell, "--out", "page.html")
    assert ended.code == 0, ended
    page = (shell.folder / "page.html").read_text("utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "team_draft_v1" in page
    assert 'src="http' not in page


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--relevance", "absent"), "absent cannot be read"),
        (("--ranker-a", "feature:1"), "name it with --relevance"),
        (("--query", "sizes"), "name it with --relevance"),
        (("--ranker-a", "best"), "'best' is no ranker"),
        (("--ranker-a", "pinned"), "first ranker cannot be 'pinned'"),
        (("--methods", "team"), "no interleaving method 'team'"),
        (("--methods", ""), "no interleaving method ''"),
        (("--clicks", "human"), "no click model 'human'"),
        (("--propensity", "-1"), "propensity of -1.0"),
        (("--propensity", "nan"), "propensity of nan"),
        (("--out", "absent/page.html"), "does not exist"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(shell, given, says):
    ended = simulate(shell, *given)
    assert ended.code == 2
    assert ended.out == ""
    assert says in ended.err
    assert len(ended.err.splitlines()) == 1


def test_a_file_that_is_wrong_is_named_with_its_line(shell):
    shell.write("rank.train", "1 qid:1 1:1\n9 qid:1 1:1\n")
    ended = simulate(shell, "--relevance", "rank.train", "--ranker-a", "feature:1")
    assert ended.code == 2
    assert "Line 2 of rank.train" in ended.err


@pytest.mark.parametrize(
    "given", [("--users", "3"), ("-k", "0"), ("--runs", "0"), ("--overlap", "2"), ("--seed", "-1")]
)
def test_numbers_outside_their_range_are_refused(shell, given):
    assert simulate(shell, *given).code == 2
